"""One row of a dataset: from a configuration to its columns."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from typing import Any

from mycelium_fractal_net.datasets._axes import COUNTERS, Axis, field_type
from mycelium_fractal_net.datasets.sampling import swept_value
from mycelium_fractal_net.datasets.scenario import Scenario
from mycelium_fractal_net.errors import DivergedError
from mycelium_fractal_net.features import FeatureConfig, feature_schema
from mycelium_fractal_net.fields import (
    SimulationConfig,
    SimulationResult,
    Wavelengths,
    classify_morphology,
    measure_wavelengths,
    simulate,
)

__all__ = ["FIELDS", "axis_kind", "compute_numbers", "pattern_columns", "row_of"]

FIELDS = ("field_mv", "activator", "inhibitor")


def compute_numbers(
    config: SimulationConfig,
    sets: tuple[str, ...] = ("core",),
    feature_config: FeatureConfig | None = None,
    fields: bool = False,
    wavelengths: bool = False,
    morphology: bool = False,
    cancel: threading.Event | None = None,
) -> dict[str, Any]:
    """Simulate a configuration and return features, counters and ``error``; runs on any worker.

    A field that diverges has no features: they are absent, and ``error`` says why. ``fields`` adds the last fields,
    ``wavelengths`` and ``morphology`` what :func:`pattern_columns` names.
    """
    try:
        result = simulate(config, threads=1, cancel=cancel, sets=sets, feature_config=feature_config)
    except DivergedError as error:
        return {"error": str(error)}
    counters = {name: int(getattr(result, name)) for name in COUNTERS}
    features = {name: None if math.isnan(value) else value for name, value in result.features.items()}
    stored = {"fields": {name: getattr(result, name) for name in FIELDS}} if fields else {}
    patterns = _wavelengths(result) if wavelengths else {}
    if morphology:
        patterns["morphology"] = classify_morphology(result).name
    return {**features, **counters, **patterns, **stored, "error": None}


def pattern_columns(scenario: Scenario) -> dict[str, type]:
    """Return the columns about a row's pattern, with their types: three wavelengths, each with step and verdict."""
    parts = (("", float), ("_step", int), ("_verdict", str))
    columns: dict[str, type] = {}
    if scenario.wavelengths:
        columns |= {f"wavelength_{name}{part}": kind for name in Wavelengths._fields for part, kind in parts}
    return columns | ({"morphology": str} if scenario.morphology else {})


def _wavelengths(result: SimulationResult) -> dict[str, Any]:
    found = measure_wavelengths(result)._asdict().items()
    return {
        f"wavelength_{name}{part}": value
        for name, each in found
        for part, value in (("", each.cells), ("_step", each.step), ("_verdict", each.verdict))
    }


def row_of(scenario: Scenario, sim_id: int, config: SimulationConfig, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row: identity, parameters, features, counters, error; what the schema lacks is left out there."""
    row: dict[str, Any] = {
        "sim_id": sim_id,
        "scenario_name": scenario.name,
        "replicate": sim_id % scenario.replicates,
        "grid_size": config.grid_size,
        "steps": config.steps,
        "alpha": config.alpha,
        "turing_enabled": config.turing_enabled,
        "random_seed": config.seed,
    }
    row.update({axis.name: _cell(axis, swept_value(axis, config)) for axis in scenario.axes})
    features = (feature.name for feature in feature_schema(scenario.sets))
    others = (*COUNTERS, *pattern_columns(scenario), "field_file", "error")
    row.update({name: numbers.get(name) for name in (*features, *others)})
    return row


def axis_kind(axis: Axis) -> type:
    """Return bool, int, float, str, or tuple for pairs of numbers; object for what is written as JSON."""
    if axis.name not in SimulationConfig.model_fields:
        return float
    return tuple if axis.name == "clamp_mv" else field_type(axis.name)


def _cell(axis: Axis, value: Any) -> Any:
    kind = axis_kind(axis)
    if kind is tuple:
        return [float(number) for number in value]
    return json.dumps(value, default=lambda model: model.model_dump(mode="json")) if kind is object else value
