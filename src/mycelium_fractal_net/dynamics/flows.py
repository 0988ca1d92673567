"""Lyapunov spectrum of a flow: Runge-Kutta for the orbit, Magnus for the variational equation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mycelium_fractal_net._checks import as_number, as_whole
from mycelium_fractal_net.dynamics._estimate import LyapunovEstimate
from mycelium_fractal_net.dynamics._tangent import (
    Frame,
    Function,
    Vector,
    VectorField,
    as_state,
    default_transient,
    quiet,
)
from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["estimate_spectrum_flow", "lyapunov_spectrum_flow"]

_GAUSS = np.asarray([0.5 - math.sqrt(3.0) / 6.0, 0.5 + math.sqrt(3.0) / 6.0])
_HERMITE = np.stack(
    [
        (1.0 - _GAUSS) ** 2 * (1.0 + 2.0 * _GAUSS),
        _GAUSS * (1.0 - _GAUSS) ** 2,
        _GAUSS**2 * (3.0 - 2.0 * _GAUSS),
        -(_GAUSS**2) * (1.0 - _GAUSS),
    ],
    axis=1,
)
"""Weights of state, rate, next state and next rate: their cubic at the two Gauss points."""

_WATCHED, _LOOK_EVERY = 200, 16
_TOLERANCE = 3e-3

_TAYLOR = np.asarray([1.0 / math.factorial(n) for n in range(16)]).reshape(4, 4)


def lyapunov_spectrum_flow(
    rhs: Function,
    jacobian: Function | None,
    state: Any,
    dt: float,
    steps: int,
    *,
    transient: int | None = None,
) -> Vector:
    r"""Measure all Lyapunov exponents of a flow dx/dt = rhs(x).

    .. math:: \dot x = f(x), \qquad \dot Y = Df(x(t))\, Y

    Parameters
    ----------
    rhs : callable
        Takes the state and returns its rate of change; autonomous.
    jacobian : callable or None
        Takes the state and returns the (d, d) matrix of d rhs_i / d x_j; None for central differences.
    state : float or sequence of float
        Where to start, in the basin of the attractor.
    dt : float
        Time step, > 0, in the unit of time of ``rhs``.
    steps : int
        Steps that count, >= 1.
    transient : int, optional
        Steps before those; by default a tenth of ``steps``, at most 1000.

    Returns
    -------
    ndarray of float64, shape (d,)
        Exponents per unit of time, descending.

    Raises
    ------
    InvalidInputError
        For arguments of another kind, functions that return other shapes, a ``dt`` so long that a step and two of
        half its length differ by more than 0.3 % of the state, and differences across a jump or a kink.
    DivergedError
        When the orbit leaves the finite numbers; carries the step.

    Notes
    -----
    The orbit is integrated by the classical Runge-Kutta method, and the variational equation by the Magnus
    expansion with two Gauss points; both are of fourth order. The exponential has the determinant
    exp(integral of the trace), so the sum of the exponents is the mean divergence whatever ``dt``, to rounding
    where the divergence is constant, as that of the Lorenz equations is: the sum holds by construction and says
    nothing about the accuracy of each. :func:`estimate_spectrum_flow` measures that.

    References
    ----------
    I. Shimada, T. Nagashima, "A numerical approach to ergodic problem of dissipative dynamical systems", Prog.
    Theor. Phys. 61 (1979) 1605. https://doi.org/10.1143/PTP.61.1605

    S. Blanes, F. Casas, J. A. Oteo, J. Ros, "The Magnus expansion and some of its applications", Phys. Rep. 470
    (2009) 151. https://doi.org/10.1016/j.physrep.2008.11.001

    Examples
    --------
    >>> import numpy as np
    >>> spiral = np.asarray([[-0.1, 2.0], [-2.0, -0.3]])
    >>> lyapunov_spectrum_flow(lambda x: spiral @ x, lambda x: spiral, [1.0, 0.0], 0.05, 2000).sum().round(9)
    np.float64(-0.4)
    """
    return _measure(rhs, jacobian, state, dt, steps, transient).exponents


def estimate_spectrum_flow(
    rhs: Function,
    jacobian: Function | None,
    state: Any,
    dt: float,
    steps: int,
    *,
    transient: int | None = None,
) -> LyapunovEstimate:
    """Measure what :func:`lyapunov_spectrum_flow` does, and again with half the time step.

    Parameters
    ----------
    rhs, jacobian, state, dt, steps, transient
        As for :func:`lyapunov_spectrum_flow`.

    Returns
    -------
    LyapunovEstimate
        Exponents per unit of time at ``dt``; not converged if the halves of the orbit, or ``dt`` and half of it,
        differ beyond three standard errors. Three times the cost of :func:`lyapunov_spectrum_flow`.

    Examples
    --------
    >>> print(estimate_spectrum_flow(lambda x: x - x**3, None, 0.5, 0.05, 2000))
    -2
    """
    coarse = _measure(rhs, jacobian, state, dt, steps, transient)
    before = default_transient(transient, steps)
    return coarse.compared(_measure(rhs, jacobian, state, dt / 2.0, 2 * steps, 2 * before))


def _measure(
    rhs: Function, jacobian: Function | None, state: Any, dt: float, steps: int, transient: int | None
) -> LyapunovEstimate:
    count = as_whole("steps", steps, 1)
    before = default_transient(transient, count)
    width = as_number("dt", dt, above=0)
    position, scalar = as_state(state)
    field = VectorField("rhs", rhs, jacobian, scalar, position.size)
    frame = Frame(position.size, count)
    size = np.zeros(position.size)
    with quiet():
        rate = field(position, 0)
        for index in range(before + count):
            reached = _runge_kutta(field, position, rate, width, index)
            size = np.maximum(size, np.abs(position))
            if index < _WATCHED or index % _LOOK_EVERY == 0:
                _require_short(field, position, rate, width, index, reached, size)
            rate_reached = field(reached, index)
            first, second = _HERMITE @ np.stack([position, width * rate, reached, width * rate_reached])
            tangent = _magnus(field.jacobian(first, index), field.jacobian(second, index), width)
            frame.move(tangent, count=index >= before)
            position, rate = reached, rate_reached
    return frame.growth.estimate(width)


def _require_short(
    field: VectorField, x: Vector, rate: Vector, dt: float, index: int, reached: Vector, size: Vector
) -> None:
    """Refuse a time step that two of half its length contradict."""
    middle = _runge_kutta(field, x, rate, 0.5 * dt, index)
    halved = _runge_kutta(field, middle, field(middle, index), 0.5 * dt, index)
    scale = np.maximum(size, np.abs(halved))
    error = float((np.abs(halved - reached) / np.where(scale > 0.0, scale, 1.0)).max())
    if error > _TOLERANCE:
        shorter = 0.5 * dt * (_TOLERANCE / error) ** 0.2
        raise InvalidInputError(
            f"dt must be short enough for a step to agree with two of half its length to {_TOLERANCE:.1%} of the "
            f"state; with {dt:g} they differ by {error:.2g} of it at step {index}: try {shorter:.1g}",
            field="dt",
        )


def _runge_kutta(field: VectorField, x: Vector, rate: Vector, dt: float, index: int) -> Vector:
    second = field(x + 0.5 * dt * rate, index)
    third = field(x + 0.5 * dt * second, index)
    fourth = field(x + dt * third, index)
    return x + dt / 6.0 * (rate + 2.0 * (second + third) + fourth)


def _magnus(first: Vector, second: Vector, dt: float) -> Vector:
    """Return the tangent map of a step from the Jacobians at its two Gauss points."""
    commutator = second @ first - first @ second
    return _exponential(0.5 * dt * (first + second) + math.sqrt(3.0) / 12.0 * dt * dt * commutator)


def _exponential(matrix: Vector) -> Vector:
    """Return the matrix exponential by Taylor's series to order 15, scaled to norm 1/2 and squared back."""
    norm = float(np.abs(matrix).sum(axis=1).max())
    squarings = max(0, math.ceil(math.log2(norm)) + 1) if norm > 0.0 else 0
    scaled = matrix * 0.5**squarings
    square = scaled @ scaled
    powers = np.stack([np.eye(len(matrix)), scaled, square, square @ scaled])
    parts = np.tensordot(_TAYLOR, powers, axes=1)
    fourth = square @ square
    result = parts[0] + fourth @ (parts[1] + fourth @ (parts[2] + fourth @ parts[3]))
    for _ in range(squarings):
        result = result @ result
    return np.asarray(result)
