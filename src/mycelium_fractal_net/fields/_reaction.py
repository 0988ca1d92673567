"""Stand-in for the traced kinetics in the kernel template: no reaction."""

from numba import njit


@njit
def reaction(a, h, p):
    """Return zero rates."""
    return a - a, h - h
