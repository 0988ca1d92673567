"""Draw the pictures of docs/fields.md: ``python docs/make_field_pictures.py`` writes into ``docs/images``."""

from __future__ import annotations

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


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    draw({name: run(kinetics=name, steps=steps) for name, steps in KINETICS.items()}, IMAGES / "kinetics.png")
    presets = ("spots", "labyrinth", "net")
    grown = {name: run(steps=400, kinetics_parameters={"bias": MORPHOLOGIES[name]}) for name in presets}
    draw(grown, IMAGES / "presets.png")
    boundaries: tuple[Any, ...] = ("periodic", "neumann", "dirichlet")
    draw({name: run(steps=200, boundary=name) for name in boundaries}, IMAGES / "boundaries.png")


if __name__ == "__main__":
    main()
