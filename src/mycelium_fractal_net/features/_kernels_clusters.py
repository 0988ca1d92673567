"""Compiled connected components: one pass of provisional labels, united in a forest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit

__all__ = ["cluster_summary", "component_sizes"]


@njit(nogil=True, error_model="numpy")
def _root(parent: NDArray[np.int32], label: int) -> int:
    while parent[label] != label:
        parent[label] = parent[parent[label]]
        label = int(parent[label])
    return label


@njit(nogil=True, error_model="numpy")
def _unite(parent: NDArray[np.int32], one: int, other: int) -> None:
    """Join the trees of two labels; label 0 is the background and joins nothing."""
    if one > 0 and other > 0 and one != other:
        a, b = _root(parent, one), _root(parent, other)
        parent[max(a, b)] = min(a, b)


@njit(nogil=True, error_model="numpy")
def _label_row(
    row: NDArray[np.float64],
    threshold: float,
    above: NDArray[np.int32],
    labels: NDArray[np.int32],
    parent: NDArray[np.int32],
    sizes: NDArray[np.int32],
    count: int,
    eight: bool,
) -> int:
    """Label one row from the labels of the row above; both have a background cell at either end."""
    for j in range(1, row.shape[0] + 1):
        if not row[j - 1] > threshold:
            labels[j] = 0
            continue
        label, up = labels[j - 1], above[j]
        if label == 0:
            label = up
        elif above[j - 1] == 0:
            _unite(parent, label, up)
        if eight and up == 0:
            if label == 0:
                label = above[j - 1]
            else:
                _unite(parent, label, above[j - 1])
            if label == 0:
                label = above[j + 1]
            else:
                _unite(parent, label, above[j + 1])
        if label == 0:
            count += 1
            label = count
            parent[label] = label
            sizes[label] = 0
        labels[j] = label
        sizes[label] += 1
    return count


@njit(nogil=True, error_model="numpy")
def _join_borders(
    parent: NDArray[np.int32],
    top: NDArray[np.int32],
    bottom: NDArray[np.int32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    eight: bool,
) -> None:
    """Join opposite borders of a torus; each pair of lines is traversed with wrapped diagonals."""
    reach = 1 if eight else 0
    for j in range(top.shape[0]):
        for shift in range(-reach, reach + 1):
            _unite(parent, top[j], bottom[(j + shift) % bottom.shape[0]])
    for i in range(left.shape[0]):
        for shift in range(-reach, reach + 1):
            _unite(parent, left[i], right[(i + shift) % right.shape[0]])


@njit(nogil=True, error_model="numpy")
def _workspace(rows: int, columns: int) -> NDArray[np.int32]:
    """Return room for the parent and the size of each label: at most half of the cells begin one."""
    return np.empty((2, (rows + 1) * (columns + 1) // 2 + 1), np.int32)


@njit(nogil=True, error_model="numpy")
def component_sizes(field: NDArray[np.float64], threshold: float, eight: bool, periodic: bool) -> NDArray[np.int64]:
    """Return the numbers of cells of the connected components above a threshold, in order of appearance."""
    workspace = _workspace(field.shape[0], field.shape[1])
    sizes: NDArray[np.int64] = _component_sizes(field, threshold, eight, periodic, workspace)
    return sizes


@njit(nogil=True, error_model="numpy")
def _component_sizes(
    field: NDArray[np.float64], threshold: float, eight: bool, periodic: bool, workspace: NDArray[np.int32]
) -> NDArray[np.int64]:
    rows, columns = field.shape
    parent, sizes = workspace[0], workspace[1]
    top, left, right = np.empty(columns, np.int32), np.empty(rows, np.int32), np.empty(rows, np.int32)
    above, labels = np.zeros(columns + 2, np.int32), np.zeros(columns + 2, np.int32)
    count = np.int64(0)  # a plain 0 would be a type of its own, and another compilation
    for i in range(rows):
        count = _label_row(field[i], threshold, above, labels, parent, sizes, count, eight)
        if i == 0:
            for j in range(columns):
                top[j] = labels[j + 1]
        left[i], right[i] = labels[1], labels[columns]
        above, labels = labels, above
    if periodic:
        _join_borders(parent, top, above[1:-1], left, right, eight)
    found: NDArray[np.int64] = _gather(parent, sizes, count)
    return found


@njit(nogil=True, error_model="numpy")
def _gather(parent: NDArray[np.int32], sizes: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Add the sizes of joined labels to the first of them, and return those."""
    components = 0
    for label in range(1, count + 1):
        root = _root(parent, label)
        if root == label:
            components += 1
        else:
            sizes[root] += sizes[label]
            sizes[label] = 0
    found = np.empty(components, np.int64)
    k = 0
    for label in range(1, count + 1):
        if sizes[label] > 0:
            found[k] = sizes[label]
            k += 1
    return found


@njit(nogil=True, error_model="numpy")
def cluster_summary(
    field: NDArray[np.float64], thresholds: NDArray[np.float64], eight: bool, periodic: bool
) -> tuple[NDArray[np.int64], int, float]:
    """Return the number of components above each threshold, and largest size and spread above the first."""
    workspace = _workspace(field.shape[0], field.shape[1])
    counts = np.empty(thresholds.shape[0], np.int64)
    largest, spread = 0, 0.0
    for k in range(thresholds.shape[0]):
        sizes = _component_sizes(field, thresholds[k], eight, periodic, workspace)
        counts[k] = sizes.shape[0]
        if k == 0 and sizes.shape[0] > 0:
            largest, spread = _largest_and_spread(sizes)
    return counts, largest, spread


@njit(nogil=True, error_model="numpy")
def _largest_and_spread(sizes: NDArray[np.int64]) -> tuple[int, float]:
    """Return the largest size and the population's standard deviation; NumPy's functions take seconds to compile."""
    total, largest, squares = 0, 0, 0.0
    for size in sizes:
        total += size
        largest = max(largest, size)
    mean = total / sizes.shape[0]
    for size in sizes:
        squares += (size - mean) * (size - mean)
    return largest, float((squares / sizes.shape[0]) ** 0.5)
