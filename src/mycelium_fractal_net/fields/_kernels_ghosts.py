"""Compiled filling of the ghost cells around a field."""

from mycelium_fractal_net._compiled import njit

__all__ = ["ALL_SIDES", "PERIODIC", "refresh_ghosts"]

PERIODIC, NEUMANN, DIRICHLET = 0, 1, 2
ALL_SIDES = (True, True, True, True)


@njit(nogil=True, error_model="numpy")
def refresh_columns(x, rows, pad, boundary, held, left, right):
    """Fill the ghost columns of the closed sides: wrapped, mirrored (zero flux) or held."""
    columns = x.shape[1] - 2 * pad
    end = pad + columns
    for k in range(pad):
        from_left = columns + k if boundary == PERIODIC else pad
        from_right = pad + k if boundary == PERIODIC else end - 1
        if boundary == DIRICHLET:
            if left:
                x[1 : rows + 1, k] = held
            if right:
                x[1 : rows + 1, end + k] = held
        elif left and right:
            for i in range(1, rows + 1):
                x[i, k] = x[i, from_left]
                x[i, end + k] = x[i, from_right]
        elif left:
            for i in range(1, rows + 1):
                x[i, k] = x[i, from_left]
        elif right:
            for i in range(1, rows + 1):
                x[i, end + k] = x[i, from_right]


@njit(nogil=True, error_model="numpy")
def fill_row(ghost, source, boundary, held):
    """Fill one ghost row; plain loops, which are quicker here than assigning slices."""
    if boundary == DIRICHLET:
        for j in range(ghost.shape[0]):
            ghost[j] = held
    else:
        for j in range(ghost.shape[0]):
            ghost[j] = source[j]


@njit(nogil=True, error_model="numpy")
def refresh_rows(x, rows, boundary, held, top, bottom):
    """Fill the ghost rows of the closed sides: wrapped, mirrored (zero flux) or held."""
    if top:
        fill_row(x[0], x[rows if boundary == PERIODIC else 1], boundary, held)
    if bottom:
        fill_row(x[rows + 1], x[1 if boundary == PERIODIC else rows], boundary, held)


@njit(nogil=True, error_model="numpy")
def refresh_ghosts(x, rows, pad, boundary, held, closed):
    """Fill the ghost cells of the sides (top, bottom, left, right) that are closed."""
    top, bottom, left, right = closed
    refresh_columns(x, rows, pad, boundary, held, left, right)
    refresh_rows(x, rows, boundary, held, top, bottom)
