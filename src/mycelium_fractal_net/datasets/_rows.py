"""One row of a dataset: from a configuration to its columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mycelium_fractal_net.datasets.sampling import swept_value
from mycelium_fractal_net.datasets.scenario import Scenario
from mycelium_fractal_net.errors import DivergedError
from mycelium_fractal_net.features import FeatureConfig, feature_schema
from mycelium_fractal_net.fields import SimulationConfig, simulate

__all__ = ["COUNTERS", "FIXED", "compute_numbers", "row_of"]

FIXED = ("sim_id", "scenario_name", "grid_size", "steps", "alpha", "turing_enabled", "random_seed")
COUNTERS = ("growth_events", "turing_activations", "clamping_events")


def compute_numbers(
    config_json: str, sets: tuple[str, ...] = ("core",), feature_config: FeatureConfig | None = None
) -> dict[str, Any]:
    """Simulate a configuration and return features, counters and ``error``; runs on any worker.

    A field that diverges has no features: they are absent, and ``error`` says why.
    """
    config = SimulationConfig.model_validate_json(config_json)
    try:
        result = simulate(config, threads=1, sets=sets, feature_config=feature_config)
    except DivergedError as error:
        return {"error": str(error)}
    counters = {name: int(getattr(result, name)) for name in COUNTERS}
    features = {name: None if math.isnan(value) else value for name, value in result.features.items()}
    return {**features, **counters, "error": None}


def row_of(scenario: Scenario, sim_id: int, config: SimulationConfig, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row: identity, parameters, features, counters, error."""
    row: dict[str, Any] = {
        "sim_id": sim_id,
        "scenario_name": scenario.name,
        "grid_size": config.grid_size,
        "steps": config.steps,
        "alpha": config.alpha,
        "turing_enabled": config.turing_enabled,
        "random_seed": config.seed,
    }
    row.update({axis.name: swept_value(axis, config) for axis in scenario.axes})
    features = (feature.name for feature in feature_schema(scenario.sets))
    row.update({name: numbers.get(name) for name in (*features, *COUNTERS, "error")})
    return row
