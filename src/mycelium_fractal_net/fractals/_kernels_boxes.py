"""Compiled box counts of a 0/1 mask: over every offset of the grid, or on the grid that starts at (0, 0)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._compiled import njit

__all__ = ["aligned_counts", "cover_counts", "extents", "fewest_over_phases", "grow", "sum_round"]


@njit(nogil=True)
def cover_counts(mask: NDArray[np.uint8], scales: NDArray[np.int64], periodic: bool) -> NDArray[np.int64]:
    """For each scale (ascending) count the boxes that hold a cell, on the grid whose offset needs the fewest.

    ``window[r, c]`` says whether the box that *ends* at (r, c) holds a cell. It grows from scale to scale by
    OR-ing shifted copies of itself; the boxes of one grid are those of one phase class of ends.
    """
    rows, columns = mask.shape
    counts = np.empty(scales.size, np.int64)
    window = np.ascontiguousarray(mask)
    height = width = 1
    for index in range(scales.size):
        wanted_height = min(scales[index], rows)
        wanted_width = min(scales[index], columns)
        while height < wanted_height or width < wanted_width:
            taller = min(2 * height, wanted_height)
            wider = min(2 * width, wanted_width)
            window = grow(window, taller - height, wider - width, periodic)
            height, width = taller, wider
        if periodic and (rows % height or columns % width):
            counts[index] = _fewest_on_torus(mask, window, height, width)
        else:
            counts[index] = fewest_over_phases(window, height, width)
    return counts


@njit(nogil=True)
def grow(window: NDArray[np.uint8], down: int, right: int, periodic: bool) -> NDArray[np.uint8]:
    """OR the windows with copies moved ``down`` and ``right``: zeros come in from outside, or it wraps."""
    rows, columns = window.shape
    grown_rows = rows if periodic else rows + down
    grown_columns = columns if periodic else columns + right
    grown = np.empty((grown_rows, grown_columns), np.uint8)
    line = np.zeros(right + grown_columns, np.uint8)
    body = line[right:]
    for r in range(grown_rows):
        above = r - down
        if periodic and above < 0:
            above += rows
        _join(window, r if r < rows else -1, above, body[:columns])
        if periodic:
            _copy(line[columns : columns + right], line)
        _either(line[:grown_columns], body, grown[r])
    return grown


@njit(nogil=True)
def _join(window: NDArray[np.uint8], first: int, second: int, target: NDArray[np.uint8]) -> None:
    """Write row ``first`` OR row ``second``; a negative row stands for zeros."""
    if first < 0:
        _copy(window[second], target)
    elif second < 0:
        _copy(window[first], target)
    else:
        _either(window[first], window[second], target)


@njit(nogil=True)
def _copy(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    """Write a line at the beginning of another; assigning slices takes seconds to compile."""
    for i in range(source.size):
        target[i] = source[i]


@njit(nogil=True)
def _either(a: NDArray[np.uint8], b: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    for i in range(target.size):
        target[i] = a[i] | b[i]


@njit(nogil=True)
def fewest_over_phases(window: NDArray[np.uint8], height: int, width: int) -> int:
    """Sum the windows of every phase class and return the smallest sum."""
    rows, columns = window.shape
    sums = np.zeros((height, columns), np.int32)
    for r in range(rows):
        _accumulate(window[r], sums[r % height])
    fewest: int = rows * columns
    folded = np.empty(width, np.int32)
    for phase in range(min(height, rows)):
        folded[:] = 0
        for start in range(0, columns, width):
            _accumulate(sums[phase, start : start + width], folded)
        fewest = min(fewest, _least(folded))
    return fewest


@njit(nogil=True)
def _fewest_on_torus(mask: NDArray[np.uint8], window: NDArray[np.uint8], height: int, width: int) -> int:
    """Cover a torus that the box does not divide: from every start, with a smaller box to close the round.

    Sums run over the rows first, for columns of full width and of the rest, then over the columns.
    """
    rows, columns = mask.shape
    rest_height, rest_width = rows % height, columns % width
    sums = sum_round(window, _rest_of(mask, rest_height, width), height)
    rest = sums[:0]
    if rest_width > 0:
        tall = _rest_of(mask, height, rest_width)
        rest = sum_round(tall, _rest_of(mask, rest_height, rest_width), height)
    totals = sum_round(sums.T.copy(), rest.T.copy(), width)
    fewest: int = _least(totals.ravel())
    return fewest


@njit(nogil=True)
def _least(values: NDArray[np.int32]) -> int:
    least = values[0]
    for i in range(values.size):
        least = min(least, values[i])
    return int(least)


@njit(nogil=True)
def _rest_of(mask: NDArray[np.uint8], wanted_height: int, wanted_width: int) -> NDArray[np.uint8]:
    """Return the windows of this height and width on the torus; none for a height of 0."""
    if wanted_height == 0:
        return mask[:0]
    window = mask
    height = width = 1
    while height < wanted_height or width < wanted_width:
        taller = min(2 * height, wanted_height)
        wider = min(2 * width, wanted_width)
        window = grow(window, taller - height, wider - width, True)
        height, width = taller, wider
    return window


@njit(nogil=True)
def sum_round(values: NDArray[np.integer[Any]], rest: NDArray[np.integer[Any]], stride: int) -> NDArray[np.int32]:
    """For each row e sum the rows e, e + stride, ... that fit once round, and row e - stride of the rest."""
    rows, columns = values.shape
    around = rows // stride
    sums = np.zeros((rows, columns), np.int32)
    for e in range(stride):
        for turn in range(around):
            _accumulate(values[(e + turn * stride) % rows], sums[e])
    for e in range(stride, rows):
        _slide(sums[e - stride], values[e - stride], values[(e + (around - 1) * stride) % rows], sums[e])
    if rest.size > 0:
        for e in range(rows):
            _accumulate(rest[(e - stride) % rows], sums[e])
    return sums


@njit(nogil=True)
def _accumulate(values: NDArray[np.integer[Any]], target: NDArray[np.int32]) -> None:
    for i in range(values.size):
        target[i] += values[i]


@njit(nogil=True)
def _slide(
    before: NDArray[np.int32],
    leaving: NDArray[np.integer[Any]],
    entering: NDArray[np.integer[Any]],
    target: NDArray[np.int32],
) -> None:
    for i in range(target.size):
        target[i] = before[i] - leaving[i] + entering[i]


@njit(nogil=True)
def aligned_counts(mask: NDArray[np.uint8], scales: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the boxes that hold a cell, each scale reduced from the last one that divides it."""
    counts = np.empty(scales.size, np.int64)
    level = mask
    reached = 1
    for index in range(scales.size):
        scale = scales[index]
        if scale % reached:
            level = mask
            reached = 1
        level = _reduce(level, scale // reached)
        reached = scale
        counts[index] = level.sum()
    return counts


@njit(nogil=True)
def _reduce(mask: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """OR together the cells of each factor x factor box; boxes at the end may be partial."""
    rows, columns = mask.shape
    reduced = np.zeros((-(-rows // factor), -(-columns // factor)), np.uint8)
    line = np.zeros(reduced.shape[1] * factor, np.uint8)
    for box in range(reduced.shape[0]):
        _copy(mask[box * factor], line)
        for r in range(box * factor + 1, min((box + 1) * factor, rows)):
            _either(mask[r], line, line[:columns])
        if factor == 2:
            _either_pair(line, reduced[box])
        else:
            for step in range(factor):
                _either(line[step::factor], reduced[box], reduced[box])
    return reduced


@njit(nogil=True)
def _either_pair(line: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    for i in range(target.size):
        target[i] = line[2 * i] | line[2 * i + 1]


@njit(nogil=True)
def extents(mask: NDArray[np.uint8], periodic: bool) -> tuple[int, int, int]:
    """Return the number of cells, and the height and width of the smallest box around them."""
    rows, columns = mask.shape
    in_row = np.zeros(rows, np.uint8)
    in_column = np.zeros(columns, np.uint8)
    cells = 0
    for r in range(rows):
        held = 0
        for c in range(columns):
            held += mask[r, c]
        cells += held
        if held:
            in_row[r] = 1
            _either(mask[r], in_column, in_column)
    if cells == 0:
        return 0, 0, 0
    return cells, _span(in_row, periodic), _span(in_column, periodic)


@njit(nogil=True)
def _span(occupied: NDArray[np.uint8], periodic: bool) -> int:
    """Return the length without the empty ends; round a torus, without the longest empty run.

    What is left of a torus counts as the whole of it from a half on: the run may be a gap within the set.
    """
    first, last, longest = -1, -1, 0
    for i in range(occupied.size):
        if occupied[i]:
            if first < 0:
                first = i
            else:
                longest = max(longest, i - last - 1)
            last = i
    if not periodic:
        return last - first + 1
    around = occupied.size - max(longest, occupied.size - (last - first) - 1)
    return around if 2 * around < occupied.size else occupied.size
