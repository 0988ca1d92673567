"""Make what the lab shows beside its own text: tables of colours, and a picture of each regime.

``python docs/make_lab_assets.py`` writes both into the package. The colours are matplotlib's, 256 of each map as
red, green and blue bytes, one map after the other in the order of ``MAPS``; the pictures stand in one strip, in the
order of ``REGIMES``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields import REGIMES, regime

STATIC = Path(mfn.__file__).parent / "service" / "lab" / "static"
MAPS = ("viridis", "cividis", "magma", "inferno", "gray")
SIDE = 64


def colour_tables() -> bytes:
    """Return all maps as bytes."""
    shades = np.linspace(0.0, 1.0, 256)
    return b"".join(np.round(255 * colormaps[name](shades)[:, :3]).astype(np.uint8).tobytes() for name in MAPS)


def picture(name: str) -> NDArray[np.uint8]:
    """Return the activator of a regime at its last step, in colours."""
    activator = mfn.simulate(regime(name)).activator
    low, high = np.percentile(activator, [1, 99])
    shades = np.clip((activator - low) / max(high - low, 1e-9), 0, 1)
    image = Image.fromarray(np.round(255 * colormaps["viridis"](shades)[..., :3]).astype(np.uint8))
    return np.asarray(image.crop((0, 0, 96, 96)).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def main() -> None:
    """Write them."""
    (STATIC / "colours.bin").write_bytes(colour_tables())
    strip = np.concatenate([picture(name) for name in REGIMES], axis=1)
    Image.fromarray(strip).save(STATIC / "regimes.webp", quality=45, method=6)


if __name__ == "__main__":
    main()
