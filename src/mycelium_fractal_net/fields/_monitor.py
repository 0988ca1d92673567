"""A watch over the explicit substep, for a pair that jumps to and fro from one substep to the next.

Linear stability is checked around the steady state before a run. Where a pattern's peaks react faster than that state
(``a^2 h`` with a large ``a``), the substep can overshoot there, and neighbouring substeps then alternate for ever
around the solution. No step of a converged solution does so.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.fields.models import Kinetics

__all__ = ["Substep", "alternation", "window"]

Field = NDArray[np.floating[Any]]

TRIALS = 6
_LASTING = 0.8  # diffusion alone leaves at most 0.6 of what alternates
_WINDOW = 128


class Substep(NamedTuple):
    """What one explicit Euler substep takes: its length, rates, diffusion."""

    model: Kinetics
    rates: dict[str, float]
    diffusion: tuple[float, float]
    dt: float

    def __call__(self, a: Field, h: Field) -> tuple[Field, Field]:
        """Advance what lies one cell inside the border; the result is smaller by it."""
        f, g = self.model.function(a[1:-1, 1:-1], h[1:-1, 1:-1], **self.rates)
        return (
            a[1:-1, 1:-1] + self.dt * (self.diffusion[0] * _laplacian(a) + f),
            h[1:-1, 1:-1] + self.dt * (self.diffusion[1] * _laplacian(h) + g),
        )


def _laplacian(x: Field) -> Field:
    return np.asarray(x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:] - 4 * x[1:-1, 1:-1])


def window(field: Field, step: int, *, periodic: bool) -> Field:
    """Return a window of at most 128 x 128 cells with six more around it; it wanders with the step."""
    n = field.shape[0]
    places = np.arange(-TRIALS, min(n, _WINDOW) + TRIALS)
    rows, columns = places + (step * 37) % n, places + (step * 91) % n
    if not periodic:
        last = n - min(n, _WINDOW)
        rows, columns = (np.clip(places + min((step * k) % n, last), 0, n - 1) for k in (37, 91))
    return np.asarray(field[np.ix_(rows % n, columns % n)])


def alternation(substep: Substep, a: Field, h: Field) -> float:
    """Return by how much the pair jumps to and fro in trial substeps without calming down; 0 where it does not.

    Parameters
    ----------
    substep : Substep
        The one that is watched.
    a, h : ndarray, shape (M + 12, M + 12)
        Activator and inhibitor with six cells around those that are looked at.

    Examples
    --------
    >>> from mycelium_fractal_net.fields import get_kinetics
    >>> model = get_kinetics("brusselator")
    >>> substep = Substep(model, {"rate": 0.1, "feed": 2.0, "control": 3.5}, (0.2, 1.6), 0.125)
    >>> alternation(substep, np.full((14, 14), 2.5), np.full((14, 14), 1.0))
    0.0
    """
    with np.errstate(all="ignore"):
        states = [(a, h)]
        for _ in range(TRIALS):
            states.append(substep(*states[-1]))
        return max(_lasting_jump([state[which] for state in states]) for which in (0, 1))


def _lasting_jump(states: list[Field]) -> float:
    """Return the largest jump among cells whose changes all turn around and do not calm down."""
    inner = [_inside(state, TRIALS - k) for k, state in enumerate(states)]
    changes = [after - before for before, after in pairwise(inner)]
    lasting = np.ones(changes[0].shape, bool)
    for there, back in pairwise(changes):
        lasting &= (there * back < 0) & (np.abs(back) >= _LASTING * np.abs(there))
    return float(np.max(np.where(lasting, np.abs(changes[0]), 0.0)))


def _inside(x: Field, border: int) -> Field:
    return x[border : x.shape[0] - border, border : x.shape[1] - border]
