"""Compiled time step of the field: one text, specialised for each kinetics and dtype.

This module is a template. ``_compile.py`` replaces the import of ``reaction`` by straight-line code traced
from a kinetics, so that the compiler sees one loop without calls, and Numba caches the result on disk.

Fields carry a border of one ghost cell: interior cells are ``1..rows`` and ``1..columns``. The pair is advanced
over the flattened array in one span, ghost columns included: what a span writes into them is overwritten before
it is read. Loops start at a literal 1 on a slice, which lets the compiler prove that no index is negative.
"""

import numpy as np
from numba import njit

from mycelium_fractal_net.features._kernels_temporal import BLOCK_ROWS, accumulate_row, reduce_block
from mycelium_fractal_net.fields._reaction import reaction

PERIODIC, NEUMANN, DIRICHLET = 0, 1, 2


@njit(cache=True, nogil=True, error_model="numpy")
def refresh_columns(x, rows, columns, boundary, held, left, right):
    """Fill the ghost columns of the closed sides: wrapped, mirrored (zero flux) or held."""
    for i in range(1, rows + 1):
        if left:
            x[i, 0] = held if boundary == DIRICHLET else x[i, columns if boundary == PERIODIC else 1]
        if right:
            x[i, columns + 1] = held if boundary == DIRICHLET else x[i, 1 if boundary == PERIODIC else columns]


@njit(cache=True, nogil=True, error_model="numpy")
def refresh_rows(x, rows, columns, boundary, held, top, bottom):
    """Fill the ghost rows of the closed sides: wrapped, mirrored (zero flux) or held."""
    if top:
        if boundary == DIRICHLET:
            x[0, :] = held
        else:
            x[0, :] = x[rows if boundary == PERIODIC else 1, :]
    if bottom:
        if boundary == DIRICHLET:
            x[rows + 1, :] = held
        else:
            x[rows + 1, :] = x[1 if boundary == PERIODIC else rows, :]


@njit(cache=True, nogil=True, error_model="numpy")
def refresh_ghosts(x, rows, columns, boundary, held, closed):
    """Fill the ghost cells of the sides (top, bottom, left, right) that are closed."""
    top, bottom, left, right = closed
    refresh_columns(x, rows, columns, boundary, held, left, right)
    refresh_rows(x, rows, columns, boundary, held, top, bottom)


@njit(cache=True, nogil=True, error_model="numpy")
def pair_span(a_up, a_mid, a_down, h_up, h_mid, h_down, a_new, h_new, n, scales, p):
    """Advance ``n`` consecutive cells of the pair by one explicit Euler substep."""
    four, da, dh, dt = scales
    for j in range(1, n + 1):
        a = a_mid[j]
        h = h_mid[j]
        lap_a = ((a_up[j] + a_down[j]) + (a_mid[j - 1] + a_mid[j + 1])) - four * a
        lap_h = ((h_up[j] + h_down[j]) + (h_mid[j - 1] + h_mid[j + 1])) - four * h
        f, g = reaction(a, h, p)
        a_new[j] = a + (da * lap_a + dt * f)
        h_new[j] = h + (dh * lap_h + dt * g)


@njit(cache=True, nogil=True, error_model="numpy")
def evolve_pair(a, h, a_new, h_new, substeps, boundary, closed, rest, scales, p):
    """Advance the pair by ``substeps``; from an open side, valid cells recede by one each substep.

    Returns True when the result lies in ``a_new`` and ``h_new``.
    """
    rows, columns = a.shape[0] - 2, a.shape[1] - 2
    pitch = columns + 2
    for s in range(1, substeps + 1):
        refresh_ghosts(a, rows, columns, boundary, rest[0], closed)
        refresh_ghosts(h, rows, columns, boundary, rest[1], closed)
        first = 1 if closed[0] else 1 + s
        last = rows if closed[1] else rows - s
        lo = first * pitch
        a_flat, h_flat = a.ravel(), h.ravel()
        pair_span(
            a_flat[lo - pitch :],
            a_flat[lo:],
            a_flat[lo + pitch :],
            h_flat[lo - pitch :],
            h_flat[lo:],
            h_flat[lo + pitch :],
            a_new.ravel()[lo:],
            h_new.ravel()[lo:],
            (last - first + 1) * pitch - 2,
            scales,
            p,
        )
        a, a_new = a_new, a
        h, h_new = h_new, h
    return substeps % 2 == 1


@njit(cache=True, nogil=True, error_model="numpy")
def potential_span(v_up, v_mid, v_down, v_new, a, n, four, alpha, leak, rest, threshold, drive):
    """Write diffusion, leak and drive of ``n`` cells of one row into ``v_new``, not clamped yet."""
    zero = drive - drive
    for j in range(1, n + 1):
        v = v_mid[j]
        lap = ((v_up[j] + v_down[j]) + (v_mid[j - 1] + v_mid[j + 1])) - four * v
        x = v + (alpha * lap + leak * (rest - v))
        v_new[j] = x + (drive if a[j] > threshold else zero)


