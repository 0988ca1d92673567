"""False alarms of ``early_warning`` on stationary series: ``python -m benchmarks.signal_alarms --seeds 1000``."""

from __future__ import annotations

import argparse
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.signals import STATISTICS, early_warning

MEMORIES = (0.0, 0.5, 0.9)
LEVEL, STEPS, SURROGATES = 0.05, 200, 99


def stationary(memory: float, seed: int) -> NDArray[np.float64]:
    """Return an autoregressive series of first order that has forgotten its start."""
    noise = np.random.default_rng(seed).standard_normal(STEPS + 200)
    values = np.zeros_like(noise)
    for step in range(1, noise.size):
        values[step] = memory * values[step - 1] + noise[step]
    return values[-STEPS:]


def alarms(statistic: str, memory: float, seeds: int) -> int:
    """Count the series for which the p-value is at most the level."""
    found = (
        early_warning(stationary(memory, seed), statistic, surrogates=SURROGATES, seed=seed) for seed in range(seeds)
    )
    return sum(warning.p_value <= LEVEL for warning in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    seeds = parser.parse_args().seeds
    half = 1.96 * sqrt(LEVEL * (1 - LEVEL) / seeds)
    print(f"level {LEVEL}, {seeds} seeds: 95% of exact tests lie in {LEVEL - half:.3f} to {LEVEL + half:.3f}")
    print("| statistic | " + " | ".join(f"memory {memory}" for memory in MEMORIES) + " |")
    print("|---|" + "---|" * len(MEMORIES))
    for statistic in STATISTICS:
        shares = [alarms(statistic, memory, seeds) / seeds for memory in MEMORIES]
        print(f"| {statistic} | " + " | ".join(f"{share:.3f}" for share in shares) + " |", flush=True)


if __name__ == "__main__":
    main()
