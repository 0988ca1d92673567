"""What came out of a simulation: a dictionary for machines, a table and words for people."""

from __future__ import annotations

import math
from typing import Any

import typer

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.cli._console import print_table
from mycelium_fractal_net.features import FeatureVector, feature_schema
from mycelium_fractal_net.fields import (
    SimulationResult,
    Wavelength,
    classify_morphology,
    linear_stability,
    measure_wavelengths,
)
from mycelium_fractal_net.fractals import BoxCounting, box_counting_dimension

__all__ = ["VERDICTS", "box_counting_of", "feature_rows", "print_report", "summary", "without_nan"]

VERDICTS = {
    "fractal": "the local dimension is the same over the scales: the set scales like a fractal",
    "crossover": "the local dimension changes with scale, as it does for stripes and spots of one size; "
    "D_box describes the pattern, but the pattern is not a fractal",
    "filled": "the set fills the plane",
    "empty": "no cell is active, there is nothing to measure",
    "insufficient": "there are too few scales or cells for a verdict",
}


def box_counting_of(result: SimulationResult) -> BoxCounting:
    """Count boxes over the active cells, as the feature ``D_box`` does."""
    sample = result.sample
    active = result.field_mv > sample.thresholds.active_threshold_mv
    return box_counting_dimension(active, periodic=sample.periodic, scales=sample.config.box_scales)


def summary(result: SimulationResult) -> dict[str, Any]:
    """Return everything but the fields, ready for JSON."""
    boxes, morphology = box_counting_of(result), classify_morphology(result)
    return {
        "version": __version__,
        "config": result.config.model_dump(mode="json"),
        "config_digest": result.config.digest(),
        "digest": result.digest,
        "step": result.step,
        "growth_events": result.growth_events,
        "turing_activations": result.turing_activations,
        "clamping_events": result.clamping_events,
        "sets": list(result.sets),
        "thresholds_mv": _thresholds(result),
        "features": without_nan(result.features),
        "units": dict(result.features.units),
        "wavelengths": measure_wavelengths(result).to_dict(),
        "morphology": {"name": morphology.name, "share": morphology.share},
        "box_counting": {
            "dimension": float(boxes.dimension),
            "r2": float(boxes.r2),
            "verdict": boxes.verdict,
            "scales": [int(scale) for scale in boxes.scales],
            "counts": [int(count) for count in boxes.counts],
        },
    }


def without_nan(features: FeatureVector) -> dict[str, float | None]:
    """Return the features by name, with None where one does not exist for the field."""
    return {name: None if math.isnan(value) else value for name, value in features.items()}


def _thresholds(result: SimulationResult) -> dict[str, Any]:
    thresholds = result.sample.thresholds
    return {"active": thresholds.active_threshold_mv, "clusters": list(thresholds.cluster_thresholds_mv)}


def feature_rows(features: FeatureVector) -> list[tuple[str, str, str, str]]:
    """Return name, value, unit and meaning of each feature, in their order."""
    meanings = {feature.name: feature.definition for feature in feature_schema()}
    return [
        (name, "none" if math.isnan(value) else f"{value:.6g}", "" if unit == "1" else unit, meanings[name])
        for name, value, unit in features.rows()
    ]


def print_report(result: SimulationResult) -> None:
    """Print the features as a table and what they mean in words."""
    config = result.config
    size = "{} x {} cells".format(*config.shape)
    title = f"{config.kinetics}, {size}, {result.step} steps, seed {config.seed}"
    rows = feature_rows(result.features)
    print_table(title, ("feature", "value", "unit", "meaning"), rows, numbers="value")
    for line in _words(result):
        typer.echo(line)


def _words(result: SimulationResult) -> list[str]:
    boxes = box_counting_of(result)
    activations, clampings = result.turing_activations, result.clamping_events
    lines = [
        f"Events: {result.growth_events} of growth, {activations} of drive, {clampings} of clamping.",
        f"Fractal? {boxes.verdict}: {VERDICTS[boxes.verdict]}.",
    ]
    if result.config.turing_enabled:
        stability = linear_stability(result.config.kinetics, **result.config.lattice_parameters)
        lines.append(f"Pattern? {stability.explain()}")
        if stability.turing_unstable:
            lines += _measured(result)
    return [*lines, f"Digest of the result: {result.digest}"]


def _measured(result: SimulationResult) -> list[str]:
    found = measure_wavelengths(result)
    return [
        f"Measured on the activator: {_told(found.settled)}.",
        f"During the first growth: {_told(found.first)}.",
    ]


def _told(wavelength: Wavelength) -> str:
    cells = "none" if wavelength.cells is None else f"{wavelength.cells:.2f} cells"
    step = "" if wavelength.step is None else f"step {wavelength.step}, "
    return f"{cells} ({step}{wavelength.verdict})"
