"""Draw the pictures of the pages on wounds, fronts and ramps: ``python docs/make_steering_pictures.py``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields.variables import physical_limits

IMAGES = Path(__file__).parent / "images"


def strip(simulation: mfn.Simulation, steps: Sequence[int], path: Path) -> None:
    """Draw the activator after some steps, side by side on the scale of its physics."""
    low, high = physical_limits(simulation.config, "activator")
    low_side, long_side = simulation.config.shape
    figure = Figure(figsize=(2.2 * len(steps), 2.2 * low_side / long_side + 0.5), layout="constrained")
    image: Any = None
    for panel, step in zip(panels := figure.subplots(1, len(steps)), steps, strict=True):
        simulation.advance(step - simulation.step)
        image = panel.imshow(simulation.activator, vmin=low, vmax=high, interpolation="nearest")
        panel.set(xticks=[], yticks=[])
        panel.set_title(f"step {step}", fontsize=9)
    figure.colorbar(image, ax=list(panels), label="activator")
    figure.savefig(path, dpi=100)


def wound() -> None:
    """A labyrinth that heals."""
    hole = mfn.Stimulus(step=400, row=48, column=48, radius=16, variable="activator", value=0.0)
    config = mfn.SimulationConfig(grid_size=96, steps=1000, seed=3, stimuli=[hole])
    strip(mfn.Simulation(config), (400, 401, 410, 430, 1000), IMAGES / "wound.png")


def front() -> None:
    """A pulse that runs through an excitable medium."""
    config = mfn.SimulationConfig(
        domain=(64, 192),
        kinetics="fitzhugh-nagumo",
        start="front",
        boundary="neumann",
        steps=440,
        spike_probability=0.0,
    )
    strip(mfn.Simulation(config), (20, 160, 300, 440), IMAGES / "front.png")


def ramp() -> None:
    """The loop of a ramp out of Turing's region and back."""
    out, back = (mfn.Change(200, "bias", -0.2, over=2000), mfn.Change(2200, "bias", -0.02, over=2400))
    # A uniform field stays uniform: a touch now and then shows whether a pattern would grow.
    touches = [mfn.Stimulus(step, 32, 32, 2, "activator", 0.02, "add") for step in range(2300, 4600, 150)]
    config = mfn.SimulationConfig(
        grid_size=64, steps=4600, seed=1, spike_probability=0.0, kinetics_parameters={"bias": -0.02},
        schedule=[out, back], stimuli=touches,
    )  # fmt: skip
    frames = [
        (f.step, config.parameters_at(f.step)["bias"], f.activator.std()) for f in mfn.Simulation(config).frames(50)
    ]
    step, bias, spread = np.array(frames).T
    grid = np.linspace(-0.2, -0.02, 181)
    onset = grid[[mfn.linear_stability("mycelium", bias=b).turing_unstable for b in grid]].min()
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    panel = figure.subplots()
    for part, label in ((step <= 2200, "bias falls"), (step >= 2200, "bias rises again")):
        panel.plot(bias[part], spread[part], marker=".", label=label)
    panel.axvline(onset, color="black", linestyle=":", label=f"linear stability: grows above {onset:.3f}")
    panel.set(xlabel="bias", ylabel="standard deviation of the activator")
    panel.legend(loc="center left")
    figure.savefig(IMAGES / "ramp.png", dpi=100)
    gone = bias[(step <= 2200) & (spread > 0.1)].min()
    again = bias[(step > 2200) & (spread > 0.1)].min()
    print(f"the pattern stays down to {gone:.3f}, comes back at {again:.3f}; linear stability says {onset:.3f}")


if __name__ == "__main__":
    wound()
    front()
    ramp()
