"""Draw the pictures of docs/features.md and docs/extended-features.md: ``python docs/make_feature_pictures.py``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features import radial_power_spectrum

IMAGES = Path(__file__).parent / "images"
BIASES = {"spots": -0.05, "labyrinth": 0.0, "net": 0.04}


def thresholds_figure() -> Figure:
    """Draw one field and what lies above each of the three thresholds."""
    result = mfn.simulate(mfn.SimulationConfig(grid_size=96, steps=96))
    vector = result.features
    figure = Figure(figsize=(10.0, 2.9), layout="constrained")
    panels = figure.subplots(1, 4)
    panels[0].imshow(result.field_mv, cmap="viridis")
    panels[0].set_title("V in mV", fontsize=9)
    names = ("N_clusters_low", "N_clusters_med", "N_clusters_high")
    for panel, level, name in zip(panels[1:], (-60.0, -50.0, -40.0), names, strict=True):
        panel.imshow(result.field_mv > level, cmap="Greens")
        panel.set_title(f"above {level:g} mV: {name} = {vector[name]:g}", fontsize=9)
    for panel in panels:
        panel.set_axis_off()
    return figure


def separation_figure() -> Figure:
    """Draw two features of many fields of each morphology."""
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    panel = figure.subplots()
    for name, bias in BIASES.items():
        configs = [
            mfn.SimulationConfig(grid_size=48, steps=128, seed=seed, kinetics_parameters={"bias": bias})
            for seed in range(25)
        ]
        vectors = [result.features for result in mfn.simulate_ensemble(configs)]
        panel.plot([v.f_active for v in vectors], [v.max_cluster_size for v in vectors], "o", alpha=0.7, label=name)
    panel.set(xlabel="f_active", ylabel="max_cluster_size in cells")
    panel.legend()
    return figure


def spectrum_figure() -> Figure:
    """Draw the radial power spectrum of an activator with the wavelength that is measured."""
    activator = mfn.simulate(mfn.SimulationConfig(grid_size=128, steps=200)).activator
    spectrum = radial_power_spectrum(activator, periodic=True)
    wavelength = mfn.measure_wavelength(activator)
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    panel = figure.subplots()
    panel.semilogy(spectrum.wavenumbers, np.maximum(spectrum.power, 1e-12))
    panel.axvline(1.0 / wavelength, color="black", linestyle=":", label=f"{wavelength:.2f} cells")
    panel.set(xlabel="cycles per cell", ylabel="power", xlim=(0.0, 0.5))
    panel.legend()
    return figure


def worth_figure() -> Figure:
    """Draw what each set tells of each parameter, from what benchmarks/feature_worth.py has measured."""
    scores = json.loads((Path(__file__).parent / "feature-worth.json").read_text())["r2"]
    names = list(next(iter(scores.values())))
    table = np.array([[row[name] for name in names] for row in scores.values()])
    figure = Figure(figsize=(8.2, 4.4), layout="constrained")
    panel = figure.subplots()
    picture = panel.imshow(np.clip(table, 0.0, 1.0), cmap="viridis", vmin=0.0, vmax=1.0, aspect="auto")
    for (row, column), score in np.ndenumerate(table):
        shown = f"{max(score, 0.0):.2f}"
        panel.text(column, row, shown, ha="center", va="center", fontsize=8, color="white" if score < 0.6 else "black")
    panel.set_xticks(range(len(names)), names, rotation=25, ha="right", fontsize=8)
    panel.set_yticks(range(len(scores)), list(scores), fontsize=8)
    panel.axhline(len(scores) - 3.5, color="white", linewidth=2)
    figure.colorbar(picture, label="R^2 on held-out fields")
    return figure


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    thresholds_figure().savefig(IMAGES / "feature-thresholds.png", dpi=110)
    separation_figure().savefig(IMAGES / "feature-separation.png", dpi=110)
    spectrum_figure().savefig(IMAGES / "feature-spectrum.png", dpi=110)
    worth_figure().savefig(IMAGES / "feature-worth.png", dpi=110)


if __name__ == "__main__":
    main()
