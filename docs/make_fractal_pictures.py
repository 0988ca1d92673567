"""Draw the pictures of docs/fractals.md and docs/lyapunov.md: ``python docs/make_fractal_pictures.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import mycelium_fractal_net as mfn
from mycelium_fractal_net.dynamics import get_system
from mycelium_fractal_net.fractals import list_ifs

IMAGES = Path(__file__).parent / "images"


def systems_figure() -> Figure:
    """Draw every named system by the chaos game, and a random one."""
    figure = Figure(figsize=(9.6, 6.0), layout="constrained")
    panels = figure.subplots(3, 3).flat
    for panel, name in zip(panels, [*list_ifs(), "random"], strict=True):
        system = mfn.generate_ifs(name, points=60_000, seed=4, maps=5)
        left, bottom, side = system.frame
        panel.plot(*system.points.T, ",", color="#1b4d3e", alpha=0.5)
        panel.set(xlim=(left, left + side), ylim=(bottom, bottom + side), aspect="equal")
        panel.set_axis_off()
        known = system.similarity_dimension
        panel.set_title(name if known is None else f"{name}, D = {known:.4f}", fontsize=9)
    return figure


def placement_figure() -> Figure:
    """Draw the dimension of one Sierpinski triangle over its place in the array."""
    triangle = mfn.generate_ifs("sierpinski", points=1).mask(128)
    shifts = range(64)
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    panel = figure.subplots()
    for method, style in (("aligned", "."), ("cover", "-")):
        found = [
            mfn.box_counting_dimension(np.pad(triangle, ((s, 70 - s), (2 * s // 3, 60))), method).dimension
            for s in shifts
        ]
        panel.plot(shifts, found, style, label=method)
    panel.axhline(np.log2(3), color="0.6", linewidth=0.8, zorder=0)
    panel.set(xlabel="rows above the triangle", ylabel="dimension")
    panel.legend(frameon=False)
    return figure


def slopes_figure() -> Figure:
    """Draw local slopes of a fractal, a labyrinth and a disk."""
    rows, columns = np.indices((512, 512)) - 255.5
    labyrinth = mfn.simulate(mfn.SimulationConfig(grid_size=512, steps=128)).field_mv > -60.0
    sets = {
        "Sierpinski triangle": mfn.generate_ifs("sierpinski", points=1).mask(512),
        "Turing labyrinth": labyrinth,
        "disk": np.hypot(rows, columns) < 200,
    }
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    panel = figure.subplots()
    for name, mask in sets.items():
        found = mfn.box_counting_dimension(mask)
        middles = np.sqrt(found.scales[1:] * found.scales[:-1])
        panel.semilogx(middles, found.local_slopes, "o-", label=f"{name}: {found.verdict}", base=2)
    panel.set(xlabel="box side, cells", ylabel="local slope", ylim=(1.0, 2.1))
    panel.legend(frameon=False)
    return figure


def convergence_figure() -> Figure:
    """Draw how the largest exponents of the reference systems approach the literature."""
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    panel = figure.subplots()
    steps = np.unique(np.logspace(2, 4.6, 14).astype(int))
    for name in ("logistic", "henon", "lorenz"):
        system = get_system(name)
        errors = [abs(system.lyapunov_spectrum(int(n))[0] - system.known[0]) for n in steps]
        panel.loglog(steps, errors, "o-", label=name)
    panel.loglog(steps, 3.0 / np.sqrt(steps), color="0.6", linewidth=0.8, zorder=0)
    panel.set(xlabel="steps", ylabel="distance from the literature")
    panel.legend(frameon=False)
    return figure


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    for name, make in (
        ("ifs", systems_figure),
        ("box-counting-placement", placement_figure),
        ("local-slopes", slopes_figure),
        ("lyapunov-convergence", convergence_figure),
    ):
        make().savefig(IMAGES / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
