"""What POST /simulate computes, without a service: threads in a plain loop.

Each line of input, ``seconds side steps seed``, is one turn, and is answered with simulations a second; a seed that
is not a number is another one each time.
"""

from __future__ import annotations

import itertools
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from mycelium_fractal_net.fields import SimulationConfig, simulate
from mycelium_fractal_net.service.operations.receipt import receipt_of


def simulate_one(seed: int, grid_size: int, steps: int) -> None:
    result = simulate(SimulationConfig(seed=seed, grid_size=grid_size, steps=steps), threads=1)
    _ = result.features
    receipt_of(result, None)


def rate(pool: ThreadPoolExecutor, threads: int, seconds: float, grid_size: int, steps: int, seed: str) -> float:
    """Return simulations a second of so many threads that never wait."""
    seeds = itertools.repeat(int(seed)) if seed.isdigit() else itertools.count(1)
    simulate_one(0, grid_size, steps)
    begin = time.perf_counter()

    def loop() -> int:
        done = 0
        while time.perf_counter() - begin < seconds:
            simulate_one(next(seeds), grid_size, steps)
            done += 1
        return done

    futures = [pool.submit(loop) for _ in range(threads)]
    total = sum(future.result() for future in futures)
    return total / (time.perf_counter() - begin)


def main(threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for line in sys.stdin:
            seconds, grid_size, steps, seed = line.split()
            print(rate(pool, threads, float(seconds), int(grid_size), int(steps), seed), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
