"""Compiled time step of the field: one text, specialised for each kinetics and dtype.

This module is a template. ``_compile.py`` replaces the import of ``reaction`` by straight-line code traced
from a kinetics, and that of ``laplacian`` where nine points are asked for, so that the compiler sees one loop without
calls, and Numba caches the result on disk.

Fields carry a border of ghost cells: one row above and below, ``pad`` columns left and right. Rows and columns
are counted from 1 inside it. The pair is advanced over the flattened array in one span, ghost columns included:
what a span writes into them is overwritten before it is read. Loops start at a literal 1 on a slice, which lets
the compiler prove that no index is negative.
"""

import numpy as np

from mycelium_fractal_net._compiled import njit
from mycelium_fractal_net.features._kernels_temporal import BLOCK_ROWS, GROUP_ROWS, accumulate_group, reduce_block
from mycelium_fractal_net.fields._kernels_frame import draw_events, lay_start
from mycelium_fractal_net.fields._kernels_ghosts import ALL_SIDES, PERIODIC, refresh_ghosts
from mycelium_fractal_net.fields._kernels_laplacian import five_points as laplacian
from mycelium_fractal_net.fields._reaction import reaction

LANES = 16  # numbers of four bytes in a line of the cache


@njit(nogil=True, error_model="numpy")
def pair_span(a_up, a_mid, a_down, h_up, h_mid, h_down, a_new, h_new, n, scales, p):
    """Advance ``n`` consecutive cells of the pair by one explicit Euler substep."""
    four, da, dh, dt = scales
    for j in range(1, n + 1):
        a = a_mid[j]
        h = h_mid[j]
        lap_a = laplacian(a_up, a_mid, a_down, j, four)
        lap_h = laplacian(h_up, h_mid, h_down, j, four)
        f, g = reaction(a, h, p)
        a_new[j] = a + (da * lap_a + dt * f)
        h_new[j] = h + (dh * lap_h + dt * g)


@njit(nogil=True, error_model="numpy")
def evolve_rows(a, h, a_new, h_new, origin, first, last, scales, p):
    """Advance rows ``first`` to ``last`` by one substep; row 0 of the arrays is row ``origin``."""
    pitch = a.shape[1]
    lo = (first - origin) * pitch
    a_flat, h_flat = a.ravel(), h.ravel()
    pair_span(
        a_flat[lo - pitch :], a_flat[lo:], a_flat[lo + pitch :], h_flat[lo - pitch :], h_flat[lo:],
        h_flat[lo + pitch :], a_new.ravel()[lo:], h_new.ravel()[lo:], (last - first + 1) * pitch - 2, scales, p,
    )  # fmt: skip


@njit(nogil=True, error_model="numpy")
def evolve_pair(a, h, a_new, h_new, substeps, boundary, rest, scales, p):
    """Advance the pair by ``substeps`` over the whole field.

    Returns True when the result lies in ``a_new`` and ``h_new``.
    """
    rows = a.shape[0] - 2
    for _ in range(substeps):
        refresh_ghosts(a, rows, 1, boundary, rest[0], ALL_SIDES)
        refresh_ghosts(h, rows, 1, boundary, rest[1], ALL_SIDES)
        evolve_rows(a, h, a_new, h_new, 0, 1, rows, scales, p)
        a, a_new = a_new, a
        h, h_new = h_new, h
    return substeps % 2 == 1


@njit(nogil=True, error_model="numpy")
def evolve_pair_heun(a, h, a_new, h_new, a_twice, h_twice, substeps, boundary, rest, scales, p):
    """Advance the pair by ``substeps`` of Heun's method: the mean of the start and of two Euler substeps from it.

    The result lies in ``a`` and ``h``.
    """
    rows = a.shape[0] - 2
    one = scales[0] / scales[0]
    half = one / (one + one)
    for _ in range(substeps):
        refresh_ghosts(a, rows, 1, boundary, rest[0], ALL_SIDES)
        refresh_ghosts(h, rows, 1, boundary, rest[1], ALL_SIDES)
        evolve_rows(a, h, a_new, h_new, 0, 1, rows, scales, p)
        refresh_ghosts(a_new, rows, 1, boundary, rest[0], ALL_SIDES)
        refresh_ghosts(h_new, rows, 1, boundary, rest[1], ALL_SIDES)
        evolve_rows(a_new, h_new, a_twice, h_twice, 0, 1, rows, scales, p)
        average(a, a_twice, half)
        average(h, h_twice, half)


