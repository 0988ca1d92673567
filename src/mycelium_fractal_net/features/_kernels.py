"""Compiled passes over one field: moments and connected components."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def moments(field):
    """Return minimum, maximum, mean and the second to fourth central moments, in float64."""
    low = np.float64(field[0, 0])
    high = low
    total = 0.0
    origin = low
    rows, columns = field.shape
    for i in range(rows):
        row = field[i]
        partial = 0.0
        for j in range(columns):
            value = np.float64(row[j])
            partial += value - origin
            low = min(low, value)
            high = max(high, value)
        total += partial
    n = rows * columns
    mean = origin + total / n
    first = 0.0
    second = 0.0
    third = 0.0
    fourth = 0.0
    for i in range(rows):
        row = field[i]
        for j in range(columns):
            d = np.float64(row[j]) - mean
            square = d * d
            first += d
            second += square
            third += square * d
            fourth += square * square
    second = max(second / n - (first / n) ** 2, 0.0)
    return low, high, mean, second, third / n, fourth / n


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _join(parent, i, j):
    i, j = _root(parent, i), _root(parent, j)
    if i < j:
        parent[j] = i
    else:
        parent[i] = j


@njit(cache=True, nogil=True, error_model="numpy")
def cluster_sizes(field, threshold, diagonal, periodic):
    """Return the sizes of the connected components above a threshold, in the order of their first cell.

    Union-find over runs: each run of cells in a row is a node that is joined to the runs it touches above.
    """
    rows, columns = field.shape
    capacity = rows * ((columns + 1) // 2)
    parent = np.empty(capacity, np.int64)
    begin = np.empty(capacity, np.int64)
    end = np.empty(capacity, np.int64)
    first_of_row = np.empty(rows + 1, np.int64)
    count = 0
    reach = 1 if diagonal else 0
    for i in range(rows):
        first_of_row[i] = count
        row = field[i]
        j = 0
        while j < columns:
            if row[j] > threshold:
                start = j
                while j < columns and row[j] > threshold:
                    j += 1
                parent[count], begin[count], end[count] = count, start, j
                count += 1
            else:
                j += 1
    first_of_row[rows] = count
    for i in range(rows if periodic else rows - 1):
        below = (i + 1) % rows
        low, low_end = first_of_row[i], first_of_row[i + 1]
        k, k_end = first_of_row[below], first_of_row[below + 1]
        while low < low_end and k < k_end:
            if begin[low] < end[k] + reach and begin[k] < end[low] + reach:
                _join(parent, low, k)
            if end[low] < end[k]:
                low += 1
            else:
                k += 1
        if diagonal:
            _join_diagonal_ends(parent, begin, end, first_of_row, i, below)
        if periodic:
            _join_corners(parent, begin, end, first_of_row, i, below, columns, diagonal)
    if periodic:
        for i in range(rows):
            first, last = first_of_row[i], first_of_row[i + 1] - 1
            if first <= last and begin[first] == 0 and end[last] == columns:
                _join(parent, first, last)
    sizes = np.zeros(count, np.int64)
    for k in range(count):
        sizes[_root(parent, k)] += end[k] - begin[k]
    return sizes[sizes > 0]


@njit(cache=True, nogil=True, error_model="numpy")
def _join_diagonal_ends(parent, begin, end, first_of_row, i, below):
    """Join runs that touch at a corner only; the sweep above may step past such a pair."""
    k = first_of_row[below]
    k_end = first_of_row[below + 1]
    for low in range(first_of_row[i], first_of_row[i + 1]):
        while k < k_end and end[k] < begin[low]:
            k += 1
        m = k
        while m < k_end and begin[m] <= end[low]:
            _join(parent, low, m)
            m += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _join_corners(parent, begin, end, first_of_row, i, below, columns, diagonal):
    """Join runs that touch diagonally across the left and right border."""
    if not diagonal:
        return
    a, b = first_of_row[i], first_of_row[i + 1] - 1
    c, d = first_of_row[below], first_of_row[below + 1] - 1
    if a > b or c > d:
        return
    if begin[a] == 0 and end[d] == columns:
        _join(parent, a, d)
    if begin[c] == 0 and end[b] == columns:
        _join(parent, c, b)
