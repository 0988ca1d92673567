"""What a simulation gives: the fields after some step, their features, and ways to show and to keep them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import one_line, unlocked
from mycelium_fractal_net._display import draw, image_html, table_html
from mycelium_fractal_net._gil import hash_held, lazy
from mycelium_fractal_net._inputs import LARGEST_ARRAY, load_members, parse_json, regular_file
from mycelium_fractal_net._outputs import whole_file
from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.features import FeatureConfig, FeatureVector, Pair, Sample, compute_sets, ordered_sets
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.variables import VARIABLES

__all__ = ["Frame", "SimulationResult", "read_only"]

Field = NDArray[np.floating[Any]]
FieldT = TypeVar("FieldT", bound=NDArray[Any])

_DEFAULT_FEATURES = FeatureConfig()
_ARRAYS = tuple(each.attribute for each in VARIABLES.values())
_LARGEST = 3 * 8 * 16384**2 + LARGEST_ARRAY


def read_only(array: FieldT) -> FieldT:
    """Return a view that cannot be written to, so that features and digest stay those of the fields."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False, repr=False)
class Frame:
    """The state after some step.

    Attributes
    ----------
    step : int
        Steps done.
    field_mv, activator, inhibitor : ndarray, shape (N, N)
        Potential in mV and the Turing pair, read-only; later steps leave them alone. ``.copy()`` can be written to.
    growth_events, turing_activations, clamping_events : int
        Totals since step 0.
    step_statistics : ndarray, shape (step, 5)
        Of each step's change d of the potential, in float64: sum of abs(d), max of abs(d), sum of d, sum of d^2;
        and the sum of the squared potential before the step.
    config : SimulationConfig
        What was simulated.
    feature_config : FeatureConfig
        Thresholds, window, connectivity and box scales of :attr:`features`.
    sets : tuple of str
        Feature sets of :attr:`features`.
    """

    step: int
    field_mv: Field
    activator: Field
    inhibitor: Field
    growth_events: int
    turing_activations: int
    clamping_events: int
    step_statistics: NDArray[np.float64] = field(repr=False)
    config: SimulationConfig
    feature_config: FeatureConfig = _DEFAULT_FEATURES
    sets: tuple[str, ...] = ("core",)

    def __post_init__(self) -> None:
        """Let nobody write to the fields, so that features and digest stay theirs."""
        self.__setstate__(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled or copied: arrays arrive as such, and would be writable."""
        arrays = {name: read_only(value) for name, value in state.items() if isinstance(value, np.ndarray)}
        vars(self).update(state, **arrays)

    @lazy
    def features(self) -> FeatureVector:
        """Return the features, from these fields and the statistics gathered while they ran: 18, or ``sets``."""
        return compute_sets(self.sample, self.sets)

    @property
    def sample(self) -> Sample:
        """What features are computed from."""
        a, h = (unlocked(each).astype(np.float64, copy=False) for each in (self.activator, self.inhibitor))
        return Sample(
            unlocked(self.field_mv),
            unlocked(self.step_statistics),
            pair=Pair(a, h, self.config.activator_threshold),
            rest_potential_mv=self.config.rest_potential_mv,
            periodic=self.config.boundary == "periodic",
            config=self.feature_config,
        )

    @lazy
    def digest(self) -> str:
        """SHA-256 over fields (little-endian), step and counters: equal digests mean equal bits."""
        numbers = (self.step, self.growth_events, self.turing_activations, self.clamping_events)
        arrays: list[Any] = [
            np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data
            for array in (self.field_mv, self.activator, self.inhibitor)
        ]
        state = hashlib.sha256(repr(numbers).encode())
        for array in arrays:
            hash_held(state, array.cast("B"))
        return state.hexdigest()

    def plot(self, field: str = "v", *, limits: tuple[float, float] | None = None) -> Any:
        """Draw a field on the scale of its physics, so that a dead field looks dead.

        Parameters
        ----------
        field : {"v", "activator", "inhibitor"}
            The potential in mV, or one of the pair.
        limits : tuple of float, optional
            Ends of the scale in the field's unit; the clamp, or the kinetics' own scale, by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        MissingExtraError
            Without matplotlib.

        Examples
        --------
        >>> import mycelium_fractal_net as mfn
        >>> figure = mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=20)).plot("activator")
        >>> figure.axes[1].get_ylabel()
        'activator (dimensionless)'
        """
        return draw("field_figure", self, field=field, limits_mv=limits, title=self._title)

    @property
    def _title(self) -> str:
        config = self.config
        changed = ", ".join(f"{name} {value:g}" for name, value in config.kinetics_parameters.items())
        parts = (config.kinetics, changed, f"step {self.step}", f"seed {config.seed}")
        return ", ".join(part for part in parts if part)

    def _repr_html_(self) -> str:
        rows, columns = self.config.shape
        facts = [
            ("kinetics", self.config.kinetics),
            ("lattice", f"{rows} x {columns} cells"),
            ("step", f"{self.step} of {self.config.steps}"),
            ("growth events", str(self.growth_events)),
            ("digest", self.digest[:16]),
        ]
        return image_html("overview_figure", self) + table_html(facts)

    def __repr__(self) -> str:
        rows, columns = self.config.shape
        return (
            f"{type(self).__name__}(step={self.step}, shape=({rows}, {columns}), kinetics={self.config.kinetics!r}, "
            f"seed={self.config.seed}, growth_events={self.growth_events})"
        )

    def to_series(self) -> Any:
        """Return the features as a pandas Series, by name.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        return self.features.to_series()

    def to_xarray(self) -> Any:
        """Return the three fields as an xarray Dataset over row and column, with units and the configuration.

        The features are in :meth:`to_series`.

        Raises
        ------
        MissingExtraError
            Without xarray.

        Examples
        --------
        >>> import mycelium_fractal_net as mfn
        >>> data = mfn.simulate(mfn.SimulationConfig(domain=(16, 24), steps=3)).to_xarray()
        >>> dict(data.sizes), data.v.attrs["units"]
        ({'row': 16, 'column': 24}, 'mV')
        """
        try:
            import xarray
        except ImportError:
            raise MissingExtraError.for_extra("frames", "xarray") from None
        fields = {
            each.name: (
                ("row", "column"),
                np.array(getattr(self, each.attribute)),
                {"units": each.unit, "long_name": each.label.partition(" (")[0]},
            )
            for each in VARIABLES.values()
        }
        attributes = {"config": self.config.model_dump_json(), "step": self.step, "digest": self.digest}
        rows, columns = (np.arange(side) for side in self.config.shape)
        return xarray.Dataset(fields, {"row": rows, "column": columns}, attributes)

    def save(self, path: str | Path) -> None:
        """Write all of it into one ``.npz`` file, from which ``load`` has it back with the same digest."""
        header = {
            "step": self.step,
            "counters": [self.growth_events, self.turing_activations, self.clamping_events],
            "config": self.config.model_dump(mode="json"),
            "kinetics": self.config.model.digest(),
            "sets": list(self.sets),
            "feature_config": asdict(self.feature_config),
        }
        arrays: dict[str, Any] = {each.attribute: getattr(self, each.attribute) for each in VARIABLES.values()}
        with whole_file(Path(path)) as file:
            np.savez(file, result=np.array(json.dumps(header)), step_statistics=self.step_statistics, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InvalidInputError
            When the file is no result, or of a kinetics that is another one here.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> import mycelium_fractal_net as mfn
        >>> result = mfn.simulate(mfn.SimulationConfig(grid_size=16, steps=3))
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "result.npz"
        >>> result.save(path)
        >>> mfn.SimulationResult.load(path).digest == result.digest
        True
        """
        with regular_file(Path(path), _LARGEST, InvalidInputError) as file:
            try:
                with zipfile.ZipFile(file) as archive:
                    arrays = load_members(archive, ("result", "step_statistics", *_ARRAYS), _LARGEST)
                header = parse_json(str(arrays.pop("result")).encode())
                return cls._of(header, arrays)
            except Exception as error:
                raise InvalidInputError(f"{path} is not the result of a simulation: {one_line(error)}") from error

    @classmethod
    def _of(cls, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Self:
        config = SimulationConfig.model_validate(header["config"])
        if config.model.digest() != header["kinetics"]:
            raise ValueError(f"its kinetics {config.kinetics!r} differs from the one registered here")
        for name in _ARRAYS:
            if arrays[name].shape != config.shape or arrays[name].dtype != np.dtype(config.dtype):
                raise ValueError(f"{name} is {arrays[name].shape} {arrays[name].dtype}")
        growth, activations, clampings = map(int, header["counters"])
        return cls(
            step=int(header["step"]),
            growth_events=growth,
            turing_activations=activations,
            clamping_events=clampings,
            config=config,
            feature_config=FeatureConfig(**header["feature_config"]),
            sets=ordered_sets(header["sets"]),
            **arrays,
        )


class SimulationResult(Frame):
    """The frame after the last step."""
