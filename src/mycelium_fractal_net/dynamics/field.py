"""Largest Lyapunov exponent of a simulated field: a reference and its perturbed twin."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_whole
from mycelium_fractal_net.dynamics._estimate import Growth, LyapunovEstimate
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import Simulation, SimulationConfig

__all__ = ["estimate_exponent", "lyapunov_exponent", "most_lyapunov_steps"]

Fields = dict[str, NDArray[np.float64]]

_LONGEST_SETTLING = 20_000
_SHORTEST_SETTLING = 2_000
_SETTLING_UPDATES = 3_300_000_000
_LOOK_EVERY = 200
_AT_REST = 1e-6
_ALIGNING = 500
_LEAST_STEPS = 2_000


def lyapunov_exponent(
    config: SimulationConfig,
    *,
    steps: int | None = None,
    settle_steps: int | None = None,
    seed: int = 0,
    cancel: threading.Event | None = None,
) -> float:
    r"""Measure the largest Lyapunov exponent of a simulated field.

    .. math:: \lambda = \frac{1}{T} \sum_{t=1}^{T} \ln \frac{\|u'_t - u_t\|}{\varepsilon}, \qquad
        \|\delta u\|^2 = \overline{(\delta a / R)^2} + \overline{(\delta h / R)^2}
        + \overline{(\delta V / C)^2}

    A twin u' of the field u = (a, h, V) starts a step at the distance epsilon, goes through the same growth
    events and the same jitter, and is then brought back to that distance along the direction reached.

    Parameters
    ----------
    config : SimulationConfig
        What to simulate.
    steps : int, optional
        Steps T that count, >= 1; by default those of the configuration, but at least 2000.
    settle_steps : int, optional
        Steps before the twin starts. By default until the activator moves by less than 1e-6 of its range in
        200 steps, within a limit of 20,000 steps that above 128 x 128 cells falls to 2000.
    seed : int
        Seed of the first perturbation; the exponent depends on it only as far as it has not converged.
    cancel : threading.Event, optional
        Stops the measurement soon after it is set.

    Returns
    -------
    float
        Exponent per step. Negative for a settled Turing pattern, which forgets a disturbance; positive while a
        pattern still forms, and for chaos; -inf where one step wipes the difference out.

    Raises
    ------
    InvalidInputError
        For arguments of another kind.
    DivergedError
        When the field leaves the finite numbers.
    CancelledError
        When ``cancel`` was set.

    Notes
    -----
    R is the range of the activator and C the width of the clamp, so the exponent does not depend on the unit of
    the potential. With ``turing_enabled=False`` the pair is no part of the dynamics and only V is disturbed.
    The first 500 steps of the twin turn its disturbance into the least stable direction and do not count.
    Labyrinths rearrange for a long time: a large one that has not settled yet can give some 1e-3 above 0.
    A growth event picks among the living cells of each field; the twin's are the same cells unless the
    disturbance, of relative size 1e-8, carries one across the threshold.

    References
    ----------
    G. Benettin, L. Galgani, J.-M. Strelcyn, "Kolmogorov entropy and numerical experiments", Phys. Rev. A 14
    (1976) 2338. https://doi.org/10.1103/PhysRevA.14.2338

    Examples
    --------
    >>> import math
    >>> import mycelium_fractal_net as mfn
    >>> leak_alone = mfn.SimulationConfig(grid_size=16, turing_enabled=False, leak=0.1)
    >>> math.isclose(mfn.lyapunov_exponent(leak_alone, steps=100), math.log(0.9), rel_tol=1e-3)
    True
    """
    estimate = estimate_exponent(config, steps=steps, settle_steps=settle_steps, seed=seed, cancel=cancel)
    return float(estimate.exponents[0])


def estimate_exponent(
    config: SimulationConfig,
    *,
    steps: int | None = None,
    settle_steps: int | None = None,
    seed: int = 0,
    cancel: threading.Event | None = None,
) -> LyapunovEstimate:
    """Measure what :func:`lyapunov_exponent` does, with its standard error and whether it has converged.

    Parameters
    ----------
    config, steps, settle_steps, seed, cancel
        As for :func:`lyapunov_exponent`.

    Returns
    -------
    LyapunovEstimate
        One exponent per step. A disturbance that still turns into the least stable direction, or a pattern that
        still moves, shows as halves that differ: not converged.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> leak_alone = mfn.SimulationConfig(grid_size=16, turing_enabled=False, leak=0.1)
    >>> estimate_exponent(leak_alone, steps=100).exponents.round(3).tolist()
    [-0.105]
    """
    if not isinstance(config, SimulationConfig):
        raise InvalidInputError(f"config must be a SimulationConfig; got {type(config).__name__}")
    count = max(config.steps, _LEAST_STEPS) if steps is None else as_whole("steps", steps, 1)
    twins = _Twins(config, as_whole("seed", seed, 0), cancel)
    if settle_steps is None:
        twins.settle()
    else:
        twins.advance(as_whole("settle_steps", settle_steps, 0))
    twins.growth(_ALIGNING)
    return twins.growth(count)


def most_lyapunov_steps(config: SimulationConfig) -> int:
    """Return how many steps the field and its twin take at most, together, for an exponent with the defaults.

    Parameters
    ----------
    config : SimulationConfig
        What would be simulated.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> most_lyapunov_steps(mfn.SimulationConfig(grid_size=512)) == 2 * (2000 + 500 + 2000)
    True
    """
    return 2 * (_settling_limit(config) + _ALIGNING + max(config.steps, _LEAST_STEPS))


def _settling_limit(config: SimulationConfig) -> int:
    updates = config.shape[0] * config.shape[1] * config.substeps
    return min(_LONGEST_SETTLING, max(_SHORTEST_SETTLING, _SETTLING_UPDATES // updates))


class _Twins:
    """A field and its twin, driven alike."""

    def __init__(self, config: SimulationConfig, seed: int, cancel: threading.Event | None) -> None:
        self._config = config
        self._cancel = cancel
        self._reference = Simulation(config)
        self._twin = Simulation(config)
        low, high = config.model.activator_range
        lowest_mv, highest_mv = config.clamp_mv
        self._units = {"field_mv": highest_mv - lowest_mv}
        if config.turing_enabled:
            self._units |= {"activator": high - low, "inhibitor": high - low}
        self._distance = math.sqrt(float(np.finfo(config.dtype).eps))
        generator = np.random.default_rng(seed)
        self._direction = {name: unit * generator.standard_normal(config.shape) for name, unit in self._units.items()}

    def advance(self, steps: int) -> None:
        """Advance both by some steps, side by side where that saves time."""
        if steps < _LOOK_EVERY:
            self._reference.advance(steps, cancel=self._cancel)
            self._twin.advance(steps, cancel=self._cancel)
            return
        with ThreadPoolExecutor(1, thread_name_prefix="mfn-twin") as pool:
            twin = pool.submit(self._twin.advance, steps, cancel=self._cancel)
            self._reference.advance(steps, cancel=self._cancel)
            twin.result()

    def settle(self) -> None:
        """Advance until the activator rests, or the limit for this size is reached."""
        config = self._config
        low, high = config.model.activator_range
        for _ in range(_settling_limit(config) // _LOOK_EVERY):
            before = self._reference.activator
            self.advance(_LOOK_EVERY)
            if float(np.abs(self._reference.activator - before).max()) < _AT_REST * (high - low):
                break

    def growth(self, steps: int) -> LyapunovEstimate:
        """Return the mean logarithm of the growth of a disturbance over some steps."""
        growth = Growth(1, steps)
        for _ in range(steps):
            before = self._disturb()
            self.advance(1)
            self._direction = self._difference()
            after = self._norm(self._direction)
            if after == 0.0 or before == 0.0:
                return LyapunovEstimate(np.array([-math.inf]), np.array([math.nan]), True)
            growth.add(math.log(after / before))
        return growth.estimate()

    def _disturb(self) -> float:
        """Set the twin at the distance epsilon along the present direction; return what rounding left of it."""
        length = self._norm(self._direction)
        if length == 0.0:
            return 0.0
        scale = self._distance / length
        fields: dict[str, Any] = {
            name: getattr(self._reference, name) + scale * change for name, change in self._direction.items()
        }
        self._twin.replace_fields(**fields)
        return self._norm(self._difference())

    def _difference(self) -> Fields:
        return {
            name: np.asarray(getattr(self._twin, name) - getattr(self._reference, name), dtype=np.float64)
            for name in self._units
        }

    def _norm(self, fields: Fields) -> float:
        return math.sqrt(sum(float(np.mean((fields[name] / unit) ** 2)) for name, unit in self._units.items()))
