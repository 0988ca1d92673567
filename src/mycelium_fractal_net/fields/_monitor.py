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

from mycelium_fractal_net.errors import DivergedError, StabilityError
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.models import Kinetics

__all__ = [
    "Substep",
    "allowed_alternation",
    "alternation",
    "check_alternation",
    "check_doubling",
    "diverged_pair",
    "diverged_potential",
    "window",
]

Field = NDArray[np.floating[Any]]

TRIALS = 6
_LASTING = 0.8  # diffusion alone leaves at most 0.6 of what alternates
_WINDOW = 128
_ALTERNATION = 0.01  # of the activator's range
_DOUBLING = 0.01  # of that range, in one step


class Substep(NamedTuple):
    """What one explicit Euler substep takes: its length, rates, diffusion."""

    model: Kinetics
    rates: dict[str, float]
    diffusion: tuple[float, float]
    dt: float
    stencil: int = 5

    def __call__(self, a: Field, h: Field) -> tuple[Field, Field]:
        """Advance what lies one cell inside the border; the result is smaller by it."""
        f, g = self.model.function(a[1:-1, 1:-1], h[1:-1, 1:-1], **self.rates)
        return (
            a[1:-1, 1:-1] + self.dt * (self.diffusion[0] * _laplacian(a, self.stencil) + f),
            h[1:-1, 1:-1] + self.dt * (self.diffusion[1] * _laplacian(h, self.stencil) + g),
        )


def _laplacian(x: Field, stencil: int) -> Field:
    sides = x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:]
    if stencil == 9:
        corners = x[:-2, :-2] + x[:-2, 2:] + x[2:, :-2] + x[2:, 2:]
        return np.asarray((4 * sides + corners - 20 * x[1:-1, 1:-1]) / 6)
    return np.asarray(sides - 4 * x[1:-1, 1:-1])


def window(field: Field, step: int, *, periodic: bool) -> Field:
    """Return a window of at most 128 x 128 cells with six more around it; it wanders with the step."""
    along = []
    for size, pace in zip(field.shape, (37, 91), strict=True):
        places = np.arange(-TRIALS, min(size, _WINDOW) + TRIALS)
        first = (step * pace) % size
        if periodic:
            along.append((places + first) % size)
        else:
            along.append(np.clip(places + min(first, size - min(size, _WINDOW)), 0, size - 1))
    return np.asarray(field[np.ix_(*along)])


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


def allowed_alternation(config: SimulationConfig) -> float:
    """Return the activator by which the pair may jump to and fro."""
    low, high = config.model.activator_range
    return _ALTERNATION * (high - low)


def check_alternation(config: SimulationConfig, jump: float, substeps: int, step: int) -> None:
    """Refuse a jump to and fro that is too large.

    Raises
    ------
    StabilityError
        With the step, and the number of substeps to try.
    """
    if jump > allowed_alternation(config):
        raise StabilityError(
            f"the substep 1/{substeps} is too long where the pattern of kinetics {config.kinetics!r} reacts "
            f"fastest: at step {step} the pair jumps by {jump:.3g} to and fro from one substep to the next; "
            f"set least_substeps to {2 * substeps}, or lower the rate constants",
            field="least_substeps",
            value=config.least_substeps,
            step=step,
        )


def check_doubling(config: SimulationConfig, error: float, substeps: int, step: int) -> None:
    """Refuse a step that comes out otherwise with twice the substeps; ``error`` is the difference, of the pair's range.

    Raises
    ------
    StabilityError
        With the step, and the number of substeps to try.
    """
    if not error <= _DOUBLING:
        raise StabilityError(
            f"the substep 1/{substeps} of scheme {config.scheme!r} is too long: after step {step} half of it changes "
            f"the pair by {error:.2g} of its range; set least_substeps to {2 * substeps}",
            field="least_substeps",
            value=config.least_substeps,
            step=step,
        )


def diverged_pair(config: SimulationConfig, step: int) -> DivergedError:
    """Return the error of a pair that is not finite any more, with the parameters of that step."""
    values = config.parameters_at(max(0, step - 1))
    rates = {name: values[name] for name in config.complete_parameters}
    return DivergedError(
        f"the Turing pair is no longer finite at step {step}: kinetics {config.kinetics!r} with "
        f"{rates} diverges; use parameters with a bounded steady state",
        step=step,
    )


def diverged_potential(config: SimulationConfig, step: int) -> DivergedError:
    """Return the error of a potential that is not finite any more."""
    return DivergedError(
        f"the potential is no longer finite at step {step}: sums of its values are beyond "
        f"{config.dtype}; replace it by a field of smaller ones",
        step=step,
    )
