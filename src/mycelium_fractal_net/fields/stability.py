"""Linear stability of a kinetics with diffusion: can it form a pattern, and of what size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net._display import image_html
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields._dispersion import eigenvalues, fastest_mode, growth_at, unstable_band
from mycelium_fractal_net.fields.models import Kinetics, get_kinetics

__all__ = [
    "LinearStability",
    "jacobian_at",
    "linear_stability",
    "steady_pair",
    "steady_states",
]

Array = NDArray[np.float64]

_NEWTON_STEPS = 100
_COMPLEX_STEP = 1e-30
_QUICK_NEWTON_STEPS = 60
_AS_GOOD_AS_ZERO = 1e-12
_MARGINAL = 1e-9  # of the largest entry of the Jacobian
_LARGEST_SYMBOL = 8.0  # of the 5-point Laplacian, at (pi, pi)
_LARGEST_RATE = 1e100  # per step; far beyond what any step can follow, and its square is still a number


@dataclass(frozen=True, eq=False, repr=False)
class LinearStability:
    """Verdict of the linear stability analysis around a homogeneous steady state.

    What is simulated lives on a lattice, where minus the Laplacian multiplies a mode ``(k_x, k_y)`` by
    ``4 - 2 cos k_x - 2 cos k_y`` in [0, 8] in place of ``k^2``. The verdict is about that; the continuum stands beside.

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
        Whether uniform perturbations decay.
    marginal : bool
        Whether some perturbation neither grows nor decays to first order, and none grows: the linear analysis
        does not decide.
    turing_unstable : bool
        Whether uniform perturbations do not grow, and some mode of the lattice does.
    wavelength_cells : float
        Wavelength that grows fastest on the continuum, in cells; NaN when none grows, or when the shorter the
        faster.
    wavelength_lattice_cells : float
        The one that grows fastest on the lattice along an axis, in cells; along the diagonal, where none grows along
        an axis; NaN when none grows at all.
    max_growth_rate : float
        Largest growth rate over all wave numbers of the continuum, per step.
    max_lattice_growth_rate : float
        Largest growth rate over all modes of the lattice, per step.
    band : tuple of float or None
        Wave numbers of the continuum (radians a cell) between which modes grow; None when none grows.
    """

    kinetics: str
    parameters: dict[str, float]
    steady_state: tuple[float, float]
    jacobian: Array
    homogeneous_stable: bool
    marginal: bool
    turing_unstable: bool
    wavelength_cells: float
    wavelength_lattice_cells: float
    max_growth_rate: float
    max_lattice_growth_rate: float
    band: tuple[float, float] | None

    def __repr__(self) -> str:
        return (
            f"LinearStability(kinetics={self.kinetics!r}, turing_unstable={self.turing_unstable}, "
            f"wavelength_cells={self.wavelength_cells:.6g}, max_growth_rate={self.max_growth_rate:.6g})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.explain())}</p>{image_html('dispersion_figure', self)}"

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
        return eigenvalues(self.jacobian, self._diffusion, np.asarray(symbol, dtype=np.float64))[0].real

    @property
    def _diffusion(self) -> tuple[float, float]:
        return self.parameters["D_a"], self.parameters["D_h"]

    def explain(self) -> str:
        """Say in words what the numbers mean."""
        a, h = self.steady_state
        head = f"{self.kinetics}: steady state a = {a:.6g}, h = {h:.6g}. "
        if self.turing_unstable:
            return head + self._why_unstable()
        if self.marginal:
            return head + (
                "It is marginal: some perturbation neither grows nor decays to first order, so the linear analysis "
                f"does not decide; no pattern grows from small perturbations. {self._why_stable()}"
            )
        if not self.homogeneous_stable:
            return head + (
                f"It is not stable against uniform perturbations (growth rate {self.growth_rate(0.0):.4g} per step), "
                "so the field oscillates or leaves it as a whole: no Turing pattern in the strict sense."
            )
        if self.band is not None:
            return head + (
                "It is stable against every mode of the lattice (largest growth rate "
                f"{self.max_lattice_growth_rate:.4g} per step): "
                f"{self._waves()} would grow on the continuum, but the lattice cannot carry them, and no "
                "pattern grows from small perturbations. Raise both diffusion coefficients by one factor."
            )
        return head + (
            f"It is stable against every wavelength (largest growth rate {self.max_growth_rate:.4g} per step): "
            f"no pattern grows from small perturbations. {self._why_stable()}"
        )

    def _waves(self) -> str:
        low, high = self.band or (math.nan, math.nan)
        longest = f"{2 * math.pi / low:.2f} cells" if low > 0 else "any length"
        return (
            f"wavelengths below {longest}"
            if math.isinf(high)
            else f"wavelengths from {2 * math.pi / high:.2f} to {longest}"
        )

    def _why_unstable(self) -> str:
        lattice = f"{self.wavelength_lattice_cells:.3f}"
        if math.isnan(self.wavelength_cells):
            fastest = f"the shorter the faster on the continuum; on the lattice, which ends the band, {lattice} cells"
        else:
            fastest = f"fastest {self.wavelength_cells:.3f} cells ({lattice} on the lattice)"
        return f"Turing-unstable: {self._waves()} grow, {fastest} at {self.max_lattice_growth_rate:.4g} per step."

    def _why_stable(self) -> str:
        d_a, d_h = self._diffusion
        trace_d = d_h * self.jacobian[0, 0] + d_a * self.jacobian[1, 1]
        needed = 2 * math.sqrt(max(d_a * d_h * float(np.linalg.det(self.jacobian)), 0.0))
        return f"An instability needs D_h f_a + D_a g_h = {trace_d:.4g} to exceed 2 sqrt(D_a D_h det J) = {needed:.4g}."


def linear_stability(kinetics: str | Kinetics, **parameters: float) -> LinearStability:
    """Analyse a kinetics around its homogeneous steady state: the one that its guess leads to.

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

    Notes
    -----
    A growth rate counts as zero within 1e-9 of the largest entry of the Jacobian, or 1e-30. Another of the
    :func:`steady_states` is analysed by ``linear_stability(dataclasses.replace(model, steady_guess=state))``.

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
    >>> mfn.linear_stability("classic").marginal
    True
    """
    model = kinetics if isinstance(kinetics, Kinetics) else get_kinetics(kinetics)
    values = model.complete(parameters)
    state = _steady_state(model, values)
    jacobian = jacobian_at(model, values, state)
    diffusion = values["D_a"], values["D_h"]
    nothing = max(_MARGINAL * float(np.abs(jacobian).max()), _COMPLEX_STEP)
    uniform = growth_at(jacobian, diffusion, 0.0)
    fastest, rate = fastest_mode(jacobian, diffusion, math.inf)
    _, on_lattice = fastest_mode(jacobian, diffusion, _LARGEST_SYMBOL)
    turing = uniform <= nothing < on_lattice
    band = unstable_band(jacobian, diffusion) if uniform <= nothing < rate else None
    return LinearStability(
        kinetics=model.name,
        parameters=values,
        steady_state=(float(state[0]), float(state[1])),
        jacobian=jacobian,
        homogeneous_stable=uniform < -nothing,
        marginal=abs(max(uniform, on_lattice)) <= nothing,
        turing_unstable=turing,
        wavelength_cells=2 * math.pi / math.sqrt(fastest) if turing and math.isfinite(fastest) else math.nan,
        wavelength_lattice_cells=_lattice_wavelength(jacobian, diffusion, nothing) if turing else math.nan,
        max_growth_rate=rate,
        max_lattice_growth_rate=on_lattice,
        band=band,
    )


def _lattice_wavelength(jacobian: Array, diffusion: tuple[float, float], nothing: float) -> float:
    """Return the wavelength in cells that grows fastest along an axis, or along the diagonal where none does so."""
    symbol, rate = fastest_mode(jacobian, diffusion, _LARGEST_SYMBOL / 2)
    if rate > nothing:
        return math.pi / math.asin(math.sqrt(symbol) / 2)
    symbol, _ = fastest_mode(jacobian, diffusion, _LARGEST_SYMBOL)
    return math.pi / math.asin(math.sqrt(symbol / 8)) / math.sqrt(2)


def steady_states(kinetics: str | Kinetics, **parameters: float) -> list[tuple[float, float]]:
    """Return the homogeneous steady states of a kinetics: where both rates vanish.

    Newton's iteration starts from the kinetics' own guess and from 1,600 places around it, between 1e-3 and 1e2 away
    in both directions of both variables. A state outside their reach is not found.

    Parameters
    ----------
    kinetics : str or Kinetics
        Name of a registered kinetics, or one.
    **parameters : float
        Rate constants in place of the defaults.

    Returns
    -------
    list of tuple of float
        Activator and inhibitor of each, sorted.

    Raises
    ------
    InvalidInputError
        For an unknown kinetics or parameter.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> [(round(a, 6), round(h, 6)) for a, h in mfn.fields.steady_states("gray-scott", feed=0.04, kill=0.05)]
    [(0.0, 1.0), (0.125358, 0.717945), (0.319087, 0.282055)]
    """
    model = kinetics if isinstance(kinetics, Kinetics) else get_kinetics(kinetics)
    values = model.complete(parameters)
    away = np.concatenate([-np.logspace(2, -3, 20), np.logspace(-3, 2, 20)])
    a, h = (place.ravel() for place in np.meshgrid(model.steady_guess[0] + away, model.steady_guess[1] + away))
    found: list[tuple[float, float]] = []
    own = _newton(model, values, model.steady_guess, _NEWTON_STEPS)
    ends = np.stack(_newton_everywhere(model, values, a, h), axis=1)
    for state in (*([] if own is None else [own]), *ends[np.isfinite(ends).all(axis=1)]):
        exact = np.where(np.abs(state) < _AS_GOOD_AS_ZERO, 0.0, state)
        near = (math.dist(exact, other) <= 1e-6 * (1 + math.hypot(*other)) for other in found)
        if not any(near) and _vanishes(model, values, exact):
            found.append((float(exact[0]), float(exact[1])))
    return sorted(found)


def _newton_everywhere(model: Kinetics, values: dict[str, float], a: Array, h: Array) -> tuple[Array, Array]:
    """Return where Newton's iteration leads from many places at once."""
    rates = {name: values[name] for name in model.rate_names}
    step = 1j * _COMPLEX_STEP
    with np.errstate(all="ignore"):
        for _ in range(_QUICK_NEWTON_STEPS):
            by_a, by_h = model.function(a + step, h, **rates), model.function(a, h + step, **rates)
            (f, g), (f_a, g_a), (f_h, g_h) = (
                [np.real(rate) for rate in by_a],
                [np.imag(rate) / _COMPLEX_STEP for rate in by_a],
                [np.imag(rate) / _COMPLEX_STEP for rate in by_h],
            )
            determinant = f_a * g_h - f_h * g_a
            a, h = a - (f * g_h - g * f_h) / determinant, h - (g * f_a - f * g_a) / determinant
    return a, h


