"""Can something be learnt from the features? An ensemble, a network, and fields it has not seen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import CancelledError, MissingExtraError
from mycelium_fractal_net.fields import SimulationConfig, simulate_ensemble

__all__ = ["FIELDS", "Learnability", "learnability"]

FIELDS, _TRAINING = 240, 192
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Learnability:
    """Losses (mean squared error of a target with unit variance) and R^2 on held-out fields."""

    target: str
    loss_start: float
    loss_final: float
    r2_held_out: float


def learnability(
    config: SimulationConfig,
    epochs: int,
    batch_size: int,
    *,
    threads: int | None = None,
    cancel: threading.Event | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Learnability:
    """Simulate an ensemble, train scikit-learn's network on the features, and judge it on held-out fields.

    The target is the kinetics' ``bias`` where the Turing pair of the default kinetics drives the field, else the
    probability of growth events.
    """
    try:
        from sklearn.neural_network import MLPRegressor
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        raise MissingExtraError.for_extra("learn", "scikit-learn") from None

    target, features, values = _ensemble(config, threads, cancel, progress)
    scaler = StandardScaler().fit(features[:_TRAINING])
    inputs = scaler.transform(features)
    truth = (values - values[:_TRAINING].mean()) / values[:_TRAINING].std()
    train, held = slice(0, _TRAINING), slice(_TRAINING, None)
    options: dict[str, Any] = {"hidden_layer_sizes": (32,), "random_state": config.seed % 2**32}
    # The same start as the network's, by a step too small to change anything.
    untrained = MLPRegressor(batch_size=1, learning_rate_init=1e-300, **options).partial_fit(inputs[:1], truth[:1])
    network = MLPRegressor(batch_size=batch_size, learning_rate_init=0.01, **options)
    for epoch in range(epochs):
        if cancel is not None and cancel.is_set():
            raise CancelledError(f"cancelled after {epoch} of {epochs} epochs")
        network.partial_fit(inputs[train], truth[train])
    residual = truth[held] - network.predict(inputs[held])
    spread = truth[held] - truth[held].mean()
    return Learnability(
        target,
        float(np.mean((truth[train] - untrained.predict(inputs[train])) ** 2)),
        float(np.mean((truth[train] - network.predict(inputs[train])) ** 2)),
        float(1 - (residual @ residual) / (spread @ spread)),
    )


def _ensemble(
    config: SimulationConfig,
    threads: int | None,
    cancel: threading.Event | None,
    progress: Callable[[int, int], object] | None,
) -> tuple[str, Array, Array]:
    generator = np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(9,)))
    by_bias = config.turing_enabled and config.kinetics == "mycelium"
    low, high = (-0.05, 0.04) if by_bias else (0.05, 0.95)
    values = generator.uniform(low, high, FIELDS)
    seeds = generator.integers(2**32, size=FIELDS)
    base = config.model_dump()

    def change(value: float, seed: int) -> SimulationConfig:
        varied: dict[str, Any] = {"kinetics_parameters": {"bias": value}} if by_bias else {"spike_probability": value}
        return SimulationConfig(**{**base, **varied, "seed": seed})

    configs = (change(float(value), int(seed)) for value, seed in zip(values, seeds, strict=True))
    rows: list[Array] = []
    try:
        for result in simulate_ensemble(configs, threads, cancel):
            rows.append(result.features.to_array())
            if progress is not None:
                progress(len(rows), FIELDS)
    except CancelledError:
        raise CancelledError(f"cancelled after {len(rows)} of {FIELDS} fields") from None
    return ("bias" if by_bias else "spike_probability"), np.array(rows), values
