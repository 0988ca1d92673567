"""What counts as active, connected and stable: the parameters behind the 18 features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mycelium_fractal_net._checks import as_whole, is_number, is_whole, refusal

__all__ = ["REST_POTENTIAL_MV", "RISES_MV", "FeatureConfig", "Thresholds"]

REST_POTENTIAL_MV = -70.0
"""Rest potential that an array is taken to have."""

RISES_MV = (10.0, 20.0, 30.0)
"""How far above rest the default thresholds lie, in mV."""


class Thresholds(NamedTuple):
    """Thresholds in mV for one field."""

    rest_potential_mv: float
    active_threshold_mv: float
    cluster_thresholds_mv: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """The parameters of the features; validated, immutable, comparable, hashable.

    Parameters
    ----------
    active_threshold_mv : float, optional
        Cells above it are active: the mask of ``D_box`` and ``D_r2``, and ``f_active``. In mV; 10 mV above the rest
        potential unless given.
    cluster_thresholds_mv : tuple of three float, optional
        Ascending thresholds of ``N_clusters_low``, ``_med`` and ``_high`` in mV. The sizes are those of the
        clusters above the first. 10, 20 and 30 mV above the rest potential unless given.
    stability_share : float
        The field is stable once a step changes it, in the mean of abs(dV), by at most this share of its largest
        spread; within (0, 1].
    stability_window : int
        Steps over whose median the change is smoothed, so that single growth events do not count; at least 1.
    connectivity : {4, 8}
        Whether cells that touch at a corner only are connected.
    box_scales : tuple of int, optional
        Sides of the boxes of ``D_box`` in cells; by default :func:`mycelium_fractal_net.box_counting_dimension`
        chooses them.
    rest_potential_mv : float, optional
        Potential in mV from which the default thresholds are counted: that of the simulation, and -70 for an array,
        unless given.

    Raises
    ------
    InvalidInputError
        For a value out of range; the message names it.

    Examples
    --------
    >>> FeatureConfig(connectivity=8).at_rest(-180.0).cluster_thresholds_mv
    (-170.0, -160.0, -150.0)
    >>> FeatureConfig(active_threshold_mv=-55.0).at_rest(-180.0).active_threshold_mv
    -55.0
    >>> FeatureConfig(connectivity=6)
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.errors.InvalidInputError: connectivity must be 4 or 8; got 6
    """

    active_threshold_mv: float | None = None
    cluster_thresholds_mv: tuple[float, float, float] | None = None
    stability_share: float = 0.01
    stability_window: int = 10
    connectivity: int = 4
    box_scales: tuple[int, ...] | None = None
    rest_potential_mv: float | None = None

    def __post_init__(self) -> None:
        for name in ("active_threshold_mv", "rest_potential_mv"):
            value = getattr(self, name)
            if not (value is None or is_number(value)):
                raise refusal(name, "a finite number in mV", value)
        if not (self.cluster_thresholds_mv is None or _are_thresholds(_as_tuple(self.cluster_thresholds_mv))):
            raise refusal("cluster_thresholds_mv", "three ascending numbers in mV", self.cluster_thresholds_mv)
        if not (is_number(self.stability_share) and 0 < self.stability_share <= 1):
            raise refusal("stability_share", "a number above 0 and up to 1", self.stability_share)
        as_whole("stability_window", self.stability_window, 1)
        if not (is_whole(self.connectivity) and self.connectivity in (4, 8)):
            raise refusal("connectivity", "4 or 8", self.connectivity)
        self._normalise()

    def at_rest(self, rest_potential_mv: float) -> Thresholds:
        """Return the thresholds in mV that hold for a field with this rest potential.

        Parameters
        ----------
        rest_potential_mv : float
            Where thresholds that were not given are counted from, unless the configuration names a rest potential.
        """
        rest = rest_potential_mv if self.rest_potential_mv is None else self.rest_potential_mv
        low, med, high = (rest + rise for rise in RISES_MV)
        return Thresholds(
            rest,
            low if self.active_threshold_mv is None else self.active_threshold_mv,
            self.cluster_thresholds_mv or (low, med, high),
        )

    def _normalise(self) -> None:
        """Store plain Python numbers, so that equal settings compare and hash equal, and write as JSON."""
        for name in ("active_threshold_mv", "rest_potential_mv"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else float(value))
        if self.cluster_thresholds_mv is not None:
            thresholds = tuple(float(value) for value in self.cluster_thresholds_mv)
            object.__setattr__(self, "cluster_thresholds_mv", thresholds)
        object.__setattr__(self, "stability_share", float(self.stability_share))
        object.__setattr__(self, "stability_window", int(self.stability_window))
        object.__setattr__(self, "connectivity", int(self.connectivity))
        if self.box_scales is not None:
            scales = _as_tuple(self.box_scales)
            if not all(is_whole(scale) and scale >= 1 for scale in scales) or len(set(scales)) < 2:
                raise refusal("box_scales", "at least two different whole numbers from 1", self.box_scales)
            object.__setattr__(self, "box_scales", tuple(sorted({int(scale) for scale in scales})))


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if isinstance(value, str | bytes) or not (isinstance(value, Sequence) or hasattr(value, "__array__")):
        return ()
    try:
        return tuple(value)
    except TypeError:
        return ()


def _are_thresholds(values: tuple[Any, ...]) -> bool:
    return len(values) == 3 and all(map(is_number, values)) and values[0] < values[1] < values[2]
