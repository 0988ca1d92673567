"""The two Laplacians that the kernel template can be given; each is inlined where it is called."""

from mycelium_fractal_net._compiled import njit

__all__ = ["five_points", "nine_points"]


@njit(nogil=True, error_model="numpy", forceinline=True)
def five_points(up, mid, down, j, four):
    """Return the sum over the four neighbours of cell ``j`` less four times itself."""
    return ((up[j] + down[j]) + (mid[j - 1] + mid[j + 1])) - four * mid[j]


@njit(nogil=True, error_model="numpy", forceinline=True)
def nine_points(up, mid, down, j, four):
    """Return the Laplacian of nine points, whose error of second order is the same in every direction.

    Sides count 4/6, corners 1/6, the cell -20/6: the "Mehrstellen" weights of Collatz 1960,
    doi:10.1007/978-3-662-05500-7.
    """
    one = four / four
    six = four + one + one
    corners = (up[j - 1] + up[j + 1]) + (down[j - 1] + down[j + 1])
    sides = (up[j] + down[j]) + (mid[j - 1] + mid[j + 1])
    return (four * sides + corners - four * (four + one) * mid[j]) / six
