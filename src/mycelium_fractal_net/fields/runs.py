"""One call from configurations to results, histories and ensembles."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net._checks import as_whole, available_cores
from mycelium_fractal_net.features import FeatureConfig, ordered_sets
from mycelium_fractal_net.fields.config import SimulationConfig
from mycelium_fractal_net.fields.result import SimulationResult
from mycelium_fractal_net.fields.simulation import Progress, Simulation
from mycelium_fractal_net.fields.variables import variable

__all__ = ["simulate", "simulate_ensemble", "simulate_history"]


def simulate(
    config: SimulationConfig,
    initial_field_mv: ArrayLike | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
    cancel: threading.Event | None = None,
    *,
    initial_activator: ArrayLike | None = None,
    initial_inhibitor: ArrayLike | None = None,
    sets: str | Iterable[str] = ("core",),
    feature_config: FeatureConfig | None = None,
) -> SimulationResult:
    """Simulate all steps of a configuration.

    Parameters
    ----------
    config : SimulationConfig
        What to simulate.
    initial_field_mv : array_like, shape (N, N), optional
        Potential at step 0 in mV in place of the random one.
    progress : callable, optional
        ``progress(step, steps)``, called some dozens of times a second.
    threads : int, optional
        Threads to use; the result does not depend on it.
    cancel : threading.Event, optional
        Stops the run within 50 ms once it is set.
    initial_activator, initial_inhibitor : array_like, shape (N, N), optional
        The pair at step 0, with ``start="array"``.
    sets : iterable of str
        Which feature sets the result has as its ``features``; the 18 by default.
    feature_config : FeatureConfig, optional
        Their thresholds; by default 10, 20 and 30 mV above the rest potential.

    Returns
    -------
    SimulationResult
        Fields (N, N), counters, and features computed on first use.

    Raises
    ------
    InvalidInputError, DivergedError, CancelledError

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> result = mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=20, seed=1))
    >>> result.field_mv.shape, result.step
    ((32, 32), 20)
    """
    simulation = Simulation(
        config,
        initial_field_mv,
        threads,
        initial_activator=initial_activator,
        initial_inhibitor=initial_inhibitor,
        sets=sets,
        feature_config=feature_config,
    )
    simulation.advance(config.steps, progress=progress, cancel=cancel)
    return simulation.result


def simulate_history(
    config: SimulationConfig, every: int = 1, threads: int | None = None, *, field: str = "v"
) -> NDArray[np.floating[Any]]:
    """Simulate and keep a field of every so many steps.

    Parameters
    ----------
    config : SimulationConfig
        What to simulate.
    every : int
        Stride in steps, >= 1.
    threads : int, optional
        Threads to use.
    field : {"v", "activator", "inhibitor"}
        Which field.

    Returns
    -------
    ndarray, shape (T, N, N)
        The potential in mV, or one of the pair, at step 0, at every multiple of ``every``, and after the last step:
        ``T = 1 + ceil(steps / every)``.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> mfn.simulate_history(mfn.SimulationConfig(grid_size=16, steps=10), every=4).shape
    (4, 16, 16)
    """
    stride = as_whole("every", every, 1)
    simulation = Simulation(config, threads=threads)
    history = np.empty((1 - (-config.steps // stride), *config.shape), config.dtype)
    name = variable(field).attribute
    history[0] = getattr(simulation, name)
    for k, frame in enumerate(simulation.frames(stride), start=1):
        history[k] = getattr(frame, name)
    return history


class _Linked(threading.Event):
    """An event that counts as set when another is."""

    def __init__(self, other: threading.Event | None) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return super().is_set() or (self._other is not None and self._other.is_set())


def simulate_ensemble(
    configs: Iterable[SimulationConfig],
    threads: int | None = None,
    cancel: threading.Event | None = None,
    *,
    sets: str | Iterable[str] = ("core",),
    feature_config: FeatureConfig | None = None,
) -> Generator[SimulationResult, None, None]:
    """Simulate many configurations side by side, one a thread, and yield the results in order.

    Parameters
    ----------
    configs : iterable of SimulationConfig
        Read as results are taken: a generator of any length will do.
    threads : int, optional
        Simulations at a time; all cores by default.
    cancel : threading.Event, optional
        Stops all of them within 50 ms once it is set.
    sets, feature_config
        As in :func:`simulate`.

    Yields
    ------
    SimulationResult
        The same bits as :func:`simulate` gives, in the order of ``configs``.

    Raises
    ------
    InvalidInputError, DivergedError, CancelledError

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> configs = (mfn.SimulationConfig(grid_size=16, steps=5, seed=seed) for seed in range(3))
    >>> [result.config.seed for result in mfn.simulate_ensemble(configs)]
    [0, 1, 2]
    """
    workers = available_cores() if threads is None else as_whole("threads", threads, 1)
    run = partial(simulate, threads=1, sets=ordered_sets(sets), feature_config=feature_config)
    if workers == 1:  # in the caller's thread: a cancel that lends its thread is asked where it can
        for config in configs:
            yield run(config, cancel=cancel)
        return
    stop, source = _Linked(cancel), iter(configs)
    pending: deque[Future[SimulationResult]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="mfn-ensemble") as pool:
        try:
            while True:
                for config in islice(source, 2 * workers - len(pending)):
                    pending.append(pool.submit(run, config, cancel=stop))
                if not pending:
                    return
                yield pending.popleft().result()
        finally:
            stop.set()
            for future in pending:
                future.cancel()
