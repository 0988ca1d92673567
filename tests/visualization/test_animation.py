import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError, MissingExtraError
from mycelium_fractal_net.visualization import save_animation

HISTORY = np.random.default_rng(1).normal(-70.0, 5.0, (3, 6, 8))


def _frames(path: Path) -> list[Any]:
    """Return every frame of a GIF as RGB, (height, width, 3)."""
    with Image.open(path) as picture:
        return [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(picture)]


def test_a_gif_shows_each_field_once_at_the_asked_rate(tmp_path: Path) -> None:
    path = save_animation(HISTORY, tmp_path / "x.gif", frames_per_second=10, title="t", steps=[0, 5, 9])
    with Image.open(path) as picture:
        assert (picture.info["duration"], picture.info["loop"]) == (100, 0)
    assert len(_frames(path)) == 3


def test_frames_of_different_fields_differ_and_equal_fields_do_not(tmp_path: Path) -> None:
    fields = np.stack([HISTORY[0], HISTORY[1], HISTORY[0]])
    first, second, third = _frames(save_animation(fields, tmp_path / "x.gif", steps=[7, 7, 7]))
    assert (first == third).all()
    assert (first != second).any()


def test_all_frames_share_one_scale(tmp_path: Path) -> None:
    rising = np.stack([np.full((4, 4), value) for value in (-90.0, -65.0, -40.0)])
    rising[:, 0, 0], rising[:, 0, 1] = -90.0, -40.0
    frames = _frames(save_animation(rising, tmp_path / "x.gif", steps=[1, 1, 1]))
    brightness = [int(frame[400, 250].sum()) for frame in frames]
    assert brightness[0] < brightness[1] < brightness[2]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the program ffmpeg is not installed")
@pytest.mark.parametrize(("ending", "codec", "begin"), [("mp4", "h264", b"ftyp"), ("webm", "vp9", b"webm")])
def test_a_film_has_the_codec_size_and_frames_that_it_should(
    tmp_path: Path, ending: str, codec: str, begin: bytes
) -> None:
    path = save_animation(HISTORY, tmp_path / f"x.{ending}", frames_per_second=5)
    assert begin in path.read_bytes()[:64]
    wanted = "stream=codec_name,avg_frame_rate,nb_read_frames,pix_fmt"
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", wanted, "-of", "json", str(path)]
    (stream,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    assert (stream["codec_name"], stream["pix_fmt"], stream["nb_read_frames"]) == (codec, "yuv420p", "3")
    assert stream["avg_frame_rate"] == "5/1"


def test_an_mp4_is_piped_to_ffmpeg_frame_by_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        seen.update(command=command, size=len(options["input"]))
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", run)
    save_animation(HISTORY, tmp_path / "x.mp4")
    width, height = map(int, seen["command"][seen["command"].index("-s") + 1].split("x"))
    assert (width % 2, height % 2) == (0, 0)
    assert seen["size"] == 3 * width * height * 3


def test_a_failure_of_ffmpeg_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, b"", b"no codec\n")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ConfigurationError, match="ffmpeg failed: no codec"):
        save_animation(HISTORY, tmp_path / "x.mp4")


def test_without_ffmpeg_an_mp4_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"install it, or write a \.gif"):
        save_animation(HISTORY, tmp_path / "x.mp4")


def test_without_pillow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"mycelium-fractal-net\[visualization\]"):
        save_animation(HISTORY, tmp_path / "x.gif")


@pytest.mark.parametrize(
    ("history", "name", "options", "why"),
    [
        (HISTORY[0], "x.gif", {}, "3 dimensions"),
        (HISTORY[:0], "x.gif", {}, "non-empty"),
        (HISTORY * np.nan, "x.gif", {}, "NaN or infinity"),
        (HISTORY, "x.avi", {}, r"must end in \.gif, \.mp4 or \.webm; got 'x.avi'"),
        (HISTORY, "x.gif", {"steps": [1, 2]}, "each of the 3 frames; got 2"),
        (HISTORY, "x.gif", {"frames_per_second": 0}, "between 0.1 and 50; got 0"),
        (HISTORY, "x.gif", {"frames_per_second": float("nan")}, "between 0.1 and 50; got nan"),
        (HISTORY, "x.gif", {"limits_mv": (0, -1)}, "low < high"),
    ],
)
def test_what_cannot_be_animated_is_refused(
    tmp_path: Path, history: Any, name: str, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(InvalidInputError, match=why):
        save_animation(history, tmp_path / name, **options)
