"""The set ``activator``: statistics, spectrum and clusters of the Turing pair, and the balance that it settles to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.features._sample import Pair, Sample
from mycelium_fractal_net.features._schema import described
from mycelium_fractal_net.features._shape import shape_of, shape_rows

__all__ = ["ACTIVATOR", "activator"]

_MOMENTS = (
    ("min", "lowest"),
    ("max", "highest"),
    ("mean", "mean"),
    ("std", "standard deviation of the"),
    ("skew", "skewness of the"),
    ("kurt", "excess kurtosis of the"),
)
_TERMS = ("1", "a", "a2", "a3", "h")

ACTIVATOR = described(
    "activator",
    (
        *((f"a_{name}", "1", f"{text} activator") for name, text in _MOMENTS),
        *((f"h_{name}", "1", f"{text} inhibitor") for name, text in _MOMENTS),
        *shape_rows("a"),
        ("pair_correlation", "1", "correlation of activator and inhibitor"),
        ("f_living", "1", "share of cells whose activator lies above the living threshold"),
        ("N_living", "1", "connected patches of those cells"),
        ("max_living", "cells", "size of the largest of them"),
        ("living_contrast", "mV", "mean potential of living cells less that of the others"),
        ("living_rise", "mV", "mean potential above rest over the share of living cells"),
        *(
            (
                f"a_balance_{term}",
                "1",
                f"{term} in -laplace(a) = c_1 + c_a a + c_a2 a^2 + c_a3 a^3 + c_h h, of length 1",
            )
            for term in _TERMS
        ),
        ("a_balance_size", "1", "log10 of the length of those coefficients"),
        ("a_balance_r2", "1", "share of the variance of laplace(a) that they explain"),
        *(
            (f"h_balance_{term}", "1", f"{term} in -laplace(h) = c_1 + c_a a + c_h h, of length 1")
            for term in ("1", "a", "h")
        ),
        ("h_balance_size", "1", "log10 of the length of those coefficients"),
        ("h_balance_r2", "1", "share of the variance of laplace(h) that they explain"),
    ),
)
"""The set ``activator``, in its order."""


def activator(sample: Sample) -> list[float]:
    """Compute the set ``activator`` of a sample that has a pair."""
    if sample.pair is None:
        return [math.nan] * len(ACTIVATOR)
    pair = sample.pair
    moments = [*_moments(pair.activator), *_moments(pair.inhibitor)]
    shape = shape_of(pair.activator, sample.periodic)
    return [*moments, *shape, _correlation(pair), *_living(sample, pair), *_balances(pair, sample.periodic)]


def _moments(field: NDArray[np.float64]) -> tuple[float, ...]:
    from mycelium_fractal_net.features._kernels_moments import moments

    found: tuple[float, ...] = moments(field.ravel())
    return found


def _correlation(pair: Pair) -> float:
    a, h = (field - field.mean() for field in pair[:2])
    size = math.sqrt(float((a**2).sum()) * float((h**2).sum()))
    return float((a * h).sum()) / size if size > 0.0 else math.nan


def _living(sample: Sample, pair: Pair) -> tuple[float, ...]:
    from mycelium_fractal_net.features._kernels_clusters import component_sizes

    living = pair.activator > pair.living_above
    share = float(living.mean())
    sizes = component_sizes(pair.activator, pair.living_above, sample.config.connectivity == 8, sample.periodic)
    largest = float(sizes.max()) if sizes.size else 0.0
    if not 0.0 < share < 1.0:
        return share, float(sizes.size), largest, math.nan, math.nan
    field = sample.field
    rise = (float(field.mean()) - sample.rest_potential_mv) / share
    return share, float(sizes.size), largest, float(field[living].mean() - field[~living].mean()), rise


def _balances(pair: Pair, periodic: bool) -> list[float]:
    a, h = pair.activator, pair.inhibitor
    return [
        *_balance(_laplace(a, periodic), [_inner(term, periodic) for term in (a**0, a, a**2, a**3, h)]),
        *_balance(_laplace(h, periodic), [_inner(term, periodic) for term in (a**0, a, h)]),
    ]


def _laplace(field: NDArray[np.float64], periodic: bool) -> NDArray[np.float64]:
    framed = np.pad(field, 1, mode="wrap") if periodic else field
    middle = framed[1:-1, 1:-1]
    sums = framed[:-2, 1:-1] + framed[2:, 1:-1] + framed[1:-1, :-2] + framed[1:-1, 2:]
    return sums - 4.0 * middle


def _inner(field: NDArray[np.float64], periodic: bool) -> NDArray[np.float64]:
    return field.ravel() if periodic else field[1:-1, 1:-1].ravel()


def _balance(laplacian: NDArray[np.float64], terms: list[NDArray[np.float64]]) -> list[float]:
    """Fit -laplacian by the terms; return the direction of the coefficients, log10 of their length, and r2."""
    target = -laplacian.ravel()
    if target.size < 2 * len(terms) or not np.ptp(target) > 0.0:
        return [math.nan] * (len(terms) + 2)
    table = np.stack(terms, axis=1)
    found = np.linalg.lstsq(table, target, rcond=None)[0]
    length = float(np.linalg.norm(found))
    left = target - table @ found
    r2 = 1.0 - float((left**2).sum() / ((target - target.mean()) ** 2).sum())
    return [*(found / length).tolist(), math.log10(length), r2]
