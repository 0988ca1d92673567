"""The rules once more, word for word from their definitions and as slow as that is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.floating[Any]]


def squared_distances(x: Rows) -> NDArray[np.float64]:
    exact = [[Fraction(float(v)) for v in row] for row in x]
    return np.array([[float(sum((a - b) ** 2 for a, b in zip(p, q, strict=True))) for q in exact] for p in exact])


def krum_scores(x: Rows, f: int, extra: int = 2) -> NDArray[np.float64]:
    d = squared_distances(x)
    n = len(x)
    return np.array([sum(sorted(d[i, j] for j in range(n) if j != i)[: n - f - extra]) for i in range(n)])


def bulyan(x: Rows, f: int) -> tuple[list[int], Rows]:
    left = list(range(len(x)))
    picks: list[int] = []
    d = squared_distances(x)
    while len(picks) < len(x) - 2 * f:
        count = max(1, len(left) - f - 2)
        others = {i: sorted(d[i, j] for j in left if j != i) for i in left}
        best = min(left, key=lambda i: (sum(others[i][:count]), sum(others[i]), i))
        picks.append(best)
        left.remove(best)
    chosen = x[sorted(picks)]
    return sorted(picks), np.array([_around_median(column, len(x) - 4 * f) for column in chosen.T])


def _around_median(column: Rows, keep: int) -> float:
    ordered = np.sort(column)
    nearest = np.argsort(np.abs(ordered - np.median(column)), kind="stable")[:keep]
    return float(np.mean(ordered[nearest]))


def trimmed_mean(x: Rows, f: int) -> Rows:
    return np.asarray(np.sort(x.astype(float), axis=0)[f : len(x) - f].mean(axis=0))


def nearest_neighbor_mixing(x: Rows, f: int) -> Rows:
    order = np.argsort(squared_distances(x), axis=1, kind="stable")[:, : len(x) - f]
    return np.asarray(x.astype(float)[order].mean(axis=1))


def centered_clipping(x: Rows, radius: float, iterations: int, start: Rows) -> Rows:
    v = start.astype(float)
    for _ in range(iterations):
        gaps = x - v
        lengths = np.linalg.norm(gaps, axis=1, keepdims=True)
        v = v + (gaps * radius / np.maximum(lengths, radius)).mean(axis=0)
    return v
