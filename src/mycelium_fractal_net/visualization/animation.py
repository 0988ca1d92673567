"""Moving pictures of a field: GIF, or MP4 where ffmpeg is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError, MissingExtraError
from mycelium_fractal_net.fields.variables import variable
from mycelium_fractal_net.visualization._canvas import COLOUR_MAPS, checked_fields, new_figure, shared_limits
from mycelium_fractal_net.visualization.figures import draw_field

__all__ = ["save_animation"]


def save_animation(
    history_mv: ArrayLike,
    path: str | Path,
    *,
    field: str = "v",
    steps: Sequence[int] | None = None,
    title: str = "",
    limits_mv: tuple[float, float] | None = None,
    frames_per_second: float = 12.0,
    label: str | None = None,
    colour_map: str | None = None,
) -> Path:
    """Write the evolution of a field as an animation, all frames on one colour scale.

    Parameters
    ----------
    history_mv : array, shape (frames, rows, columns)
        Finite, potentials in mV.
    path : str or Path
        Ends in ``.gif`` or ``.mp4``.
    field : {"v", "activator", "inhibitor"}
        What it is a history of.
    steps : sequence of int, optional
        Step of each frame, for the titles; 0, 1, 2, ... by default.
    title : str
        Stands before the step.
    limits_mv : tuple of float, optional
        Ends of the colour scale in the field's unit; the extremes of the whole history by default.
    frames_per_second : float
        Between 0.1 and 50.
    label : str, optional
        What the colours mean; by default the field's name and unit.
    colour_map : str, optional
        One of matplotlib's; the field's own by default.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InvalidInputError
        For another shape, numbers that are not finite, another ending, or a rate out of range.
    MissingExtraError
        Without matplotlib or Pillow.
    ConfigurationError
        For ``.mp4`` when there is no ffmpeg.
    """
    target = Path(path)
    history = checked_fields("history_mv", history_mv, 3)
    labels = range(len(history)) if steps is None else steps
    if len(labels) != len(history):
        raise InvalidInputError(f"steps must name each of the {len(history)} frames; got {len(labels)} names")
    if not 0.1 <= frames_per_second <= 50:
        raise InvalidInputError(f"frames_per_second must be between 0.1 and 50; got {frames_per_second}")
    if target.suffix.lower() not in {".gif", ".mp4"}:
        raise InvalidInputError(f"an animation's name must end in .gif or .mp4; got {target.name!r}")
    shown = variable(field)
    look = _Look(title, label or shown.label, colour_map or COLOUR_MAPS[field], shared_limits(history, limits_mv))
    pictures = _pictures(history, labels, look)
    if target.suffix.lower() == ".gif":
        _write_gif(pictures, target, frames_per_second, look.colour_map)
    else:
        _write_mp4(pictures, target, frames_per_second)
    return target


class _Look(NamedTuple):
    title: str
    label: str
    colour_map: str
    limits_mv: tuple[float, float]


def _pictures(history: NDArray[np.float64], steps: Sequence[int], look: _Look) -> Iterator[NDArray[np.uint8]]:
    """Yield each frame as RGB, (height, width, 3); the axes are laid out once."""
    figure = new_figure(6.4, 5.4)
    axes = figure.subplots()
    image = draw_field(axes, history[0], look.limits_mv)
    image.set_cmap(look.colour_map)
    figure.colorbar(image, ax=axes, label=look.label)
    caption = axes.set_title(_caption(look.title, steps[-1]), fontsize=10)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    canvas: Any = figure.canvas
    for moving in (image, caption):
        moving.set_animated(True)
    canvas.draw()
    background = canvas.copy_from_bbox(figure.bbox)
    for field, step in zip(history, steps, strict=True):
        image.set_data(field)
        caption.set_text(_caption(look.title, step))
        canvas.restore_region(background)
        for moving in (image, caption):
            axes.draw_artist(moving)
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _caption(title: str, step: int) -> str:
    return f"{title}, step {step}" if title else f"step {step}"


def _write_gif(pictures: Iterator[NDArray[np.uint8]], target: Path, frames_per_second: float, colour_map: str) -> None:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError.for_extra("visualization", "Pillow") from None
    palette = Image.new("P", (1, 1))
    palette.putpalette(_palette(colour_map))
    indexed = [Image.fromarray(p).quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    indexed[0].save(target, save_all=True, append_images=indexed[1:], duration=round(1000 / frames_per_second), loop=0)


def _palette(colour_map: str) -> bytes:
    """Return the 256 colours of a GIF: most for the field, the others greys for text and lines."""
    from matplotlib import colormaps

    field = colormaps[colour_map](np.linspace(0.0, 1.0, 208))[:, :3]
    greys = np.repeat(np.linspace(0.0, 1.0, 48)[:, None], 3, axis=1)
    return np.round(255 * np.vstack([field, greys])).astype(np.uint8).tobytes()


def _write_mp4(pictures: Iterator[NDArray[np.uint8]], target: Path, frames_per_second: float) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        raise ConfigurationError("an .mp4 needs the program ffmpeg; install it, or write a .gif")
    first = next(pictures)
    height, width = (side - side % 2 for side in first.shape[:2])
    command = [program, "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", str(frames_per_second), "-i", "-"]
    command += ["-preset", "veryfast", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(target)]
    data = b"".join(picture[:height, :width].tobytes() for picture in (first, *pictures))
    done = subprocess.run(command, input=data, capture_output=True, check=False)  # noqa: S603 # no shell
    if done.returncode:
        raise ConfigurationError(f"ffmpeg failed: {done.stderr.decode(errors='replace').strip()}")
