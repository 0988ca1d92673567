"""Spike-timing-dependent plasticity: pairs of spikes move a synaptic weight along an exponential window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net._checks import FloatOrArray, as_float64, as_result, require
from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["STDPRule", "stdp_weight_update", "stdp_window"]

Bounds = Literal["additive", "multiplicative"]
SpikeTrains = Any  # one train (numbers) or a sequence of trains; numpy's ArrayLike cannot say "ragged"


@dataclass(frozen=True)
class STDPRule:
    """Hold the window and the bounds of pair-based STDP.

    Parameters
    ----------
    tau_plus_ms, tau_minus_ms : float
        Time constants of potentiation and depression in ms, above 0. Default 20 ms each (Song et al. 2000).
    a_plus, a_minus : float
        Weight change of one pair in the limit of lag zero, at least 0. Defaults 0.01 and 0.012: one percent
        of the range, and depression the stronger, which keeps uncorrelated input from growing. Song et al.
        2000 require ``a_minus * tau_minus_ms > a_plus * tau_plus_ms`` and use 0.005 with a ratio of 1.05.
    bounds : {"additive", "multiplicative"}
        Additive: every pair counts the same and the weight stops hard at its bounds. Multiplicative:
        potentiation scales with ``weight_max - weight``, depression with ``weight - weight_min`` (Rubin et
        al. 2001; van Rossum et al. 2000 do so for depression), so the weight slows down towards its bounds.
    weight_min, weight_max : float
        Bounds of the weight, dimensionless, ``weight_min < weight_max``.
    coincidence_ms : float
        Spikes no further apart are simultaneous and leave the weight alone; at least 0. The default, 1e-4 ms, is
        far below every tick in use and far above what rounding makes of the same tick reached by different sums.

    References
    ----------
    G. Bi and M. Poo, J. Neurosci. 18 (1998) 10464. https://doi.org/10.1523/JNEUROSCI.18-24-10464.1998
    S. Song, K. D. Miller and L. F. Abbott, Nat. Neurosci. 3 (2000) 919. https://doi.org/10.1038/78829
    M. C. W. van Rossum, G. Bi and G. G. Turrigiano, J. Neurosci. 20 (2000) 8812.
    https://doi.org/10.1523/JNEUROSCI.20-23-08812.2000
    J. Rubin, D. D. Lee and H. Sompolinsky, Phys. Rev. Lett. 86 (2001) 364.
    https://doi.org/10.1103/PhysRevLett.86.364

    Examples
    --------
    >>> STDPRule(a_plus=-1.0)
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.errors.InvalidInputError: a_plus must be finite and at least 0; got -1.0
    """

    tau_plus_ms: float = 20.0
    tau_minus_ms: float = 20.0
    a_plus: float = 0.01
    a_minus: float = 0.012
    bounds: Bounds = "additive"
    weight_min: float = 0.0
    weight_max: float = 1.0
    coincidence_ms: float = 1e-4

    def __post_init__(self) -> None:
        for name in ("tau_plus_ms", "tau_minus_ms"):
            value = as_float64(name, getattr(self, name))
            require(name, value, np.isfinite(value) & (value > 0), "finite and greater than 0 ms")
        for name in ("a_plus", "a_minus"):
            value = as_float64(name, getattr(self, name))
            require(name, value, np.isfinite(value) & (value >= 0), "finite and at least 0")
        apart = as_float64("coincidence_ms", self.coincidence_ms)
        require("coincidence_ms", apart, np.isfinite(apart) & (apart >= 0), "finite and at least 0 ms")
        self._check_bounds()

    def _check_bounds(self) -> None:
        if self.bounds not in {"additive", "multiplicative"}:
            raise InvalidInputError(f"bounds must be 'additive' or 'multiplicative'; got {self.bounds!r}")
        low, high = as_float64("weight_min", self.weight_min), as_float64("weight_max", self.weight_max)
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise InvalidInputError(f"weight_min must be below weight_max; got {self.weight_min} and {self.weight_max}")
        if self.bounds == "multiplicative" and max(self.a_plus, self.a_minus) > 1:
            raise InvalidInputError(
                f"a_plus and a_minus must be at most 1 with multiplicative bounds; got {self.a_plus} and {self.a_minus}"
            )


def stdp_window(lag_ms: ArrayLike, rule: STDPRule | None = None) -> FloatOrArray:
    r"""Return the weight change that one pair of spikes makes.

    .. math::

        W(\Delta t) = A_+ e^{-\Delta t/\tau_+} \; (\Delta t > \epsilon), \qquad
        W(\Delta t) = -A_- e^{\Delta t/\tau_-} \; (\Delta t < -\epsilon), \qquad W = 0 \text{ between}

    with :math:`\epsilon` the rule's ``coincidence_ms``.

    Parameters
    ----------
    lag_ms : float or array
        :math:`t_{post} - t_{pre}` in ms; positive when the presynaptic spike came first.
    rule : STDPRule, optional

    Returns
    -------
    float or array
        Dimensionless change, of the shape of ``lag_ms``.

    Examples
    --------
    >>> stdp_window([20.0, 0.0, -20.0]).round(5).tolist()
    [0.00368, 0.0, -0.00441]
    """
    rule = rule or STDPRule()
    lag = as_float64("lag_ms", lag_ms)
    require("lag_ms", lag, np.isfinite(lag), "finite")
    distance = np.abs(lag)
    potentiation = rule.a_plus * np.exp(-distance / rule.tau_plus_ms)
    depression = rule.a_minus * np.exp(-distance / rule.tau_minus_ms)
    apart = rule.coincidence_ms
    change = np.where(lag > apart, potentiation, np.where(lag < -apart, -depression, 0.0))
    return as_result(change)


def stdp_weight_update(
    weight: ArrayLike,
    pre_spikes_ms: SpikeTrains,
    post_spikes_ms: SpikeTrains,
    rule: STDPRule | None = None,
) -> FloatOrArray:
    """Return the weights after all pairs of pre- and postsynaptic spikes have acted, in the order of time.

    Each spike pairs with every earlier spike of the other side (all-to-all), through one exponentially
    decaying trace per neuron. A simultaneous pair changes nothing.

    Parameters
    ----------
    weight : float or array
        Initial weights: a number, or an array that broadcasts to ``(n_pre, n_post)``; within the rule's
        bounds.
    pre_spikes_ms, post_spikes_ms : array or sequence of arrays
        Spike times in ms, in any order, finite. Either one train (a flat sequence of numbers) or one train
        per neuron; trains may differ in length and may be empty.
    rule : STDPRule, optional

    Returns
    -------
    float or array
        A float if weight is a number and both sides are single trains, else an array ``(n_pre, n_post)``.

    Raises
    ------
    InvalidInputError
        For weights outside the bounds, or spike times that are not finite numbers.

    Notes
    -----
    One vectorised update of ``(n_pre, n_post)`` per distinct spike time. With additive bounds that are not
    reached, the result equals the sum of :func:`stdp_window` over all pairs.

    References
    ----------
    A. Morrison, M. Diesmann and W. Gerstner, Biol. Cybern. 98 (2008) 459.
    https://doi.org/10.1007/s00422-008-0233-1

    Examples
    --------
    >>> round(stdp_weight_update(0.5, [0.0], [10.0]), 6)
    0.506065
    >>> stdp_weight_update(0.5, [[0.0], [30.0]], [[10.0, 20.0]]).round(4).tolist()
    [[0.5097], [0.4883]]
    """
    rule = rule or STDPRule()
    pre, pre_single = _as_trains("pre_spikes_ms", pre_spikes_ms)
    post, post_single = _as_trains("post_spikes_ms", post_spikes_ms)
    start = as_float64("weight", weight)
    low, high = rule.weight_min, rule.weight_max
    require("weight", start, (start >= low) & (start <= high), f"between {low:g} and {high:g}")
    weights = _run(_spread(start, (len(pre), len(post))), pre, post, rule)
    return float(weights[0, 0]) if start.ndim == 0 and pre_single and post_single else weights


def _run(
    weights: NDArray[np.float64],
    pre: list[NDArray[np.float64]],
    post: list[NDArray[np.float64]],
    rule: STDPRule,
) -> NDArray[np.float64]:
    trace_pre, trace_post = np.zeros(len(pre)), np.zeros(len(post))
    times = _distinct_times(np.concatenate([*pre, *post]), rule.coincidence_ms)
    counts_pre, counts_post = _counts(pre, times), _counts(post, times)
    elapsed = np.diff(times, prepend=times[:1])
    for step, dt in enumerate(elapsed):
        trace_pre *= np.exp(-dt / rule.tau_plus_ms)
        trace_post *= np.exp(-dt / rule.tau_minus_ms)
        rise = rule.a_plus * np.outer(trace_pre, counts_post[step])
        fall = rule.a_minus * np.outer(counts_pre[step], trace_post)
        weights = _bounded(weights, rise, fall, rule)
        trace_pre += counts_pre[step]
        trace_post += counts_post[step]
    return weights


def _bounded(
    weights: NDArray[np.float64], rise: NDArray[np.float64], fall: NDArray[np.float64], rule: STDPRule
) -> NDArray[np.float64]:
    if rule.bounds == "multiplicative":
        rise = rise * (rule.weight_max - weights)
        fall = fall * (weights - rule.weight_min)
    return np.clip(weights + rise - fall, rule.weight_min, rule.weight_max)


def _distinct_times(times: NDArray[np.float64], coincidence_ms: float) -> NDArray[np.float64]:
    """Return the first of every run of spikes that follow each other within the tolerance, ascending."""
    ordered = np.unique(times)
    starts = np.diff(ordered, prepend=-np.inf) > coincidence_ms
    return np.asarray(ordered[starts])


def _counts(trains: list[NDArray[np.float64]], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how often each neuron fires at or just after each distinct time, ``(times, neurons)``."""
    counts = np.zeros((len(times), len(trains)))
    for neuron, train in enumerate(trains):
        np.add.at(counts[:, neuron], np.searchsorted(times, train, side="right") - 1, 1.0)
    return counts


