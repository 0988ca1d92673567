"""Draw the pictures of docs/fields.md: ``python docs/make_field_pictures.py`` writes into ``docs/images``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields import MORPHOLOGIES

IMAGES = Path(__file__).parent / "images"

KINETICS = {
    "mycelium": 400,
    "schnakenberg": 2000,
    "brusselator": 2000,
    "gierer-meinhardt": 2000,
    "gray-scott": 6000,
    "fitzhugh-nagumo": 260,
    "classic": 400,
}
"""Steps after which each kinetics shows what it does."""


def run(**values: Any) -> mfn.SimulationResult:
    """Simulate 128 x 128 cells."""
    return mfn.simulate(mfn.SimulationConfig(grid_size=128, **values))


def draw(results: Mapping[str, mfn.SimulationResult], path: Path) -> None:
    """Draw activator and potential of some results, one column each, every panel with its own scale."""
    figure = Figure(figsize=(2.1 * len(results), 4.5), layout="constrained")
    axes = figure.subplots(2, len(results))
    for column, (name, result) in zip(axes.T, results.items(), strict=True):
        panels = ((result.activator, "viridis", ""), (result.field_mv, "magma", " mV"))
        for panel, (field, colours, unit) in zip(column, panels, strict=True):
            image = panel.imshow(field, cmap=colours, interpolation="nearest")
            panel.set(xticks=[], yticks=[])
            bar = figure.colorbar(image, ax=panel, orientation="horizontal", pad=0.02, aspect=18)
            bar.ax.tick_params(labelsize=6)
            bar.ax.set_xlabel(f"{'potential' if unit else 'activator'}{unit}", fontsize=6)
        column[0].set_title(f"{name}, {result.step} steps", fontsize=8)
    figure.savefig(path, dpi=90)


def draw_error_time(path: Path) -> None:
    """Draw error against time as benchmarks/error_time.py has measured them."""
    runs = json.loads((Path(__file__).parent / "error-time.json").read_text())["runs"]
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    panel = figure.subplots()
    series = (("MyceliumFractalNet", "euler"), ("MyceliumFractalNet", "heun"), ("MyceliumFractalNet", "exponential"),
              ("exponax", ""), ("py-pde", ""))  # fmt: skip
    for (program, scheme), marker in zip(series, "os^Dv", strict=True):
        held = [run for run in runs if run["program"] == program and run["settings"].startswith(scheme)]
        name = f"{program}, {scheme}" if scheme else program
        panel.loglog([run["seconds"] for run in held], [run["error"] for run in held], marker, label=name)
        for run in held:
            place = (run["seconds"], run["error"])
            panel.annotate(f"{run['cells']}²", place, xytext=(4, 4), textcoords="offset points", fontsize=6)
    panel.set(xlabel="processor time (s)", ylabel="error (rms of the activator's range)")
    panel.legend(fontsize=8)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    draw_error_time(IMAGES / "error-time.png")
    draw({name: run(kinetics=name, steps=steps) for name, steps in KINETICS.items()}, IMAGES / "kinetics.png")
    presets = ("spots", "labyrinth", "net")
    grown = {name: run(steps=400, kinetics_parameters={"bias": MORPHOLOGIES[name]}) for name in presets}
    draw(grown, IMAGES / "presets.png")
    boundaries: tuple[Any, ...] = ("periodic", "neumann", "dirichlet")
    draw({name: run(steps=200, boundary=name) for name in boundaries}, IMAGES / "boundaries.png")


if __name__ == "__main__":
    main()
