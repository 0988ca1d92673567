"""Linear stability of a kinetics with diffusion: can it form a pattern, and of what size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import InvalidInputError, StabilityError
from mycelium_fractal_net.fields.models import Kinetics, get_kinetics

__all__ = [
    "LinearStability",
    "check_pair_stability",
    "check_potential_stability",
    "linear_stability",
    "steady_pair",
    "substeps_for",
]

Array = NDArray[np.float64]

_NEWTON_STEPS = 100
_COMPLEX_STEP = 1e-30
_MARGINAL = 1e-12
_LARGEST_RATE = 1e100  # per step; far beyond what any step can follow, and its square is still a number


@dataclass(frozen=True, eq=False)
class LinearStability:
    """Verdict of the linear stability analysis around the homogeneous steady state.

    Attributes
    ----------
    kinetics : str
        Name of the kinetics.
    parameters : dict
        All rate constants and diffusion coefficients.
    steady_state : tuple of float
        Activator and inhibitor at which both rates vanish.
    jacobian : ndarray, shape (2, 2)
        ``[[f_a, f_h], [g_a, g_h]]`` there, per step.
    homogeneous_stable : bool
        Whether the steady state is stable against uniform perturbations.
    turing_unstable : bool
        Whether it is stable against those, and unstable against some wavelength.
    wavelength_cells : float
        Wavelength that grows fastest on the continuum, in cells; NaN when none grows.
    wavelength_lattice_cells : float
        The same along a lattice axis, with the lattice's own Laplacian; NaN when none grows.
    max_growth_rate : float
        Largest growth rate over all wave numbers, per step.
    band : tuple of float or None
        Wave numbers (radians a cell) between which modes grow; None when none grows.
    """

    kinetics: str
    parameters: dict[str, float]
    steady_state: tuple[float, float]
    jacobian: Array
    homogeneous_stable: bool
    turing_unstable: bool
    wavelength_cells: float
    wavelength_lattice_cells: float
    max_growth_rate: float
    band: tuple[float, float] | None

    def growth_rate(self, k: ArrayLike, *, lattice: bool = False) -> Array | float:
        """Return the largest real part of the eigenvalues at wave number ``k``.

        Parameters
        ----------
        k : array_like
            Wave number in radians a cell; with ``lattice``, along a lattice axis.
        lattice : bool
            Use ``2 - 2 cos k``, the 5-point Laplacian's own symbol, in place of ``k^2``.

        Returns
        -------
        float or ndarray
            Growth rate per step, in the shape of ``k``.
        """
        wave = np.asarray(k, dtype=np.float64)
        rate = self.growth_rate_of_symbol(2 - 2 * np.cos(wave) if lattice else wave * wave)
        return float(rate) if wave.ndim == 0 else rate

    def growth_rate_of_symbol(self, symbol: ArrayLike) -> Array:
        """Return the growth rate where minus the Laplacian multiplies a mode by ``symbol`` (cells^-2).

        On the lattice a mode ``(k_x, k_y)`` has the symbol ``4 - 2 cos k_x - 2 cos k_y``, in [0, 8].
        """
        return _eigenvalues(self.jacobian, self._diffusion, np.asarray(symbol, dtype=np.float64))[0].real

    @property
    def _diffusion(self) -> tuple[float, float]:
        return self.parameters["D_a"], self.parameters["D_h"]

    def explain(self) -> str:
        """Say in words what the numbers mean."""
        a, h = self.steady_state
        head = f"{self.kinetics}: steady state a = {a:.6g}, h = {h:.6g}. "
        if not self.homogeneous_stable:
            return head + (
                f"It is not stable against uniform perturbations (growth rate {self.growth_rate(0.0):.4g} per step), "
                "so the field oscillates or leaves it as a whole: no Turing pattern in the strict sense."
            )
        if self.band is None:
            return head + (
                f"It is stable against every wavelength (largest growth rate {self.max_growth_rate:.4g} per step): "
                f"no pattern grows from small perturbations. {self._why_stable()}"
            )
        return head + (
            f"Turing-unstable: wavelengths from {2 * math.pi / self.band[1]:.2f} to "
            f"{2 * math.pi / self.band[0]:.2f} cells grow, fastest {self.wavelength_cells:.3f} cells "
            f"({self.wavelength_lattice_cells:.3f} on the lattice) at {self.max_growth_rate:.4g} per step."
        )

    def _why_stable(self) -> str:
        d_a, d_h = self._diffusion
        trace_d = d_h * self.jacobian[0, 0] + d_a * self.jacobian[1, 1]
        needed = 2 * math.sqrt(max(d_a * d_h * float(np.linalg.det(self.jacobian)), 0.0))
        return f"An instability needs D_h f_a + D_a g_h = {trace_d:.4g} to exceed 2 sqrt(D_a D_h det J) = {needed:.4g}."


def linear_stability(kinetics: str | Kinetics, **parameters: float) -> LinearStability:
    """Analyse a kinetics around its homogeneous steady state.

    With ``J`` the Jacobian of the rates and ``D`` the diffusion coefficients, a perturbation of wave number ``k``
    grows with the largest real part of the eigenvalues of ``J - k^2 D``. The Jacobian comes from the kinetics
    function itself by complex-step differentiation, exact to rounding.

    Parameters
    ----------
    kinetics : str or Kinetics
        Name of a registered kinetics, or one.
    **parameters : float
        Rate constants and ``D_a``, ``D_h`` in place of the defaults.

    Returns
    -------
    LinearStability

    Raises
    ------
    InvalidInputError
        For an unknown kinetics or parameter, or when no steady state is found.

    References
    ----------
    Turing 1952, doi:10.1098/rstb.1952.0012. Murray, Mathematical Biology II, 2003, doi:10.1007/b98869, section 2.3.
    Squire and Trapp 1998, doi:10.1137/S003614459631241X (complex-step differentiation).

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> report = mfn.linear_stability("mycelium")
    >>> report.turing_unstable, round(report.wavelength_cells, 3)
    (True, 9.217)
    >>> mfn.linear_stability("classic").turing_unstable
    False
    """
    model = kinetics if isinstance(kinetics, Kinetics) else get_kinetics(kinetics)
    values = model.complete(parameters)
    state = _steady_state(model, values)
    jacobian = _jacobian(model, values, state)
    diffusion = values["D_a"], values["D_h"]
    homogeneous = bool(_eigenvalues(jacobian, diffusion, np.zeros(1))[0].real[0] <= _MARGINAL)
    band = _band(jacobian, diffusion)
    grows = band is not None and homogeneous
    symbol, rate = _fastest(jacobian, diffusion, band)
    k_lattice = 2 * math.asin(math.sqrt(symbol) / 2) if symbol <= 4 else math.nan
    return LinearStability(
        kinetics=model.name,
        parameters=values,
        steady_state=(float(state[0]), float(state[1])),
        jacobian=jacobian,
        homogeneous_stable=homogeneous,
        turing_unstable=grows,
        wavelength_cells=2 * math.pi / math.sqrt(symbol) if grows else math.nan,
        wavelength_lattice_cells=2 * math.pi / k_lattice if grows else math.nan,
        max_growth_rate=rate,
        band=(math.sqrt(band[0]), math.sqrt(band[1])) if band is not None and homogeneous else None,
    )


def steady_pair(model: Kinetics, values: dict[str, float]) -> tuple[float, float]:
    """Return activator and inhibitor where both rates vanish; found once for the same parameters.

    Examples
    --------
    >>> from mycelium_fractal_net.fields import get_kinetics
    >>> model = get_kinetics("mycelium")
    >>> steady_pair(model, model.complete({})) == linear_stability("mycelium").steady_state
    True
    """
    return _steady_pair(model, tuple(values.items()))


@lru_cache(maxsize=4096)
def _steady_pair(model: Kinetics, items: tuple[tuple[str, float], ...]) -> tuple[float, float]:
    a, h = _steady_state(model, dict(items))
    return float(a), float(h)


def substeps_for(d_a: float, d_h: float) -> int:
    """Return how many Euler substeps one step takes: ``ceil(max(D) / 0.2)``, at least one.

    Examples
    --------
    >>> substeps_for(0.1, 2.0)
    10
    """
    return max(1, math.ceil(max(d_a, d_h) / 0.2))


def check_potential_stability(alpha: float, leak: float) -> None:
    """Refuse a diffusion and a leak of the potential with which its explicit step is unstable.

    Raises
    ------
    StabilityError
        When ``8 alpha + leak`` exceeds 2.

    Examples
    --------
    >>> check_potential_stability(0.18, 0.1)
    """
    bound = 8 * alpha + leak
    if bound > 2:
        raise StabilityError(
            f"8 alpha + leak = {bound} with alpha = {alpha} and leak = {leak}, but the explicit "
            f"step is stable only up to 2: use alpha <= {(2 - leak) / 8}",
            field="alpha",
            value=alpha,
        )


def check_pair_stability(model: Kinetics, values: dict[str, float]) -> None:
    """Refuse parameters for which the explicit substep amplifies a mode that the equations damp.

    For every eigenvalue of ``J - s D`` with the lattice symbol ``s`` in [0, 8] and negative real part, the substep
    ``dt`` must keep ``abs(1 + dt eigenvalue) <= 1``.

    Raises
    ------
    StabilityError
        With the bound and the value that breaks it.
    """
    _check_pair_stability(model, tuple(values.items()))


@lru_cache(maxsize=4096)
def _check_pair_stability(model: Kinetics, items: tuple[tuple[str, float], ...]) -> None:
    values = dict(items)
    diffusion = values["D_a"], values["D_h"]
    substeps = substeps_for(*diffusion)
    jacobian = _jacobian(model, values, _steady_state(model, values))
    eigenvalues = np.concatenate(_eigenvalues(jacobian, diffusion, np.linspace(0.0, 8.0, 65)))
    damped = eigenvalues[eigenvalues.real < 0]
    if damped.size == 0:
        return
    needed = float(np.max(np.abs(damped) ** 2 / (-2 * damped.real)))
    if needed > substeps * (1 + 1e-9):
        raise StabilityError(
            f"kinetics {model.name!r} with {values} decays so fast that the explicit substep 1/{substeps} is unstable: "
            f"at most 1/{needed:.4g} is stable; lower the rate constants by a factor of {needed / substeps:.3g}",
            field="kinetics_parameters",
            value=values,
        )


def _rates(model: Kinetics, values: dict[str, float], a: complex, h: complex) -> tuple[complex, complex]:
    try:
        f, g = model.function(a, h, **{name: values[name] for name in model.rate_names})
    except (ZeroDivisionError, OverflowError):
        return complex(math.nan), complex(math.nan)
    return complex(f), complex(g)


def _jacobian(model: Kinetics, values: dict[str, float], state: Array) -> Array:
    a, h = float(state[0]), float(state[1])
    step = 1j * _COMPLEX_STEP
    by_a = _rates(model, values, a + step, complex(h))
    by_h = _rates(model, values, complex(a), h + step)
    return np.array([[by_a[0].imag, by_h[0].imag], [by_a[1].imag, by_h[1].imag]]) / _COMPLEX_STEP


def _steady_state(model: Kinetics, values: dict[str, float]) -> Array:
    state: Array = np.array(model.steady_guess, dtype=np.float64)
    for _ in range(_NEWTON_STEPS):
        residual = np.array([rate.real for rate in _rates(model, values, complex(state[0]), complex(state[1]))])
        jacobian = _jacobian(model, values, state)
        if not np.all(np.abs(jacobian) < _LARGEST_RATE):
            state = np.full(2, math.nan)
            break
        with np.errstate(all="ignore"):
            change = np.linalg.lstsq(jacobian, residual, rcond=None)[0]
        state = state - change
        if not np.isfinite(state).all():
            break
        if np.abs(change).max() <= 4e-16 * max(1.0, np.abs(state).max()) or not residual.any():
            return state
    if np.isfinite(state).all() and np.abs(change).max() < 1e-9 * max(1.0, np.abs(state).max()):
        return state
    raise InvalidInputError(
        f"no steady state of kinetics {model.name!r} found from {model.steady_guess} with {values}; "
        "give a steady_guess nearer to it or other parameters",
        field="kinetics_parameters",
    )


def _eigenvalues(jacobian: Array, diffusion: tuple[float, float], symbol: Array) -> tuple[NDArray[np.complex128], ...]:
    """Return both eigenvalues of ``J - symbol D``, the one with the larger real part first."""
    aa = jacobian[0, 0] - diffusion[0] * symbol
    hh = jacobian[1, 1] - diffusion[1] * symbol
    half = (aa + hh) / 2
    root = np.sqrt((((aa - hh) / 2) ** 2 + jacobian[0, 1] * jacobian[1, 0]).astype(np.complex128))
    return half + root, half - root


def _band(jacobian: Array, diffusion: tuple[float, float]) -> tuple[float, float] | None:
    """Return the symbols between which ``det(J - symbol D)`` is negative, if any lies above zero."""
    d_a, d_h = diffusion
    product, slope = d_a * d_h, d_h * jacobian[0, 0] + d_a * jacobian[1, 1]
    determinant = float(np.linalg.det(jacobian))
    if product == 0:
        return (determinant / slope, math.inf) if slope > 0 and determinant > 0 else None
    discriminant = slope * slope - 4 * product * determinant
    if slope <= 0 or discriminant <= 0 or determinant <= 0:
        return None
    root = math.sqrt(discriminant)
    high = (slope + root) / (2 * product)
    return determinant / (product * high), high


def _fastest(jacobian: Array, diffusion: tuple[float, float], band: tuple[float, float] | None) -> tuple[float, float]:
    """Return the symbol that grows fastest, and its growth rate."""
    upper = min(band[1], 64.0) if band is not None else 64.0
    low, high = _zoom(jacobian, diffusion, 0.0, upper, 4097)
    closed = _fastest_closed_form(jacobian, diffusion)
    if closed is not None and low <= closed <= high:
        low = high = closed
    while high - low > 1e-12 * upper:
        low, high = _zoom(jacobian, diffusion, low, high, 65)
    symbols = np.array([(low + high) / 2, low, high])
    rates = _eigenvalues(jacobian, diffusion, symbols)[0].real
    best = int(np.argmax(rates))
    return float(symbols[best]), float(rates[best])


def _zoom(jacobian: Array, diffusion: tuple[float, float], low: float, high: float, points: int) -> tuple[float, float]:
    """Return the neighbours of the symbol that grows fastest on a grid."""
    grid = np.linspace(low, high, points)
    best = int(np.argmax(_eigenvalues(jacobian, diffusion, grid)[0].real))
    return float(grid[max(best - 1, 0)]), float(grid[min(best + 1, points - 1)])


def _fastest_closed_form(jacobian: Array, diffusion: tuple[float, float]) -> float | None:
    """Return the symbol at which the real eigenvalue has its maximum, where the formula applies."""
    d_a, d_h = diffusion
    cross = -jacobian[0, 1] * jacobian[1, 0]
    if d_a * d_h == 0 or d_h == d_a or cross <= 0:
        return None
    root = (d_a + d_h) * math.sqrt(cross / (d_a * d_h))
    return float((root + jacobian[1, 1] - jacobian[0, 0]) / (d_h - d_a)) if d_h > d_a else None
