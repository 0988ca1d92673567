"""Lyapunov spectrum of a map, by Benettin's method with QR."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from mycelium_fractal_net._checks import as_whole
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
from mycelium_fractal_net.errors import CancelledError, InvalidInputError

__all__ = ["estimate_spectrum", "kaplan_yorke_dimension", "lyapunov_spectrum"]


def lyapunov_spectrum(
    step: Function,
    jacobian: Function | None,
    state: Any,
    steps: int,
    *,
    transient: int | None = None,
    cancel: threading.Event | None = None,
) -> Vector:
    r"""Measure all Lyapunov exponents of a map x -> step(x).

    .. math::

        J(x_t) Q_t = Q_{t+1} R_{t+1}, \qquad
        \lambda_i = \frac{1}{T} \sum_{t=1}^{T} \ln |(R_t)_{ii}|

    Parameters
    ----------
    step : callable
        The map: takes the state and returns the next one. A plain number stays a plain number.
    jacobian : callable or None
        Takes the state and returns the (d, d) matrix of d step_i / d x_j; None for central differences, good
        to about 1e-10 relative where the map is smooth; where it jumps or bends the Jacobian is asked for.
    state : float or sequence of float
        Where to start, in the basin of the attractor.
    steps : int
        Steps T that count, >= 1.
    transient : int, optional
        Steps before those, in which the orbit reaches the attractor and the frame turns with it. By default a
        tenth of ``steps``, at most 1000.
    cancel : threading.Event, optional
        Stops the measurement at the next step once it is set.

    Returns
    -------
    ndarray of float64, shape (d,)
        Exponents per step, descending; -inf where the tangent map is singular.

    Raises
    ------
    InvalidInputError
        For arguments of another kind, functions that return other shapes, and differences across a jump or a kink.
    DivergedError
        When the orbit leaves the finite numbers; carries the step.
    CancelledError
        When ``cancel`` was set.

    Notes
    -----
    The sum of the exponents is the mean of ln abs(det J) to rounding; each single one converges as the orbit
    samples the attractor, typically as 1/sqrt(T). :func:`estimate_spectrum` says how far that has come.

    References
    ----------
    G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn, "Lyapunov characteristic exponents for smooth
    dynamical systems", Meccanica 15 (1980) 9. https://doi.org/10.1007/BF02128236

    Examples
    --------
    >>> import numpy as np
    >>> found = lyapunov_spectrum(lambda x: 4 * x * (1 - x), lambda x: 4 - 8 * x, 0.3, 20_000)
    >>> bool(abs(found[0] - np.log(2)) < 1e-3)
    True
    """
    return estimate_spectrum(step, jacobian, state, steps, transient=transient, cancel=cancel).exponents


def estimate_spectrum(
    step: Function,
    jacobian: Function | None,
    state: Any,
    steps: int,
    *,
    transient: int | None = None,
    cancel: threading.Event | None = None,
) -> LyapunovEstimate:
    """Measure what :func:`lyapunov_spectrum` does, with standard errors and whether it has converged.

    Parameters
    ----------
    step, jacobian, state, steps, transient, cancel
        As for :func:`lyapunov_spectrum`.

    Returns
    -------
    LyapunovEstimate
        Exponents per step; the errors are those of the means of 20 successive blocks.

    Examples
    --------
    >>> found = estimate_spectrum(lambda x: 4 * x * (1 - x), lambda x: 4 - 8 * x, 0.3, 20_000)
    >>> found.converged, bool(abs(found.exponents[0] - 0.693147) < 3 * found.standard_errors[0])
    (True, True)
    """
    count = as_whole("steps", steps, 1)
    before = default_transient(transient, count)
    position, scalar = as_state(state)
    field = VectorField("step", step, jacobian, scalar, position.size)
    frame = Frame(position.size, count)
    with quiet():
        for index in range(before + count):
            if cancel is not None and cancel.is_set():
                raise CancelledError(f"cancelled at step {index} of {before + count}", step=index)
            frame.move(field.jacobian(position, index), count=index >= before)
            position = field(position, index)
    return frame.growth.estimate()


def kaplan_yorke_dimension(exponents: Any) -> float:
    r"""Return the Lyapunov dimension that a spectrum implies.

    .. math:: D = k + \frac{\lambda_1 + \dots + \lambda_k}{|\lambda_{k+1}|}

    with k the largest number of leading exponents whose sum is not negative.

    Parameters
    ----------
    exponents : sequence of float
        A Lyapunov spectrum, in any order.

    Returns
    -------
    float
        0 for an attracting point, the number of exponents when their sum is not negative.

    Raises
    ------
    InvalidInputError
        For no exponents, or what is no number.

    References
    ----------
    J. L. Kaplan, J. A. Yorke, "Chaotic behavior of multidimensional difference equations", Lect. Notes Math.
    730 (1979) 204. https://doi.org/10.1007/BFb0064319

    Examples
    --------
    >>> round(kaplan_yorke_dimension([0.41922, -1.62319]), 3)
    1.258
    """
    expected = "a sequence of numbers"
    try:
        spectrum = np.sort(np.asarray(exponents, dtype=np.float64))[::-1]
    except (TypeError, ValueError, np.exceptions.AxisError):
        raise InvalidInputError(f"exponents must be {expected}; got {exponents!r}") from None
    if spectrum.ndim != 1 or spectrum.size == 0 or np.isnan(spectrum).any() or spectrum[0] == np.inf:
        raise InvalidInputError(f"exponents must be {expected}; got {exponents!r}")
    total = 0.0
    for index, exponent in enumerate(spectrum.tolist()):
        if total + exponent < 0.0:
            return float(index + total / abs(exponent))
        total += exponent
    return float(spectrum.size)


def dimension_error(estimate: LyapunovEstimate) -> float:
    """Return the most by which the standard errors of the exponents move the Kaplan-Yorke dimension, to first order.

    Parameters
    ----------
    estimate : LyapunovEstimate
        A whole spectrum.

    Returns
    -------
    float
        0 where the dimension is a whole number; NaN where an error is unknown.

    Examples
    --------
    >>> estimate = LyapunovEstimate(np.array([0.42, -1.5]), np.array([0.01, 0.02]), converged=True)
    >>> round(kaplan_yorke_dimension(estimate.exponents), 3), round(dimension_error(estimate), 4)
    (1.28, 0.0104)
    """
    dimension = kaplan_yorke_dimension(estimate.exponents)
    whole = int(dimension)
    if dimension == whole:
        return 0.0
    errors = estimate.standard_errors
    return float((errors[:whole].sum() + (dimension - whole) * errors[whole]) / abs(estimate.exponents[whole]))
