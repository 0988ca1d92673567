"""Draw how the benchmarks went: ``python docs/make_history_pictures.py`` reads ``benchmarks/history``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
HISTORY = HERE.parent / "benchmarks" / "history"
PICTURE = HERE / "images" / "benchmarks-history.png"
KINDS = {
    "instructions": "instructions inside kernels, millions",
    "ratios": "time in that of a reference in NumPy",
}


def entries() -> list[dict[str, Any]]:
    """Return the files, the oldest first."""
    return sorted((json.loads(path.read_text()) for path in HISTORY.glob("*.json")), key=lambda one: str(one["date"]))


def draw(history: list[dict[str, Any]]) -> None:
    """Draw a panel of each kind, a line of each piece over the commits."""
    figure, panels = plt.subplots(1, len(KINDS), figsize=(13, 5.5), layout="constrained")
    names = list(dict.fromkeys(name for entry in history for name in entry["ratios"] if "reference" not in name))
    colours = dict(zip(names, mpl.colormaps["tab20"].colors, strict=False))
    for axes, (kind, label) in zip(panels, KINDS.items(), strict=True):
        held = [entry for entry in history if entry[kind]]
        places = np.arange(len(held))
        scale = 1e6 if kind == "instructions" else 1.0
        for name in names:
            values = [entry[kind].get(name, np.nan) / scale for entry in held]
            axes.plot(places, values, marker="o", markersize=4, linewidth=1.2, label=name, color=colours[name])
        axes.set_yscale("log")
        axes.set_xticks(places, [f"{entry['commit'][:7]}\n{entry['date'][:10]}" for entry in held])
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    panels[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    draw(entries())
