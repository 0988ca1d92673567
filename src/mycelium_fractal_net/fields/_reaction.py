"""Stand-in for the traced kinetics in the kernel template: no reaction."""

from mycelium_fractal_net._compiled import njit


@njit()
def reaction(a, h, p):  # noqa: ARG001 (the signature that the template calls)
    """Return zero rates."""
    return a - a, h - h
