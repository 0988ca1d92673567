"""What came out of a simulation: a dictionary for machines, a table and words for people."""

from __future__ import annotations

from typing import Any

import typer

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.cli._console import print_table
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features import FEATURE_NAMES, FEATURE_UNITS
from mycelium_fractal_net.fields import SimulationResult, linear_stability, measure_wavelength
from mycelium_fractal_net.fractals import BoxCounting, box_counting_dimension

__all__ = ["MEANINGS", "VERDICTS", "box_counting_of", "feature_rows", "print_report", "summary"]

_ALIVE_ABOVE_MV = -60.0

MEANINGS = {
    "D_box": "box-counting dimension of the cells above -60 mV",
    "D_r2": "how straight its log-log line is",
    "V_min": "lowest potential",
    "V_max": "highest potential",
    "V_mean": "mean potential",
    "V_std": "standard deviation of the potential",
    "V_skew": "its skewness",
    "V_kurt": "its excess kurtosis",
    "dV_mean": "mean change of a cell in a step",
    "dV_max": "largest change of a cell in a step",
    "T_stable": "step from which it rests; all steps if it never does",
    "E_trend": "slope of the mean squared potential",
    "f_active": "share of cells above -60 mV",
    "N_clusters_low": "connected patches above -60 mV",
    "N_clusters_med": "connected patches above -50 mV",
    "N_clusters_high": "connected patches above -40 mV",
    "max_cluster_size": "size of the largest patch above -60 mV",
    "cluster_size_std": "spread of the sizes of those patches",
}

VERDICTS = {
    "fractal": "the local dimension holds over the scales: the set scales like a fractal",
    "crossover": "the local dimension changes with scale, as it does for stripes and spots of one size; "
    "D_box describes the pattern, but the pattern is no fractal",
    "filled": "the set fills the plane",
    "empty": "no cell lies above -60 mV, there is nothing to measure",
    "insufficient": "there are too few scales or cells for a verdict",
}


def box_counting_of(result: SimulationResult) -> BoxCounting:
    """Count boxes over the cells above -60 mV, as the feature ``D_box`` does."""
    alive = result.field_mv > _ALIVE_ABOVE_MV
    return box_counting_dimension(alive, periodic=result.config.boundary == "periodic")


def summary(result: SimulationResult) -> dict[str, Any]:
    """Return everything but the fields, ready for JSON."""
    boxes = box_counting_of(result)
    return {
        "version": __version__,
        "config": result.config.model_dump(mode="json"),
        "config_digest": result.config.digest(),
        "digest": result.digest,
        "step": result.step,
        "growth_events": result.growth_events,
        "turing_activations": result.turing_activations,
        "clamping_events": result.clamping_events,
        "features": {name: float(value) for name, value in result.features.to_dict().items()},
        "units": dict(FEATURE_UNITS),
        "box_counting": {
            "dimension": float(boxes.dimension),
            "r2": float(boxes.r2),
            "verdict": boxes.verdict,
            "scales": [int(scale) for scale in boxes.scales],
            "counts": [int(count) for count in boxes.counts],
        },
    }


def feature_rows(features: dict[str, float]) -> list[tuple[str, str, str, str]]:
    """Return name, value, unit and meaning of each feature, in their order."""
    return [
        (name, f"{features[name]:.6g}", "" if unit == "1" else unit, MEANINGS[name])
        for name, unit in zip(FEATURE_NAMES, FEATURE_UNITS.values(), strict=True)
    ]


def print_report(result: SimulationResult) -> None:
    """Print the features as a table and what they mean in words."""
    config = result.config
    size = f"{config.grid_size} x {config.grid_size} cells"
    title = f"{config.kinetics}, {size}, {result.step} steps, seed {config.seed}"
    rows = feature_rows(result.features.to_dict())
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
        stability = linear_stability(result.config.kinetics, **result.config.kinetics_parameters)
        lines.append(f"Pattern? {stability.explain()}")
        if stability.turing_unstable:
            lines.append(f"Measured on the activator: {_measured(result)}.")
    return [*lines, f"Digest of the result: {result.digest}"]


def _measured(result: SimulationResult) -> str:
    try:
        wavelength = measure_wavelength(result.activator, periodic=result.config.boundary == "periodic")
    except InvalidInputError as error:
        return str(error)
    return f"{wavelength:.2f} cells"