@njit(nogil=True, error_model="numpy")
def average(x, y, half):
    """Replace ``x`` by the mean of both, inside the border."""
    for i in range(1, x.shape[0] - 1):
        row, other = x[i], y[i]
        for j in range(1, row.shape[0] - 1):
            row[j] = half * (row[j] + other[j])


@njit(nogil=True, error_model="numpy")
def potential_span(v_up, v_mid, v_down, v_new, a, h, n, four, alpha, leak, rest, threshold, drive):
    """Write diffusion, leak and drive of ``n`` cells of one row into ``v_new``, not clamped yet.

    Returns how many cells live and in how many the pair is not finite.
    """
    zero = drive - drive
    living = 0
    bad = 0
    for j in range(1, n + 1):
        v = v_mid[j]
        lap = laplacian(v_up, v_mid, v_down, j, four)
        x = v + (alpha * lap + leak * (rest - v))
        lives = a[j] > threshold
        v_new[j] = x + (drive if lives else zero)
        living += lives
        bad += ((a[j] - a[j]) != 0) | ((h[j] - h[j]) != 0)
    return living, bad


@njit(nogil=True, error_model="numpy")
def clamp_span(v, n, low, high):
    """Clamp ``n`` cells of one row in place and return how many were outside."""
    outside = 0
    for j in range(1, n + 1):
        x = v[j]
        outside += (x < low) | (x > high)
        x = low if x < low else x  # noqa: FURB136 (a select; min and max heed NaN)
        v[j] = high if x > high else x  # noqa: FURB136
    return outside


@njit(nogil=True, error_model="numpy")
def living_span(a, n, threshold):
    """Count the living cells among ``n`` cells of one row."""
    living = 0
    for j in range(1, n + 1):
        living += a[j] > threshold
    return living


@njit(nogil=True, error_model="numpy")
def potential_rows(v, v_new, a, h, pad, noise, region, four, potential, turing, counters):
    """Advance the potential of one region: (first row, last row, first column, cells a row), one-based.

    ``counters`` receives activations, clampings and non-finite cells.
    """
    first, last, c, n = region
    alpha, leak, rest, threshold, drive, low, high = potential
    drive = drive if turing else drive - drive
    o, pitch = c - 2 + pad, v.shape[1]
    rows_a_span = last - first + 1 if n + 2 == pitch else 1  # rows of full width follow each other without a gap
    cells = (rows_a_span - 1) * pitch + n
    for i in range(first, last + 1, rows_a_span):
        k = i * pitch + o
        living, bad = potential_span(
            v.ravel()[k - pitch :], v.ravel()[k:], v.ravel()[k + pitch :], v_new.ravel()[k:],
            a.ravel()[k:], h.ravel()[k:], cells, four, alpha, leak, rest, threshold, drive,
        )  # fmt: skip
        if turing:
            counters[0] += living
            counters[2] += bad
    for i in range(first, last + 1):
        out = v_new[i, o:]
        if noise.shape[0] > 0:
            for j in range(1, n + 1):
                out[j] += noise[i - 1, c - 2 + j]
        if turing and rows_a_span > 1:
            counters[0] -= (i < last) * (a[i, n + 1] > threshold) + (i > first) * (a[i, 0] > threshold)
        counters[1] += clamp_span(out, n, low, high)


