"""Draw the pictures of the documentation: ``python docs/draw.py`` writes ``docs/images``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import mycelium_fractal_net as mfn
from mycelium_fractal_net.visualization import (
    box_counting_figure,
    dispersion_figure,
    field_figure,
    montage_figure,
    save_animation,
    save_figure,
)

IMAGES = Path(__file__).parent / "images"


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    default = mfn.simulate(mfn.SimulationConfig(grid_size=128, steps=96))
    save_figure(field_figure(default.field_mv, title="mycelium, 96 steps, seed 42"), IMAGES / "field.png")

    presets = ("spots", "labyrinth", "net")
    fields = [mfn.simulate(mfn.SimulationConfig.preset(name, grid_size=96, steps=192)).field_mv for name in presets]
    save_figure(montage_figure(fields, presets), IMAGES / "morphologies.png")

    alive = default.field_mv > -60.0
    boxes = mfn.box_counting_dimension(alive, periodic=True)
    save_figure(box_counting_figure(boxes, title="cells above -60 mV"), IMAGES / "box-counting.png")
    save_figure(dispersion_figure(mfn.linear_stability("mycelium")), IMAGES / "dispersion.png")

    growing = mfn.SimulationConfig(grid_size=64, steps=64)
    history = mfn.simulate_history(growing, every=4)
    steps = np.arange(0, 65, 4).tolist()
    save_animation(history, IMAGES / "evolution.gif", steps=steps, title="mycelium")


if __name__ == "__main__":
    main()
