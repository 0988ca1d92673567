"""What counts as active, connected and stable: the parameters behind the 18 features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mycelium_fractal_net._checks import as_whole, is_number, is_whole, refusal

__all__ = ["FeatureConfig"]


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """The parameters of the features; validated, immutable, comparable, hashable.

    Parameters
    ----------
    active_threshold_mv : float
        Cells above it are active: the mask of ``D_box`` and ``D_r2``, and ``f_active``. In mV.
    cluster_thresholds_mv : tuple of three float
        Ascending thresholds of ``N_clusters_low``, ``_med`` and ``_high`` in mV. The sizes are those of the
        clusters above the first.
    stability_threshold_mv : float
        The field is at rest while the standard deviation of a step's change stays below it, in mV/step; > 0.
    stability_window : int
        For how many steps it has to; at least 1.
    connectivity : {4, 8}
        Whether cells that touch at a corner only are connected.
    box_scales : tuple of int, optional
        Sides of the boxes of ``D_box`` in cells; by default :func:`mycelium_fractal_net.box_counting_dimension`
        chooses them.

    Raises
    ------
    InvalidInputError
        For a value out of range; the message names it.

    Examples
    --------
    >>> FeatureConfig(connectivity=8).cluster_thresholds_mv
    (-60.0, -50.0, -40.0)
    >>> FeatureConfig(connectivity=6)
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.errors.InvalidInputError: connectivity must be 4 or 8; got 6
    """

    active_threshold_mv: float = -60.0
    cluster_thresholds_mv: tuple[float, float, float] = (-60.0, -50.0, -40.0)
    stability_threshold_mv: float = 0.001
    stability_window: int = 10
    connectivity: int = 4
    box_scales: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not is_number(self.active_threshold_mv):
            raise refusal("active_threshold_mv", "a finite number in mV", self.active_threshold_mv)
        thresholds = _as_tuple(self.cluster_thresholds_mv)
        if not _are_thresholds(thresholds):
            raise refusal("cluster_thresholds_mv", "three ascending numbers in mV", self.cluster_thresholds_mv)
        if not (is_number(self.stability_threshold_mv) and self.stability_threshold_mv > 0):
            raise refusal("stability_threshold_mv", "a positive number in mV/step", self.stability_threshold_mv)
        as_whole("stability_window", self.stability_window, 1)
        if not (is_whole(self.connectivity) and self.connectivity in (4, 8)):
            raise refusal("connectivity", "4 or 8", self.connectivity)
        self._normalise(thresholds)

    def _normalise(self, thresholds: tuple[Any, ...]) -> None:
        """Store plain Python numbers, so that equal settings compare and hash equal, and write as JSON."""
        object.__setattr__(self, "active_threshold_mv", float(self.active_threshold_mv))
        object.__setattr__(self, "cluster_thresholds_mv", tuple(float(value) for value in thresholds))
        object.__setattr__(self, "stability_threshold_mv", float(self.stability_threshold_mv))
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
