"""Moving pictures of a field: GIF, or MP4 and WebM where ffmpeg is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError, MissingExtraError
from mycelium_fractal_net.fields.variables import variable
from mycelium_fractal_net.visualization._canvas import COLOUR_MAPS, checked_fields, new_figure, shared_limits
from mycelium_fractal_net.visualization.figures import draw_field

__all__ = ["save_animation"]

_ENCODERS = {
    ".mp4": ["-preset", "veryfast", "-movflags", "+faststart"],
    ".webm": ["-c:v", "libvpx-vp9", "-crf", "24", "-b:v", "0", "-deadline", "realtime", "-cpu-used", "6"],
}
"""How ffmpeg encodes each ending. No encoder is in the package: those who install ffmpeg choose its licence."""


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
    events: Sequence[Sequence[tuple[int, int]]] | None = None,
    curves: Mapping[str, Sequence[float]] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Path:
    """Write the evolution of a field as an animation, all frames on one colour scale.

    :func:`save_film` simulates and writes, with growth events and features.

    Parameters
    ----------
    history_mv : array, shape (frames, rows, columns)
        Finite, potentials in mV.
    path : str or Path
        Ends in ``.gif``, ``.mp4`` (H.264) or ``.webm`` (VP9).
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
    events : sequence, optional
        For each frame the cells, as (row, column), around which a ring is drawn.
    curves : mapping of str to sequence of float, optional
        Up to four series with a value for each frame, drawn beside the field as far as it has come; their names are
        the titles.
    progress : callable, optional
        Called with the frames that are drawn and all there are.

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
        For ``.mp4`` and ``.webm`` when there is no ffmpeg.
    """
    target = Path(path)
    history = checked_fields("history_mv", history_mv, 3)
    labels = range(len(history)) if steps is None else steps
    if len(labels) != len(history):
        raise InvalidInputError(f"steps must name each of the {len(history)} frames; got {len(labels)} names")
    if not 0.1 <= frames_per_second <= 50:
        raise InvalidInputError(f"frames_per_second must be between 0.1 and 50; got {frames_per_second}")
    ending = target.suffix.lower()
    if ending != ".gif" and ending not in _ENCODERS:
        raise InvalidInputError(f"an animation's name must end in .gif, .mp4 or .webm; got {target.name!r}")
    marks: list[Sequence[tuple[int, int]]] = [()] * len(history) if events is None else list(events)
    beside = {} if curves is None else dict(curves)
    if len(beside) > 4 or {len(marks), *map(len, beside.values())} != {len(history)}:
        raise InvalidInputError(f"events and at most four curves must have an entry for each of {len(history)} frames")
    shown = variable(field)
    look = _Look(title, label or shown.label, colour_map or COLOUR_MAPS[field], shared_limits(history, limits_mv))
    pictures = _counted(_pictures(history, labels, look, marks, beside), len(history), progress)
    if ending == ".gif":
        _write_gif(pictures, target, frames_per_second, look.colour_map)
    else:
        _write_film(pictures, target, frames_per_second, _ENCODERS[ending])
    return target


class _Look(NamedTuple):
    title: str
    label: str
    colour_map: str
    limits_mv: tuple[float, float]


def _counted(
    pictures: Iterator[NDArray[np.uint8]], total: int, progress: Callable[[int, int], object] | None
) -> Iterator[NDArray[np.uint8]]:
    for number, picture in enumerate(pictures, 1):
        yield picture
        if progress is not None:
            progress(number, total)


def _pictures(
    history: NDArray[np.float64],
    steps: Sequence[int],
    look: _Look,
    marks: Sequence[Sequence[tuple[int, int]]],
    curves: Mapping[str, Sequence[float]],
) -> Iterator[NDArray[np.uint8]]:
    """Yield each frame as RGB, (height, width, 3); the axes are laid out once."""
    figure = new_figure(9.6 if curves else 6.4, 5.4)
    grid = figure.add_gridspec(max(1, len(curves)), 2 if curves else 1, width_ratios=[5, 3] if curves else [1])
    axes = figure.add_subplot(grid[:, 0])
    image = draw_field(axes, history[0], look.limits_mv)
    image.set_cmap(look.colour_map)
    figure.colorbar(image, ax=axes, label=look.label)
    caption = axes.set_title(_caption(look.title, steps[-1]), fontsize=10)
    rings = axes.plot([], [], "o", markersize=9, markerfacecolor="none", markeredgecolor="white")[0]
    lines = [_curve(figure.add_subplot(grid[row, 1]), steps, *curve) for row, curve in enumerate(curves.items())]
    moving = (image, caption, rings, *lines)
    for _ in range(2):  # the first pass shrinks the field to its shape, the second one lays out what is beside it
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    canvas: Any = figure.canvas
    for artist in moving:
        artist.set_animated(True)
    canvas.draw()
    background = canvas.copy_from_bbox(figure.bbox)
    for number, (field, step, cells) in enumerate(zip(history, steps, marks, strict=True)):
        image.set_data(field)
        caption.set_text(_caption(look.title, step))
        rings.set_data([column for _, column in cells], [row for row, _ in cells])
        for line, values in zip(lines, curves.values(), strict=True):
            line.set_data(steps[: number + 1], values[: number + 1])
        canvas.restore_region(background)
        for artist in moving:
            artist.axes.draw_artist(artist)
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _curve(axes: Any, steps: Sequence[int], name: str, values: Sequence[float]) -> Any:
    """Lay out the axes of a curve, and return its line, of which nothing is drawn yet."""
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.5
    axes.set(xlim=(steps[0], max(steps[-1], steps[0] + 1)), ylim=(low - room, high + room), xlabel="step")
    axes.set_title(name, fontsize=10)
    return axes.plot([], [], color="0.25", linewidth=1.5)[0]


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


def _write_film(
    pictures: Iterator[NDArray[np.uint8]], target: Path, frames_per_second: float, encoder: list[str]
) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        raise ConfigurationError(f"a {target.suffix} needs the program ffmpeg; install it, or write a .gif")
    first = next(pictures)
    height, width = (side - side % 2 for side in first.shape[:2])
    command = [program, "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", str(frames_per_second), "-i", "-"]
    command += [*encoder, "-pix_fmt", "yuv420p", str(target)]
    data = b"".join(picture[:height, :width].tobytes() for picture in (first, *pictures))
    done = subprocess.run(command, input=data, capture_output=True, check=False)  # noqa: S603 # no shell
    if done.returncode:
        raise ConfigurationError(f"ffmpeg failed: {done.stderr.decode(errors='replace').strip()}")
