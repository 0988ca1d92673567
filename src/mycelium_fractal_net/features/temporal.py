"""The four features of time, from five sums a step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.features.config import FeatureConfig

__all__ = ["Temporal", "temporal_features"]


class Temporal(NamedTuple):
    """How the field has moved; all 0 when it has not been seen to."""

    dV_mean: float  # noqa: N815 - the pinned names are those of the literature
    dV_max: float  # noqa: N815 - as above
    T_stable: float
    E_trend: float


def temporal_features(
    step_statistics: NDArray[np.float64], last_energy: float, cells: int, config: FeatureConfig
) -> Temporal:
    r"""Compute the features of time.

    .. math::

        \sigma_t = \sqrt{\langle d_t^2 \rangle - \langle d_t \rangle^2}, \quad d_t = V_t - V_{t-1}, \qquad
        E_{trend} = \frac{\sum_t (t - \bar t) (E_t - \bar E)}{\sum_t (t - \bar t)^2}, \quad E_t = \langle V_t^2 \rangle

    Parameters
    ----------
    step_statistics : ndarray, shape (steps, 5)
        Of each step: sum of abs(d), maximum of abs(d), sum of d, sum of d^2, sum of V^2 before the step.
    last_energy : float
        Sum of V^2 after the last step.
    cells : int
        Cells of the field.
    config : FeatureConfig
        Threshold and window of rest.

    Returns
    -------
    Temporal
        dV_mean, dV_max, T_stable, E_trend; 0 without a step.
    """
    steps = len(step_statistics)
    if steps == 0:
        return Temporal(0.0, 0.0, 0.0, 0.0)
    from mycelium_fractal_net.features._kernels_trend import trend

    mean, largest, first_rest, slope = trend(
        step_statistics, last_energy, cells, config.stability_threshold_mv, config.stability_window
    )
    return Temporal(mean, largest, float(first_rest), slope)