def _vanishes(model: Kinetics, values: dict[str, float], state: Array) -> bool:
    """Return whether both rates are zero to rounding: below what a relative change of 1e-9 of the state makes."""
    residual = np.array(_rates(model, values, complex(state[0]), complex(state[1]))).real
    scale = np.abs(jacobian_at(model, values, state)) @ np.abs(state)
    return bool(np.isfinite(residual).all() and (np.abs(residual) <= 1e-9 * scale + 1e-15).all())


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


def _rates(model: Kinetics, values: dict[str, float], a: complex, h: complex) -> tuple[complex, complex]:
    try:
        f, g = model.function(a, h, **{name: values[name] for name in model.rate_names})
    except (ZeroDivisionError, OverflowError):
        return complex(math.nan), complex(math.nan)
    return complex(f), complex(g)


def jacobian_at(model: Kinetics, values: dict[str, float], state: Array) -> Array:
    """Return the derivatives of the rates at a state, (2, 2), by complex steps."""
    a, h = float(state[0]), float(state[1])
    step = 1j * _COMPLEX_STEP
    by_a = _rates(model, values, a + step, complex(h))
    by_h = _rates(model, values, complex(a), h + step)
    return np.array([[by_a[0].imag, by_h[0].imag], [by_a[1].imag, by_h[1].imag]]) / _COMPLEX_STEP


