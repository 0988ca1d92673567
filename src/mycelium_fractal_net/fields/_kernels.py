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
ALL_SIDES = (True, True, True, True)


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
def evolve_rows(a, h, a_new, h_new, origin, first, last, scales, p):
    """Advance rows ``first`` to ``last`` by one substep; row 0 of the arrays is row ``origin``."""
    pitch = a.shape[1]
    lo = (first - origin) * pitch
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


@njit(cache=True, nogil=True, error_model="numpy")
def evolve_pair(a, h, a_new, h_new, substeps, boundary, rest, scales, p):
    """Advance the pair by ``substeps`` over the whole field.

    Returns True when the result lies in ``a_new`` and ``h_new``.
    """
    rows, columns = a.shape[0] - 2, a.shape[1] - 2
    for _ in range(substeps):
        refresh_ghosts(a, rows, columns, boundary, rest[0], ALL_SIDES)
        refresh_ghosts(h, rows, columns, boundary, rest[1], ALL_SIDES)
        evolve_rows(a, h, a_new, h_new, 0, 1, rows, scales, p)
        a, a_new = a_new, a
        h, h_new = h_new, h
    return substeps % 2 == 1


@njit(cache=True, nogil=True, error_model="numpy")
def potential_span(v_up, v_mid, v_down, v_new, a, h, n, four, alpha, leak, rest, threshold, drive):
    """Write diffusion, leak and drive of ``n`` cells of one row into ``v_new``, not clamped yet.

    Returns how many cells live and in how many the pair is not finite.
    """
    zero = drive - drive
    living = 0
    bad = 0
    for j in range(1, n + 1):
        v = v_mid[j]
        lap = ((v_up[j] + v_down[j]) + (v_mid[j - 1] + v_mid[j + 1])) - four * v
        x = v + (alpha * lap + leak * (rest - v))
        lives = a[j] > threshold
        v_new[j] = x + (drive if lives else zero)
        living += lives
        bad += ((a[j] - a[j]) != 0) | ((h[j] - h[j]) != 0)
    return living, bad


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
        living, bad = potential_span(
            v[i - 1, c - 1 :], v[i, c - 1 :], v[i + 1, c - 1 :], out, a[i, c - 1 :], h[i, c - 1 :], n,
            four, alpha, leak, rest, threshold, drive if turing else drive - drive,
        )  # fmt: skip
        if noise.shape[0] > 0:
            for j in range(1, n + 1):
                out[j] += noise[i - 1, c - 2 + j]
        if turing:
            counters[0] += living
            counters[2] += bad
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
    refresh_ghosts(v, rows, columns, boundary, rest, ALL_SIDES)
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
    pair_moved, v_moved = False, False
    region = (1, rows, 1, columns)
    for t in range(draws.shape[0]):
        event = begin_step(
            v, a, potential[3], turing, probability, draws[t], amplitudes[t], boundary, potential[2]
        )
        counters[3] += event[0] > 0
        if turing and evolve_pair(a, h, a_new, h_new, substeps, boundary, pair_rest, scales, p):
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
def span_of_tile(first, size, extent, halo, periodic):
    """Return (first, last, first loaded, last loaded, begins at a side, ends at a side) of a tile."""
    last = min(first + size - 1, extent)
    if periodic:
        return first, last, first - halo, last + halo, False, False
    lo, hi = max(first - halo, 1), min(last + halo, extent)
    return first, last, lo, hi, lo == 1, hi == extent


@njit(cache=True, nogil=True, error_model="numpy")
def copy_cells(source, target, n):
    """Copy ``n`` cells; a plain loop, which is quicker here than assigning slices."""
    for j in range(n):
        target[j] = source[j]


@njit(cache=True, nogil=True, error_model="numpy")
def load_row(source, target, columns, first, held, periodic):
    """Copy a row from column ``first`` (one-based, may lie outside) into the interior of ``target``."""
    width = target.shape[0] - 2
    target[0] = held
    target[width + 1] = held
    if not periodic or (first >= 1 and first + width - 1 <= columns):
        copy_cells(source[first:], target[1:], width)
        return
    k, column = 0, (first - 1) % columns + 1
    while k < width:
        run = min(width - k, columns - column + 1)
        copy_cells(source[column:], target[k + 1 :], run)
        k, column = k + run, 1


