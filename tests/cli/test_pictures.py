"""Pictures and arrays from other programs: what is set is what a person sees."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mycelium_fractal_net as package
from mycelium_fractal_net.cli._pictures import otsu_threshold
from tests.cli.conftest import Mfn

ROW, COLUMN = np.indices((64, 64))
SIERPINSKI = (ROW & COLUMN) == 0
SHARE = 729 / 4096


def saved(path: Path, array: Any, **options: Any) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def measured(mfn: Mfn, path: Path, *options: str) -> Any:
    outcome = mfn("fractal", path, "--json", *options)
    assert outcome.code == 0, outcome.err
    return outcome.json


GREY = np.where(SIERPINSKI, 200, 30).astype(np.uint8)


@pytest.mark.parametrize("name", ["p.png", "p.tif", "p.tiff", "p.bmp", "p.jpg", "p.jpeg"])
def test_pictures_of_every_kind_are_read(mfn: Mfn, tmp_path: Path, name: str) -> None:
    options = {"quality": 100} if "jp" in name else {}
    found = measured(mfn, saved(tmp_path / name, GREY, **options))
    assert found["share_of_cells"] == SHARE
    assert found["dimension"] == pytest.approx(math.log2(3))


@pytest.mark.parametrize("name", ["p.png", "p.tif"])
@pytest.mark.parametrize(("low", "high"), [(100, 4000), (1000, 60_000), (30_000, 30_010)])
def test_sixteen_bits_are_scaled_by_the_picture_s_own_range(
    mfn: Mfn, tmp_path: Path, name: str, low: int, high: int
) -> None:
    path = saved(tmp_path / name, np.where(SIERPINSKI, high, low).astype(np.uint16))
    assert measured(mfn, path)["share_of_cells"] == SHARE
    features = mfn("features", path, "--json").json["features"]
    assert (features["V_min"], features["V_max"], features["f_active"]) == (-95.0, 40.0, SHARE)


def test_a_tiff_of_floating_point_is_read(mfn: Mfn, tmp_path: Path) -> None:
    path = saved(tmp_path / "p.tif", np.where(SIERPINSKI, 0.7, 0.1).astype(np.float32))
    assert measured(mfn, path)["share_of_cells"] == SHARE


@pytest.mark.parametrize("hidden", [0, 255])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_hidden_colours_do_not_count(mfn: Mfn, tmp_path: Path, hidden: int, mode: str) -> None:
    bands = 3 if mode == "RGBA" else 1
    pixels = np.full((64, 64, bands + 1), hidden, np.uint8)
    pixels[SIERPINSKI, :bands] = 220
    pixels[..., bands] = np.where(SIERPINSKI, 255, 0)
    assert measured(mfn, saved(tmp_path / "p.png", pixels))["share_of_cells"] == SHARE
    pixels[SIERPINSKI, :bands] = 20
    assert measured(mfn, saved(tmp_path / "p.png", pixels), "--dark")["share_of_cells"] == SHARE


def test_a_palette_s_transparent_colour_does_not_count(mfn: Mfn, tmp_path: Path) -> None:
    picture = Image.fromarray(SIERPINSKI.astype(np.uint8))
    picture.putpalette([255, 255, 255, 240, 240, 240])
    picture.save(tmp_path / "p.png", transparency=0)
    assert measured(mfn, tmp_path / "p.png")["share_of_cells"] == SHARE


def test_black_on_white_is_measured_with_dark(mfn: Mfn, tmp_path: Path) -> None:
    path = saved(tmp_path / "p.png", np.where(SIERPINSKI, 0, 255).astype(np.uint8))
    assert measured(mfn, path)["share_of_cells"] == 1 - SHARE
    assert measured(mfn, path, "--dark")["dimension"] == pytest.approx(math.log2(3))
    assert "Set are grey levels (0 to 255) below 127.5." in mfn("fractal", path, "--dark").out


def test_the_threshold_is_otsu_s_or_one_s_own(mfn: Mfn, tmp_path: Path) -> None:
    uneven = np.where(SIERPINSKI, 90, 60).astype(np.uint8)
    uneven[0, 1] = 255
    path = saved(tmp_path / "p.png", uneven)
    assert measured(mfn, path)["share_of_cells"] == 1 / 4096
    found = measured(mfn, path, "--threshold", "otsu")
    assert (found["share_of_cells"], found["threshold"]) == (SHARE, 75.0)
    assert measured(mfn, path, "--threshold", "59")["share_of_cells"] == 1.0
    assert "otsu or a finite number; got 'half'" in mfn("fractal", path, "--threshold", "half").err
    assert "give only one of them" in mfn("fractal", path, "--threshold", "3", "--threshold-mv", "-60").err


def test_otsu_splits_two_normal_classes_where_the_textbook_does() -> None:
    random = np.random.default_rng(0)
    levels = np.concatenate([random.normal(50, 10, 5000), random.normal(150, 10, 5000)])
    splits = np.linspace(60, 140, 801)

    def within(split: float) -> float:
        low, high = levels[levels <= split], levels[levels > split]
        return float(low.var() * low.size + high.var() * high.size)

    best = levels <= min(splits.tolist(), key=within)
    np.testing.assert_array_equal(levels <= otsu_threshold(levels), best)


@pytest.mark.parametrize(
    "array",
    [
        255 * SIERPINSKI.astype(np.uint8),
        255.0 * SIERPINSKI,
        np.where(SIERPINSKI, 0.8, 0.1),
        np.where(SIERPINSKI, 40_000, 900).astype(np.uint16),
        np.where(SIERPINSKI, -0.05, -0.07),
        np.where(SIERPINSKI, 1.5, -0.5),
    ],
    ids=["mask 255", "float 255", "unit grey", "16 bits", "volts", "standardised"],
)
def test_an_array_that_is_neither_potential_nor_mask_is_refused_with_the_ways_out(
    mfn: Mfn, tmp_path: Path, array: Any
) -> None:
    np.save(tmp_path / "a.npy", array)
    refused = mfn("fractal", tmp_path / "a.npy")
    assert refused.code == 2
    assert all(way in refused.err for way in ("--threshold-mv", "--threshold otsu", "mask of 0 and 1"))
    assert measured(mfn, tmp_path / "a.npy", "--threshold", "otsu")["share_of_cells"] == SHARE
    assert "--as-mv" in mfn("features", tmp_path / "a.npy").err
    spread = mfn("features", tmp_path / "a.npy", "--min-mv=-95", "--max-mv=40", "--json").json["features"]
    assert spread["f_active"] == SHARE
    assert mfn("features", tmp_path / "a.npy", "--as-mv").code == 0


def test_an_animation_is_no_field(mfn: Mfn, tmp_path: Path) -> None:
    pages = [Image.fromarray(GREY), Image.fromarray(GREY)]
    pages[0].save(tmp_path / "p.tif", save_all=True, append_images=pages[1:])
    assert "holds 2 pictures" in mfn("fractal", tmp_path / "p.tif").err


@pytest.mark.parametrize("boundary", ["periodic", "neumann"])
def test_a_file_s_own_configuration_decides_whether_edges_touch(mfn: Mfn, tmp_path: Path, boundary: str) -> None:
    assert mfn("simulate", "--grid-size", 16, "--steps", 30, "--boundary", boundary, "--out", tmp_path).code == 0
    with np.load(tmp_path / "field.npz") as archive:
        field = archive["field_mv"]
    wraps = boundary == "periodic"
    answer = mfn("features", tmp_path / "field.npz", "--json").json["features"]
    assert answer == package.extract_features(field, periodic=wraps).to_dict()
    assert measured(mfn, tmp_path / "field.npz")["periodic"] is wraps
    assert measured(mfn, tmp_path / "field.npz", "--no-periodic")["periodic"] is False


def test_without_a_configuration_both_commands_have_one_default(mfn: Mfn, tmp_path: Path) -> None:
    field = np.where(np.roll(SIERPINSKI, 13, 0), -50.0, -70.0)
    np.save(tmp_path / "a.npy", field)
    picture = saved(tmp_path / "p.png", GREY)
    assert measured(mfn, tmp_path / "a.npy")["periodic"] is True
    assert measured(mfn, picture)["periodic"] is False
    assert mfn("features", tmp_path / "a.npy", "--json").json["features"] == package.extract_features(field).to_dict()
    same = [mfn("features", picture, "--json", *no).json["features"] for no in ((), ("--no-periodic",))]
    assert same[0] == same[1]