@njit(cache=True, nogil=True, error_model="numpy")
def clamp_span(v, n, low, high):
    """Clamp ``n`` cells of one row in place and return how many were outside."""
    outside = 0
    for j in range(1, n + 1):
        x = v[j]
        outside += (x < low) | (x > high)
        x = low if x < low else x
        v[j] = high if x > high else x
    return outside


@njit(cache=True, nogil=True, error_model="numpy")
def living_span(a, n, threshold):
    """Count the living cells among ``n`` cells of one row."""
    living = 0
    for j in range(1, n + 1):
        living += a[j] > threshold
    return living


@njit(cache=True, nogil=True, error_model="numpy")
def non_finite_span(a, h, n):
    """Count the cells among ``n`` in which one of the pair is not finite."""
    bad = 0
    for j in range(1, n + 1):
        bad += ((a[j] - a[j]) != 0) | ((h[j] - h[j]) != 0)
    return bad


@njit(cache=True, nogil=True, error_model="numpy")
def potential_rows(v, v_new, a, h, noise, region, four, potential, turing, event, accumulators, counters):
    """Advance the potential of one region and add up its statistics.

    ``region`` is (first row, last row, first column, cells a row), one-based and inclusive; ``event`` is
    (row, column, value before) or row 0; ``counters`` receives activations, clampings and non-finite cells.
    """
    first, last, c, n = region
    alpha, leak, rest, threshold, drive, low, high = potential
    before = np.empty(n, v.dtype)
    for i in range(first, last + 1):
        out = v_new[i, c - 1 :]
        a_row = a[i, c - 1 :]
        potential_span(
            v[i - 1, c - 1 :], v[i, c - 1 :], v[i + 1, c - 1 :], out, a_row, n,
            four, alpha, leak, rest, threshold, drive if turing else drive - drive,
        )  # fmt: skip
        if noise.shape[0] > 0:
            for j in range(1, n + 1):
                out[j] += noise[i - 1, c - 2 + j]
        if turing:
            counters[0] += living_span(a_row, n, threshold)
            counters[2] += non_finite_span(a_row, h[i, c - 1 :], n)
        counters[1] += clamp_span(out, n, low, high)
        accumulator = accumulators[(i - 1) // BLOCK_ROWS, :, c - 1 : c - 1 + n]
        previous = v[i, c : c + n]
        if event[0] == i and c <= event[1] < c + n:
            before[:] = previous
            before[event[1] - c] = event[2]
            previous = before
        accumulate_row(previous, v_new[i, c : c + n], accumulator)


@njit(cache=True, nogil=True, error_model="numpy")
def find_site(a, rows, columns, threshold, turing, uniform):
    """Find the cell that a uniform number picks among the living cells, or among all if none lives."""
    total = 0
    if turing:
        for i in range(1, rows + 1):
            total += living_span(a[i], columns, threshold)
    if total == 0:
        k = int(uniform * (rows * columns))
        return k // columns + 1, k % columns + 1
    k = int(uniform * total)
    i = 1
    while True:
        living = living_span(a[i], columns, threshold)
        if k < living:
            break
        k -= living
        i += 1
    for j in range(1, columns + 1):
        if a[i, j] > threshold:
            if k == 0:
                return i, j
            k -= 1
    return i, columns


@njit(cache=True, nogil=True, error_model="numpy")
def begin_step(v, a, threshold, turing, probability, draws, amplitude, boundary, rest):
    """Apply the growth event, if one is drawn, and refresh the ghosts of the potential."""
    rows, columns = v.shape[0] - 2, v.shape[1] - 2
    i, j = 0, 0
    before = v[1, 1]
    if draws[0] < probability:
        i, j = find_site(a, rows, columns, threshold, turing, draws[1])
        before = v[i, j]
        v[i, j] = before + amplitude
    refresh_ghosts(v, rows, columns, boundary, rest, (True, True, True, True))
    return i, j, before


@njit(cache=True, nogil=True, error_model="numpy")
def finish_step(accumulators, statistics):
    """Reduce the accumulators, block after block, into the step's five statistics."""
    block = np.empty(5)
    statistics[:] = 0.0
    for b in range(accumulators.shape[0]):
        reduce_block(accumulators[b], block)
        for q in range(5):
            if q == 1:
                statistics[q] = max(statistics[q], block[q])
            else:
                statistics[q] += block[q]


@njit(cache=True, nogil=True, error_model="numpy")
def advance_whole(
    a, h, v, a_new, h_new, v_new, substeps, boundary, pair_rest, scales, p, potential, turing, probability,
    draws, amplitudes, noise, accumulators, statistics, counters,
):  # fmt: skip
    """Advance the whole field by ``len(draws)`` steps in one thread.

    Returns (result of the pair lies in the new arrays, the potential's does, steps done); fewer steps than asked
    mean that the last of them left the finite numbers. ``counters`` ends with the growth events.
    """
    rows, columns = v.shape[0] - 2, v.shape[1] - 2
    closed = (True, True, True, True)
    pair_moved, v_moved = False, False
    region = (1, rows, 1, columns)
    for t in range(draws.shape[0]):
        event = begin_step(
            v, a, potential[3], turing, probability, draws[t], amplitudes[t], boundary, potential[2]
        )
        counters[3] += event[0] > 0
        if turing and evolve_pair(a, h, a_new, h_new, substeps, boundary, closed, pair_rest, scales, p):
            a, a_new = a_new, a
            h, h_new = h_new, h
            pair_moved = not pair_moved
        step_noise = noise[t] if noise.shape[0] > 0 else np.empty((0, 0), v.dtype)
        potential_rows(
            v, v_new, a, h, step_noise, region, scales[0], potential, turing, event, accumulators, counters
        )
        finish_step(accumulators, statistics[t])
        v, v_new = v_new, v
        v_moved = not v_moved
        if counters[2] > 0:
            return pair_moved, v_moved, t + 1
    return pair_moved, v_moved, draws.shape[0]


@njit(cache=True, nogil=True, error_model="numpy")
def load_segment(source, target, columns, first, periodic):
    """Copy a row from column ``first`` (one-based, may lie outside) into ``target``, wrapped if periodic."""
    width = target.shape[0]
    if not periodic or (first >= 1 and first + width - 1 <= columns):
        target[:] = source[first : first + width]
        return
    for k in range(width):
        target[k] = source[(first - 1 + k) % columns + 1]


@njit(cache=True, nogil=True, error_model="numpy")
def span_of_tile(first, size, extent, halo, periodic):
    """Return (first, last, first loaded, last loaded, begins at a side, ends at a side) of a tile."""
    last = min(first + size - 1, extent)
    if periodic:
        return first, last, first - halo, last + halo, False, False
    lo, hi = max(first - halo, 1), min(last + halo, extent)
    return first, last, lo, hi, lo == 1, hi == extent


@njit(cache=True, nogil=True, error_model="numpy")
def evolve_tile(a, h, a_new, h_new, rows_span, columns_span, workspace, substeps, boundary, rest, scales, p):
    """Advance the pair in one tile by all substeps in a workspace that stays in cache."""
    rows, columns = a.shape[0] - 2, a.shape[1] - 2
    r0, r1, r_lo, r_hi, top, bottom = rows_span
    c0, c1, c_lo, c_hi, left, right = columns_span
    height, width = r_hi - r_lo + 3, c_hi - c_lo + 3
    w0 = workspace[0, : height * width].reshape(height, width)
    w1 = workspace[1, : height * width].reshape(height, width)
    w2 = workspace[2, : height * width].reshape(height, width)
    w3 = workspace[3, : height * width].reshape(height, width)
    periodic = boundary == PERIODIC
    for i in range(r_lo, r_hi + 1):
        source = (i - 1) % rows + 1
        k = i - r_lo + 1
        load_segment(a[source], w0[k, 1 : width - 1], columns, c_lo, periodic)
        load_segment(h[source], w1[k, 1 : width - 1], columns, c_lo, periodic)
        w0[k, 0], w0[k, width - 1] = rest[0], rest[0]
        w1[k, 0], w1[k, width - 1] = rest[1], rest[1]
    if evolve_pair(w0, w1, w2, w3, substeps, boundary, (top, bottom, left, right), rest, scales, p):
        w0, w1 = w2, w3
    j = c0 - c_lo + 1
    n = c1 - c0 + 1
    for i in range(r0, r1 + 1):
        k = i - r_lo + 1
        a_new[i, c0 : c1 + 1] = w0[k, j : j + n]
        h_new[i, c0 : c1 + 1] = w1[k, j : j + n]


@njit(cache=True, nogil=True, error_model="numpy")
def advance_tiles(
    first_tile, last_tile, tile_rows, tile_columns, a, h, v, a_new, h_new, v_new, workspace, substeps, boundary,
    pair_rest, scales, p, potential, turing, event, noise, accumulators, counters,
):  # fmt: skip
    """Advance the tiles ``first_tile`` to ``last_tile - 1`` by one step; tiles are numbered row by row."""
    rows, columns = v.shape[0] - 2, v.shape[1] - 2
    across = (columns + tile_columns - 1) // tile_columns
    periodic = boundary == PERIODIC
    for tile in range(first_tile, last_tile):
        rows_span = span_of_tile(tile // across * tile_rows + 1, tile_rows, rows, substeps, periodic)
        columns_span = span_of_tile(tile % across * tile_columns + 1, tile_columns, columns, substeps, periodic)
        if turing:
            evolve_tile(
                a, h, a_new, h_new, rows_span, columns_span, workspace, substeps, boundary, pair_rest, scales, p
            )
        region = (rows_span[0], rows_span[1], columns_span[0], columns_span[1] - columns_span[0] + 1)
        potential_rows(
            v, v_new, a_new if turing else a, h_new if turing else h, noise, region, scales[0], potential, turing,
            event, accumulators, counters,
        )  # fmt: skip