@njit(cache=True, nogil=True, error_model="numpy")
def close_rows(x, origin, first, last, height, boundary, held, closed):
    """Fill the ghosts beside the tile's rows ``first`` to ``last``, which a substep has just written."""
    top, bottom, left, right = closed
    if last >= first:
        sides = (top and first == 1, bottom and last == height, left, right)
        refresh_ghosts(x[first - origin - 1 :], last - first + 1, x.shape[1] - 2, boundary, held, sides)


@njit(cache=True, nogil=True, error_model="numpy")
def advance_tile(
    a, h, v, a_new, h_new, v_new, rows_span, columns_span, workspace, substeps, boundary, rest, scales, p, potential,
    turing, event, noise, accumulators, counters,
):  # fmt: skip
    """Advance one tile by one step: all substeps of the pair sweep down it together, one row apart.

    Block after block of rows, substep ``s`` advances what substep ``s - 1`` has left behind (time skewing, Wonnacott
    2000, doi:10.1109/IPDPS.2000.845979), so that a window of a few dozen rows in cache serves all of them. Two
    buffers are enough: substep ``s + 1`` overwrites only rows that substep ``s`` no longer reads.
    """
    rows, columns = v.shape[0] - 2, v.shape[1] - 2
    r0, _, r_lo, r_hi, top, bottom = rows_span
    c0, c1, c_lo, c_hi, left, right = columns_span
    closed = (top, bottom, left, right)
    height, pitch = r_hi - r_lo + 1, c_hi - c_lo + 3
    window = workspace.shape[1] // pitch
    a0 = workspace[0, : window * pitch].reshape(window, pitch)
    h0 = workspace[1, : window * pitch].reshape(window, pitch)
    a1 = workspace[2, : window * pitch].reshape(window, pitch)
    h1 = workspace[3, : window * pitch].reshape(window, pitch)
    block = max(32, substeps)
    origin, loaded, inset, n = 0, 0, c0 - c_lo + 1, c1 - c0 + 1
    while loaded < height:
        first, end = loaded + 1, min(loaded + block, height)
        final = end == height
        for i in range(first, end + 1):
            source = (r_lo + i - 2) % rows + 1
            load_row(a[source], a0[i - origin], columns, c_lo, rest[0], boundary == PERIODIC)
            load_row(h[source], h0[i - origin], columns, c_lo, rest[1], boundary == PERIODIC)
        close_rows(a0, origin, first, end, height, boundary, rest[0], closed)
        close_rows(h0, origin, first, end, height, boundary, rest[1], closed)
        start, stop = first, end
        x, y, x_new, y_new = a0, h0, a1, h1
        for s in range(1, substeps + 1):
            lowest = 1 if top else 1 + s
            start = max(lowest, first - s)
            stop = (height if bottom else height - s) if final else end - s
            if stop >= start:
                evolve_rows(x, y, x_new, y_new, origin, start, stop, scales, p)
                close_rows(x_new, origin, start, stop, height, boundary, rest[0], closed)
                close_rows(y_new, origin, start, stop, height, boundary, rest[1], closed)
            x, x_new = x_new, x
            y, y_new = y_new, y
        for i in range(start, stop + 1):
            copy_cells(x[i - origin, inset:], a_new[r_lo + i - 1, c0:], n)
            copy_cells(y[i - origin, inset:], h_new[r_lo + i - 1, c0:], n)
        if stop >= start:
            region = (r_lo + start - 1, r_lo + stop - 1, c0, n)
            potential_rows(
                v, v_new, a_new, h_new, noise, region, scales[0], potential, turing, event, accumulators, counters
            )
        kept = max(end - substeps, 0)
        for i in range(kept, end + 1):
            copy_cells(a0[i - origin], a0[i - kept], pitch)
            copy_cells(h0[i - origin], h0[i - kept], pitch)
            copy_cells(a1[i - origin], a1[i - kept], pitch)
            copy_cells(h1[i - origin], h1[i - kept], pitch)
        origin, loaded = kept, end


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
            advance_tile(
                a, h, v, a_new, h_new, v_new, rows_span, columns_span, workspace, substeps, boundary, pair_rest,
                scales, p, potential, turing, event, noise, accumulators, counters,
            )  # fmt: skip
        else:
            region = (rows_span[0], rows_span[1], columns_span[0], columns_span[1] - columns_span[0] + 1)
            potential_rows(
                v, v_new, a, h, noise, region, scales[0], potential, turing, event, accumulators, counters
            )
