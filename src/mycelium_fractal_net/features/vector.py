"""The feature vector: named numbers in a fixed order, the 18 first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._display import table_html
from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.features._schema import CORE, FEATURE_NAMES, FEATURE_UNITS, Feature

__all__ = ["FEATURE_NAMES", "FEATURE_UNITS", "FeatureVector"]


class FeatureVector:
    """The features of a field: by attribute, by name, by index, by iteration, as array or dictionary.

    It holds the 18 below, and those of other sets that were asked for; where the 18 were not, they are no attributes.

    Attributes
    ----------
    D_box, D_r2 : float
        Box-counting dimension of the active cells, and r2 of its fit.
    V_min, V_max, V_mean, V_std : float
        Of the last field, in mV; population standard deviation.
    V_skew, V_kurt : float
        Fisher skewness and excess kurtosis; 0 where V_std is 0.
    dV_mean, dV_max : float
        Mean and maximum of the absolute change, over cells and steps, in mV/step.
    T_stable : float
        First step from which the field rests; the number of steps if it never does.
    E_trend : float
        Slope of the least-squares line through mean(V**2) against the step, in mV^2/step.
    f_active : float
        Fraction of cells that are active.
    N_clusters_low, N_clusters_med, N_clusters_high : float
        Connected components above three thresholds.
    max_cluster_size, cluster_size_std : float
        Largest size and population standard deviation of the sizes above the first threshold, in cells.

    Examples
    --------
    >>> vector = FeatureVector.from_array(range(18))
    >>> vector.V_min, vector["V_min"], vector.to_dict()["V_min"], vector.to_array()[2]
    (2.0, 2.0, 2.0, np.float64(2.0))
    >>> import numpy as np, mycelium_fractal_net as mfn
    >>> stripes = -70.0 + 20.0 * np.sin(2 * np.pi * np.arange(64) / 16) * np.ones((64, 1))
    >>> vector = mfn.extract_features(stripes, sets=("spectral", "core"))
    >>> vector.names[0], vector.V_std == vector["V_std"], round(vector.V_wavelength, 6)
    ('D_box', True, 16.0)
    """

    __slots__ = ("_values", "schema")

    D_box: float
    D_r2: float
    V_min: float
    V_max: float
    V_mean: float
    V_std: float
    V_skew: float
    V_kurt: float
    dV_mean: float  # noqa: N815 - the pinned names are those of the literature
    dV_max: float  # noqa: N815 - as above
    T_stable: float
    E_trend: float
    f_active: float
    N_clusters_low: float
    N_clusters_med: float
    N_clusters_high: float
    max_cluster_size: float
    cluster_size_std: float

    schema: tuple[Feature, ...]
    _values: tuple[float, ...]

    def __init__(self, values: Any, schema: tuple[Feature, ...] = CORE) -> None:
        object.__setattr__(self, "schema", schema)
        object.__setattr__(self, "_values", tuple(map(float, values)))

    @classmethod
    def from_array(cls, values: Any) -> FeatureVector:
        """Make a vector of 18 numbers in the order of ``FEATURE_NAMES``.

        Raises
        ------
        InvalidInputError
            For anything but 18 numbers.
        """
        try:
            numbers = [float(value) for value in values]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) != len(FEATURE_NAMES):
            raise InvalidInputError(f"a feature vector needs {len(FEATURE_NAMES)} numbers; got {values!r:.80}")
        return cls(numbers)

    @property
    def names(self) -> tuple[str, ...]:
        """Names, in the order of :meth:`to_array`."""
        return tuple(feature.name for feature in self.schema)

    @property
    def units(self) -> Mapping[str, str]:
        """Unit of each feature; ``"1"`` for a number without one."""
        return {feature.name: feature.unit for feature in self.schema}

    def to_array(self) -> NDArray[np.float64]:
        """Return the features as an array of float64: (18,), or as many as the sets have."""
        return np.asarray(self._values, dtype=np.float64)

    def to_dict(self) -> dict[str, float]:
        """Return the features by name, in their order."""
        return dict(self.items())

    def items(self) -> Iterator[tuple[str, float]]:
        """Yield name and value of each feature."""
        return zip(self.names, self._values, strict=True)

    def to_series(self) -> Any:
        """Return the features as a pandas Series, by name.

        Raises
        ------
        MissingExtraError
            Without pandas.

        Examples
        --------
        >>> FeatureVector.from_array(range(18)).to_series()["V_min"]
        np.float64(2.0)
        """
        try:
            import pandas as pd  # type: ignore[import-untyped] # its stubs are another package
        except ImportError:
            raise MissingExtraError.for_extra("frames", "pandas") from None
        return pd.Series(self.to_array(), index=list(self.names), name="value")

    def _repr_html_(self) -> str:
        definitions = {feature.name: feature.definition for feature in self.schema}
        return table_html(
            (name, f"{value:.6g}", "" if unit == "1" else unit, definitions[name]) for name, value, unit in self.rows()
        )

    def rows(self) -> list[tuple[str, float, str]]:
        """Return name, value and unit of each feature."""
        return [(each.name, value, each.unit) for each, value in zip(self.schema, self._values, strict=True)]

    def __getattr__(self, name: str) -> float:
        if not name.startswith("_"):
            for feature, value in zip(self.schema, self._values, strict=True):
                if feature.name == name:
                    return value
        raise AttributeError(f"this vector has no feature {name!r}; names lists what it has")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"a feature vector is immutable; cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a feature vector is immutable; cannot delete {name!r}")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a feature vector has no array that could be shared; use copy=True or None")
        return self.to_array() if dtype is None else self.to_array().astype(dtype)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[float]:
        return iter(self._values)

    def __getitem__(self, key: str | int) -> float:
        if not isinstance(key, str):
            return self._values[key]
        if key not in self.names:
            raise KeyError(f"no feature {key!r}; names lists them, for the 18 also FEATURE_NAMES")
        return self._values[self.names.index(key)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FeatureVector):
            return NotImplemented
        return self.names == other.names and np.array_equal(self.to_array(), other.to_array(), equal_nan=True)

    def __hash__(self) -> int:
        return hash((self.names, tuple(None if value != value else value for value in self._values)))

    def __reduce__(self) -> tuple[Any, ...]:
        return FeatureVector, (self._values, self.schema)

    def __repr__(self) -> str:
        return f"FeatureVector({', '.join(f'{name}={value!r}' for name, value in self.items())})"

    def __str__(self) -> str:
        width = max(map(len, self.names))
        lines = (
            f"{name:<{width}} {value:>14.6g} {'' if unit == '1' else unit}".rstrip()
            for name, value, unit in self.rows()
        )
        return "\n".join(lines)