def _steady_state(model: Kinetics, values: dict[str, float]) -> Array:
    state = _newton(model, values, model.steady_guess, _NEWTON_STEPS)
    if state is not None:
        return state
    raise InvalidInputError(
        f"no steady state of kinetics {model.name!r} found from {model.steady_guess} with {values}; "
        "give a steady_guess nearer to it or other parameters",
        field="kinetics_parameters",
    )


def _newton(model: Kinetics, values: dict[str, float], place: Sequence[float], steps: int) -> Array | None:
    state: Array = np.array(place, dtype=np.float64)
    change: Array = np.full(2, math.inf)
    for _ in range(steps):
        residual = np.array([rate.real for rate in _rates(model, values, complex(state[0]), complex(state[1]))])
        jacobian = jacobian_at(model, values, state)
        if not (np.all(np.abs(jacobian) < _LARGEST_RATE) and np.isfinite(residual).all()):
            return None
        with np.errstate(all="ignore"):
            change = np.linalg.lstsq(jacobian, residual, rcond=None)[0]
        state = state - change
        if not np.isfinite(state).all():
            return None
        if np.abs(change).max() <= 4e-16 * max(1.0, np.abs(state).max()) or not residual.any():
            return state
    return state if np.abs(change).max() < 1e-9 * max(1.0, np.abs(state).max()) else None
