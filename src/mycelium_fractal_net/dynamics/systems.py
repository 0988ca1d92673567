"""Systems whose exponents are in the literature, to measure the measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mycelium_fractal_net._checks import as_choice
from mycelium_fractal_net.dynamics._estimate import LyapunovEstimate
from mycelium_fractal_net.dynamics._tangent import Function, Vector
from mycelium_fractal_net.dynamics.flows import estimate_spectrum_flow, lyapunov_spectrum_flow
from mycelium_fractal_net.dynamics.maps import estimate_spectrum, lyapunov_spectrum

__all__ = ["DynamicalSystem", "get_system", "list_systems"]


@dataclass(frozen=True, eq=False)
class DynamicalSystem:
    """A map or a flow with its Jacobian and what is known of its exponents.

    Attributes
    ----------
    name, title : str
        Short name, and the equations with their parameters.
    function, jacobian : callable
        Of the state: the next state, or its rate of change; and the Jacobian of that.
    start : tuple of float
        A state in the basin of the attractor.
    dt : float or None
        Time step of a flow; None for a map.
    known : tuple of float
        Largest exponent in the literature and, exactly, the sum of all.
    source : str
        Where the largest exponent comes from.
    """

    name: str
    title: str
    function: Function
    jacobian: Function
    start: tuple[float, ...]
    dt: float | None
    known: tuple[float, float]
    source: str

    def lyapunov_spectrum(self, steps: int) -> Vector:
        """Measure the exponents over this many steps: per step of a map, per unit of time of a flow.

        Examples
        --------
        >>> get_system("cat").lyapunov_spectrum(100).round(4).tolist()
        [0.9624, -0.9624]
        """
        if self.dt is None:
            return lyapunov_spectrum(self.function, self.jacobian, self.start, steps)
        return lyapunov_spectrum_flow(self.function, self.jacobian, self.start, self.dt, steps)

    def estimate(self, steps: int) -> LyapunovEstimate:
        """Measure the exponents with their standard errors; for a flow also with half its time step.

        Examples
        --------
        >>> get_system("cat").estimate(100).converged
        True
        """
        if self.dt is None:
            return estimate_spectrum(self.function, self.jacobian, self.start, steps)
        return estimate_spectrum_flow(self.function, self.jacobian, self.start, self.dt, steps)


def get_system(name: str) -> DynamicalSystem:
    """Return a reference system by name.

    Raises
    ------
    InvalidInputError
        For a name that :func:`list_systems` does not give.

    Examples
    --------
    >>> get_system("henon").known
    (0.41922, -1.2039728043259361)
    """
    return _SYSTEMS[as_choice("system", name, list_systems())]


def list_systems() -> list[str]:
    """Return the names of the reference systems.

    Examples
    --------
    >>> list_systems()
    ['cat', 'henon', 'logistic', 'lorenz']
    """
    return sorted(_SYSTEMS)


_R, _A, _B = 4.0, 1.4, 0.3
_SIGMA, _RHO, _BETA = 10.0, 28.0, 8.0 / 3.0
_CAT = np.asarray([[2.0, 1.0], [1.0, 1.0]])
_SPROTT = "J. C. Sprott, Chaos and Time-Series Analysis, Oxford (2003), appendix A"


def _logistic(x: Vector) -> Vector:
    return _R * x * (1.0 - x)


def _logistic_jacobian(x: Vector) -> Vector:
    return _R - 2.0 * _R * x


def _henon(s: Vector) -> Vector:
    return np.asarray([1.0 - _A * s[0] * s[0] + s[1], _B * s[0]])


def _henon_jacobian(s: Vector) -> Vector:
    return np.asarray([[-2.0 * _A * s[0], 1.0], [_B, 0.0]])


def _cat(s: Vector) -> Vector:
    return np.asarray((_CAT @ s) % 1.0)


def _cat_jacobian(_: Vector) -> Vector:
    return _CAT


def _lorenz(s: Vector) -> Vector:
    x, y, z = s.tolist()
    return np.asarray([_SIGMA * (y - x), x * (_RHO - z) - y, x * y - _BETA * z])


def _lorenz_jacobian(s: Vector) -> Vector:
    x, y, z = s.tolist()
    return np.asarray([[-_SIGMA, _SIGMA, 0.0], [_RHO - z, -1.0, -x], [y, x, -_BETA]])


_SYSTEMS = {
    each.name: each
    for each in (
        DynamicalSystem(
            name="cat",
            title="(x, y) -> (2 x + y, x + y) mod 1",
            function=_cat,
            jacobian=_cat_jacobian,
            start=(0.1, 0.3),
            dt=None,
            known=(math.log((3.0 + math.sqrt(5.0)) / 2.0), 0.0),
            source="exact: ln((3 + sqrt 5)/2)",
        ),
        DynamicalSystem(
            name="henon",
            title="x -> 1 - 1.4 x^2 + y, y -> 0.3 x",
            function=_henon,
            jacobian=_henon_jacobian,
            start=(0.1, 0.1),
            dt=None,
            known=(0.41922, math.log(_B)),
            source=_SPROTT,
        ),
        DynamicalSystem(
            name="logistic",
            title="x -> 4 x (1 - x)",
            function=_logistic,
            jacobian=_logistic_jacobian,
            start=(0.3,),
            dt=None,
            known=(math.log(2.0), math.log(2.0)),
            source="exact: ln 2",
        ),
        DynamicalSystem(
            name="lorenz",
            title="Lorenz equations with 10, 28, 8/3",
            function=_lorenz,
            jacobian=_lorenz_jacobian,
            start=(1.0, 1.0, 20.0),
            dt=0.01,
            known=(0.9056, -(_SIGMA + 1.0 + _BETA)),
            source=_SPROTT,
        ),
    )
}
