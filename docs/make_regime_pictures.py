"""Draw a thumbnail of every named regime: ``python docs/make_regime_pictures.py`` writes ``images/regimes.png``."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields import REGIMES, regime
from mycelium_fractal_net.fields.variables import physical_limits

IMAGES = Path(__file__).parent / "images"
ACROSS = 6


def main() -> None:
    """Simulate each regime, and draw the activator on the scale of its physics, longer where it goes beyond."""
    down = -(-len(REGIMES) // ACROSS)
    figure = Figure(figsize=(1.75 * ACROSS, 1.95 * down), layout="constrained")
    for panel in (panels := figure.subplots(down, ACROSS)).flat:
        panel.set_axis_off()
    for panel, name in zip(panels.flat, REGIMES, strict=False):
        result = mfn.simulate(regime(name))
        low, high = physical_limits(result.config, "activator")
        panel.imshow(
            result.activator, cmap="viridis", vmin=low, vmax=max(high, result.activator.max()), interpolation="nearest"
        )
        panel.set_title(f"{name}\n{result.step} steps", fontsize=7)
    path = IMAGES / "regimes.png"
    figure.savefig(path, dpi=110)
    with Image.open(path) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