def _as_trains(name: str, spikes: SpikeTrains) -> tuple[list[NDArray[np.float64]], bool]:
    """Return the trains as float64 arrays, and whether the caller gave a single one."""
    if not isinstance(spikes, np.ndarray) and hasattr(spikes, "__array__"):
        spikes = np.asarray(spikes)
    if isinstance(spikes, np.ndarray) and spikes.dtype != object:
        single = spikes.ndim == 1
    elif isinstance(spikes, np.ndarray) and spikes.ndim == 1:
        single = not any(_is_train(item) for item in spikes)
        spikes = spikes.tolist() if single else spikes
    elif isinstance(spikes, np.ndarray):
        single = False
    elif isinstance(spikes, Sequence) and not isinstance(spikes, str | bytes):
        single = not any(_is_train(item) for item in spikes)
    else:
        raise InvalidInputError(f"{name} must be spike times or a sequence of trains; got {spikes!r}")
    trains = [_as_train(name, train) for train in ([spikes] if single else spikes)]
    return trains, single


def _is_train(item: Any) -> bool:
    return hasattr(item, "__len__") and not isinstance(item, str | bytes)


def _as_train(name: str, train: Any) -> NDArray[np.float64]:
    times = as_float64(name, train)
    if times.ndim != 1:
        raise InvalidInputError(f"{name} must be flat trains of spike times; got an array of shape {times.shape}")
    require(name, times, np.isfinite(times), "finite")
    return times


def _spread(start: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    try:
        return np.broadcast_to(start, shape).copy()
    except ValueError:
        raise InvalidInputError(f"weight must broadcast to (n_pre, n_post) = {shape}; got {start.shape}") from None