@njit(nogil=True, error_model="numpy")
def add_statistics(v, v_new, pad, region, event, accumulators):
    """Add the change of a region's potential to the accumulators; its rows begin a group or follow one.

    ``event`` is (row, column, value before) or row 0: the change counts from before the event. No accumulators, no
    statistics.
    """
    if accumulators.shape[0] == 0:
        return
    first, last, c, n = region
    o = c - 1 + pad
    before = np.empty((GROUP_ROWS if first <= event[0] <= last else 0, n), v.dtype)
    for i in range(first, last + 1, GROUP_ROWS):
        count = min(GROUP_ROWS, last + 1 - i)
        accumulator = accumulators[(i - 1) // BLOCK_ROWS, :, c - 1 : c - 1 + n]
        earlier, at = v, (i, o)
        if i <= event[0] < i + count and c <= event[1] < c + n:
            for k in range(count):
                for j in range(n):
                    before[k, j] = v[i + k, o + j]
            before[event[0] - i, event[1] - c] = event[2]
            earlier, at = before, (0, 0)
        accumulate_group(earlier, at, v_new, (i, o), n, count, accumulator)


@njit(nogil=True, error_model="numpy")
def find_site(a, pad, threshold, turing, uniform):
    """Find the cell that a uniform number picks among the living cells, or among all if none lives."""
    rows, columns = a.shape[0] - 2, a.shape[1] - 2 * pad
    total = 0
    if turing:
        for i in range(1, rows + 1):
            total += living_span(a[i, pad - 1 :], columns, threshold)
    if total == 0:
        k = int(uniform * (rows * columns))
        return k // columns + 1, k % columns + 1
    k = int(uniform * total)
    i = 1
    living = living_span(a[i, pad - 1 :], columns, threshold)
    while k >= living:
        k -= living
        i += 1
        living = living_span(a[i, pad - 1 :], columns, threshold)
    j = 0
    while k >= 0:
        j += 1
        k -= a[i, pad - 1 + j] > threshold
    return i, j


@njit(nogil=True, error_model="numpy")
def begin_step(v, a, pad, threshold, turing, probability, draws, amplitude, boundary, rest):
    """Apply the growth event, if one is drawn, and refresh the ghosts of the potential."""
    i, j = 0, 0
    before = v[1, pad]
    if draws[0] < probability:
        i, j = find_site(a, pad, threshold, turing, draws[1])
        before = v[i, pad - 1 + j]
        v[i, pad - 1 + j] = before + amplitude
    refresh_ghosts(v, v.shape[0] - 2, pad, boundary, rest, ALL_SIDES)
    return i, j, before


@njit(nogil=True, error_model="numpy")
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


@njit(nogil=True, error_model="numpy")
def advance_whole(
    a, h, v, a_new, h_new, v_new, substeps, boundary, pair_rest, scales, p, potential, turing, probability,
    starts, sites, amplitudes, start, event_size, noise, accumulators, statistics, counters, grown,
):  # fmt: skip
    """Advance the whole field by ``len(statistics)`` steps in one thread.

    ``starts``, ``sites`` and ``amplitudes`` are the generators of the start and of events; ``start`` is (whether to
    draw the fields of step 0, what :func:`lay_start` takes for the pair, and for the potential). ``grown`` receives
    row, column and jump of the event of each step, row 0 where there is none.

    Returns (result of the pair lies in the new arrays, the potential's does, steps done); fewer steps than asked
    mean that the last of them left the finite numbers. ``counters`` ends with the growth events.
    """
    rows, columns = v.shape[0] - 2, v.shape[1] - 2
    pair_moved, v_moved = False, False
    region = (1, rows, 1, columns)
    steps = statistics.shape[0]
    draws, jumps = np.empty((steps, 2)), np.empty(steps, v.dtype)
    if start[0]:
        lay_start(starts, start[1], start[2], columns, a, h, v, (a_new, h_new, v_new))
        accumulators[:] = 0.0
    draw_events(sites, amplitudes, event_size, draws, jumps)
    for t in range(steps):
        event = begin_step(v, a, 1, potential[3], turing, probability, draws[t], jumps[t], boundary, potential[2])
        counters[3] += event[0] > 0
        grown[t, 0], grown[t, 1], grown[t, 2] = event[0], event[1], jumps[t]
        if turing and evolve_pair(a, h, a_new, h_new, substeps, boundary, pair_rest, scales, p):
            a, a_new = a_new, a
            h, h_new = h_new, h
            pair_moved = not pair_moved
        step_noise = noise[t] if noise.shape[0] > 0 else np.empty((0, 0), v.dtype)
        potential_rows(v, v_new, a, h, 1, step_noise, region, scales[0], potential, turing, counters)
        add_statistics(v, v_new, 1, region, event, accumulators)
        finish_step(accumulators, statistics[t])
        v, v_new = v_new, v
        v_moved = not v_moved
        if counters[2] > 0:
            return pair_moved, v_moved, t + 1
    return pair_moved, v_moved, steps


@njit(nogil=True, error_model="numpy")
def refresh_pair(a, h, pad, boundary, rest):
    """Refresh the ghosts of the pair once, for tiles that read it directly."""
    refresh_ghosts(a, a.shape[0] - 2, pad, boundary, rest[0], ALL_SIDES)
    refresh_ghosts(h, h.shape[0] - 2, pad, boundary, rest[1], ALL_SIDES)


@njit(nogil=True, error_model="numpy")
def span_of_tile(first, size, extent, halo, periodic):
    """Return (first, last, first with halo, last with halo, begins at a side, ends at a side) of a tile."""
    last = min(first + size - 1, extent)
    if periodic:
        return first, last, first - halo, last + halo, False, False
    lo, hi = max(first - halo, 1), min(last + halo, extent)
    return first, last, lo, hi, lo == 1, hi == extent


@njit(nogil=True, error_model="numpy")
def close_rows(x, origin, first, last, height, boundary, held, closed):
    """Fill the ghosts beside the tile's rows ``first`` to ``last``, which a substep has just written."""
    top, bottom, left, right = closed
    sides = (top and first == 1, bottom and last == height, left, right)
    refresh_ghosts(x[first - origin - 1 :], last - first + 1, 1, boundary, held, sides)


@njit(nogil=True, error_model="numpy")
def enter_rows(a, h, x, y, r_lo, o, origin, target, first, last, n, periodic, scales, p):
    """Advance the tile's rows ``first`` to ``last`` by the first substep, from the field into ``x`` and ``y``."""
    rows = a.shape[0] - 2
    for i in range(first, last + 1):
        r = r_lo + i - 1
        up, mid, down = r - 1, r, r + 1
        if periodic:
            up, mid, down = (r - 2) % rows + 1, (r - 1) % rows + 1, r % rows + 1
        pair_span(
            a[up, o:], a[mid, o:], a[down, o:], h[up, o:], h[mid, o:], h[down, o:],
            x[i - origin, target:], y[i - origin, target:], n, scales, p,
        )  # fmt: skip


@njit(nogil=True, error_model="numpy")
def leave_rows(x, y, a_new, h_new, r_lo, o, origin, first, last, k, n, scales, p):
    """Advance the tile's rows ``first`` to ``last`` by the last substep, from the window into the field."""
    for i in range(first, last + 1):
        w, r = i - origin, r_lo + i - 1
        pair_span(
            x[w - 1, k:], x[w, k:], x[w + 1, k:], y[w - 1, k:], y[w, k:], y[w + 1, k:],
            a_new[r, o:], h_new[r, o:], n, scales, p,
        )  # fmt: skip


@njit(nogil=True, error_model="numpy")
def move_rows(x, source, target, count):
    """Move ``count`` rows of a window towards its top."""
    for i in range(count):
        for j in range(x.shape[1]):
            x[target + i, j] = x[source + i, j]


@njit(nogil=True, error_model="numpy")
def advance_tile(
    a, h, v, a_new, h_new, v_new, pad, rows_span, columns_span, workspace, substeps, boundary, rest, scales, p,
    potential, event, noise, accumulators, counters,
):  # fmt: skip
    """Advance one tile by one step: all substeps of the pair sweep down it together, one row apart.

    Block after block of rows, substep ``s`` advances what substep ``s - 1`` has left behind (time skewing, Wonnacott
    2000, doi:10.1109/IPDPS.2000.845979), so that a window of a few dozen rows in cache serves all of them. Two
    buffers are enough: substep ``s + 1`` overwrites only rows that substep ``s`` no longer reads. The first
    substep reads the field and the last one writes it, so nothing is copied in between.
    """
    r0, r1, r_lo, r_hi, top, bottom = rows_span
    c0, c1, c_lo, c_hi, left, right = columns_span
    closed = (top, bottom, left, right)
    height, width = r_hi - r_lo + 1, c_hi - c_lo + 3
    pitch = (width + LANES - 1) // LANES * LANES
    window = workspace.shape[1] // pitch
    x_odd = workspace[0, : window * pitch].reshape(window, pitch)
    y_odd = workspace[1, : window * pitch].reshape(window, pitch)
    x_even = workspace[2, : window * pitch].reshape(window, pitch)
    y_even = workspace[3, : window * pitch].reshape(window, pitch)
    periodic = boundary == PERIODIC
    origin, end, n = 0, 0, c1 - c0 + 1
    enter, leave, added = c_lo - 2 + pad, c0 - 2 + pad, r0
    while end < height:
        begin, end = end + 1, min(end + max(BLOCK_ROWS, substeps), height)
        start, stop = begin, end
        for s in range(1, substeps + 1):
            start = max(1 if top else s, begin - s + 1)
            stop = end - s + 1 if end < height else (height if bottom else height - s + 1)
            if s == substeps:
                start, stop = max(start, r0 - r_lo + 1), min(stop, r1 - r_lo + 1)
            if stop < start:
                continue
            x, y, x_new, y_new = x_even, y_even, x_odd, y_odd
            if s % 2 == 0:
                x, y, x_new, y_new = x_odd, y_odd, x_even, y_even
            if substeps == 1:
                enter_rows(a, h, a_new, h_new, r_lo, enter, 1 - r_lo, leave, start, stop, n, periodic, scales, p)
            elif s == 1:
                enter_rows(a, h, x_new, y_new, r_lo, enter, origin, 0, start, stop, width - 2, periodic, scales, p)
            elif s == substeps:
                leave_rows(x, y, a_new, h_new, r_lo, leave, origin, start, stop, c0 - c_lo, n, scales, p)
            else:
                evolve_rows(x, y, x_new, y_new, origin, start, stop, scales, p)
            if s < substeps:
                close_rows(x_new[:, :width], origin, start, stop, height, boundary, rest[0], closed)
                close_rows(y_new[:, :width], origin, start, stop, height, boundary, rest[1], closed)
        first, last = r_lo + start - 1, r_lo + stop - 1
        region = (first, last, c0, n)
        potential_rows(v, v_new, a_new, h_new, pad, noise, region, scales[0], potential, True, counters)
        whole = last if last == r1 else last - (last + 1 - r0) % GROUP_ROWS
        if whole >= added:
            add_statistics(v, v_new, pad, (added, whole, c0, n), event, accumulators)
            added = whole + 1
        kept = max(end - substeps + 1, 0)
        for buffer in (x_odd, y_odd, x_even, y_even):
            move_rows(buffer, kept - origin, 0, end - kept + 1)
        origin = kept


@njit(nogil=True, error_model="numpy")
def advance_tiles(
    first_tile, last_tile, tile_rows, tile_columns, a, h, v, a_new, h_new, v_new, pad, workspace, substeps, boundary,
    pair_rest, scales, p, potential, turing, event, noise, accumulators, counters,
):  # fmt: skip
    """Advance the tiles ``first_tile`` to ``last_tile - 1`` by one step; tiles are numbered row by row."""
    rows, columns = v.shape[0] - 2, v.shape[1] - 2 * pad
    across = (columns + tile_columns - 1) // tile_columns
    periodic, halo = boundary == PERIODIC, substeps - 1
    for tile in range(first_tile, last_tile):
        rows_span = span_of_tile(tile // across * tile_rows + 1, tile_rows, rows, halo, periodic)
        columns_span = span_of_tile(tile % across * tile_columns + 1, tile_columns, columns, halo, periodic)
        if turing:
            advance_tile(
                a, h, v, a_new, h_new, v_new, pad, rows_span, columns_span, workspace, substeps, boundary, pair_rest,
                scales, p, potential, event, noise, accumulators, counters,
            )  # fmt: skip
        else:
            region = (rows_span[0], rows_span[1], columns_span[0], columns_span[1] - columns_span[0] + 1)
            potential_rows(v, v_new, a, h, pad, noise, region, scales[0], potential, turing, counters)
            add_statistics(v, v_new, pad, region, event, accumulators)
