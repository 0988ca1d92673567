"""Digests of a few results, kept in ``golden_digests.json``: ``python -m tests.fields.golden`` writes them anew.

They may change when the arithmetic, the random streams or the start are changed on purpose: that is a new minor
version and a line in the changelog (docs/decisions/0003-determinism.md). They must not change with a processor, a
version of NumPy or Numba, a number of threads, or a change that was meant to be about speed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mycelium_fractal_net as mfn

GOLDEN = Path(__file__).parent / "golden_digests.json"

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "float32": {"dtype": "float32"},
    "neumann with jitter": {"boundary": "neumann", "quantum_jitter": True, "grid_size": 48},
    "dirichlet, float32, jitter": {"boundary": "dirichlet", "quantum_jitter": True, "dtype": "float32"},
    "spots": {"kinetics_parameters": {"bias": -0.05}, "seed": 7, "steps": 128},
    "tiles": {"grid_size": 400, "steps": 3, "spike_probability": 1.0},
    "neurospora": {"rest_potential_mv": -180.0, "clamp_mv": (-240.0, 40.0)},
    **{
        name: {"kinetics": name, "grid_size": 33, "steps": 40}
        for name in ("brusselator", "classic", "fitzhugh-nagumo", "gierer-meinhardt", "gray-scott", "schnakenberg")
    },
}


def digests_of(name: str) -> dict[str, str]:
    """Return the digests of a configuration and of its result, shortened to 32 digits."""
    config = mfn.SimulationConfig(**CONFIGURATIONS[name])
    return {"configuration": config.digest()[:32], "result": mfn.simulate(config).digest[:32]}


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({name: digests_of(name) for name in CONFIGURATIONS}, indent=1) + "\n", "utf-8")
