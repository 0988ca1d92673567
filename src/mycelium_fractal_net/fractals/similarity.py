"""Similarity dimension: the solution of Moran's equation."""

from __future__ import annotations

from typing import Any

import numpy as np

from mycelium_fractal_net._checks import refusal

__all__ = ["similarity_dimension"]


def similarity_dimension(ratios: Any) -> float:
    r"""Solve Moran's equation for the ratios of a system of similarities.

    .. math:: \sum_i s_i^D = 1

    Parameters
    ----------
    ratios : sequence of float
        The ratios s_i, each greater than 0 and less than 1.

    Returns
    -------
    float
        D. It is the box-counting and the Hausdorff dimension of the attractor when the system obeys the open
        set condition, and an upper bound otherwise.

    Raises
    ------
    InvalidInputError
        For no ratio, or one that is not between 0 and 1.

    Notes
    -----
    Newton's method from D = 0, where the convex left side lies above 1: it rises to the solution.

    References
    ----------
    P. A. P. Moran, "Additive functions of intervals and Hausdorff measure", Math. Proc. Camb. Phil. Soc. 42
    (1946) 15. https://doi.org/10.1017/S0305004100022684

    Examples
    --------
    >>> round(similarity_dimension([1 / 2, 1 / 2, 1 / 2]), 6)
    1.584963
    """
    try:
        values = np.asarray(ratios, dtype=np.float64)
    except (TypeError, ValueError):
        raise refusal("ratios", "numbers between 0 and 1", ratios) from None
    if values.ndim != 1 or values.size == 0 or not ((values > 0.0) & (values < 1.0)).all():
        raise refusal("ratios", "a sequence of numbers between 0 and 1", ratios)
    logs = np.log(values)
    dimension = 0.0
    for _ in range(200):
        powers = np.exp(dimension * logs)
        step = float((1.0 - powers.sum()) / (powers @ logs))
        dimension += step
        if abs(step) <= 1e-15 * max(1.0, dimension):
            break
    return dimension
