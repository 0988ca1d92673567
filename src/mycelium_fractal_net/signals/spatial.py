"""Signs of slowing down in one field: neighbours become alike before a transition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_flag, as_float64, refusal

__all__ = ["morans_i", "spatial_skewness", "spatial_variance"]


def _field(value: Any) -> NDArray[np.float64]:
    field = as_float64("field", value)
    if field.ndim != 2 or min(field.shape) < 3:
        raise refusal("field", "an array of at least 3 x 3 cells", value)
    if not np.isfinite(field).all():
        raise refusal("field", "finite everywhere", value)
    return field


def morans_i(field: Any, *, periodic: bool = True) -> float:
    r"""Return Moran's I of the four nearest neighbours: how alike neighbours are.

    .. math:: I = \frac{N}{W} \frac{\sum_{ij} w_{ij} (x_i - \bar x)(x_j - \bar x)}{\sum_i (x_i - \bar x)^2}

    Parameters
    ----------
    field : array_like (rows, columns)
        At least 3 x 3 cells, any unit.
    periodic : bool
        Whether the borders touch.

    Returns
    -------
    float
        1 for long waves, -1/(N - 1) expected of uncorrelated noise, -1 for a chessboard; 0 where nothing varies.

    Notes
    -----
    Moran (1950), doi:10.1093/biomet/37.1-2.17; as an early warning: Dakos et al. (2010), doi:10.1007/s12080-009-0060-6.

    Examples
    --------
    >>> morans_i(np.indices((4, 4)).sum(axis=0) % 2)
    -1.0
    """
    values = _field(field)
    centred = values - values.mean()
    total = float((centred**2).sum())
    if total == 0:
        return 0.0
    if as_flag("periodic", periodic):
        pairs = [(centred, np.roll(centred, 1, axis)) for axis in (0, 1)]
    else:
        pairs = [(centred[1:], centred[:-1]), (centred[:, 1:], centred[:, :-1])]
    weight = sum(left.size for left, _ in pairs)
    return float(sum((left * right).sum() for left, right in pairs) * values.size / (weight * total))


def spatial_variance(field: Any) -> float:
    """Return the variance over the cells of a field, in its unit squared."""
    return float(_field(field).var(ddof=1))


def spatial_skewness(field: Any) -> float:
    """Return Fisher's skewness over the cells of a field, 0 where nothing varies.

    Source: Guttal and Jayaprakash (2009), doi:10.1007/s12080-008-0033-1.
    """
    values = _field(field)
    centred = values - values.mean()
    spread = float((centred**2).mean())
    return float((centred**3).mean() / spread**1.5) if spread > 0 else 0.0
