import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.visualization import (
    box_counting_figure,
    dispersion_figure,
    field_figure,
    save_figure,
)

RAMP = np.linspace(-80.0, -40.0, 48).reshape(6, 8)


def test_a_field_is_drawn_with_its_scale_in_millivolts() -> None:
    figure = field_figure(RAMP, title="a ramp")
    axes, scale = figure.axes
    assert axes.get_title() == "a ramp"
    assert scale.get_ylabel() == "membrane potential (mV)"
    assert axes.images[0].get_clim() == (-80.0, -40.0)
    np.testing.assert_array_equal(axes.images[0].get_array(), RAMP)


def test_the_colour_map_is_uniform_in_lightness() -> None:
    colours = field_figure(RAMP).axes[0].images[0].get_cmap()(np.linspace(0, 1, 64))[:, :3]
    lightness = colours @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > 0).all()


def test_limits_can_be_given_and_a_flat_field_gets_some() -> None:
    assert field_figure(RAMP, limits_mv=(-95, 40)).axes[0].images[0].get_clim() == (-95, 40)
    assert field_figure(np.full((4, 4), -70.0)).axes[0].images[0].get_clim() == (-70.5, -69.5)


def test_drawing_touches_nothing_global() -> None:
    loaded_before = "matplotlib.pyplot" in sys.modules
    field_figure(RAMP).canvas.draw()
    assert ("matplotlib.pyplot" in sys.modules) == loaded_before


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_ending_chooses_the_format(tmp_path: Path, ending: str) -> None:
    path = save_figure(field_figure(RAMP), tmp_path / f"x.{ending}")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert path.read_bytes().startswith(start)


def test_resolution_scales_the_picture(tmp_path: Path) -> None:
    path = save_figure(field_figure(RAMP), tmp_path / "x.png", dots_per_inch=50)
    with Image.open(path) as picture:
        assert picture.size == (320, 270)


@pytest.mark.parametrize(
    ("field", "limits", "why"),
    [
        (np.zeros(4), None, r"2 dimensions; got float64 with shape \(4,\)"),
        (np.zeros((0, 4)), None, "non-empty"),
        (np.full((2, 2), np.nan), None, "holds NaN or infinity"),
        (np.full((2, 2), np.inf), None, "holds NaN or infinity"),
        (np.zeros((2, 2), dtype=complex), None, "real numbers"),
        (np.array([["a"]]), None, "real numbers"),
        (RAMP, (1.0, 1.0), "low < high; got"),
        (RAMP, (float("nan"), 1.0), "low < high; got"),
    ],
)
def test_fields_that_cannot_be_drawn_are_refused(field: Any, limits: Any, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        field_figure(field, limits_mv=limits)


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"must end in one of .*png.*; got 'x.docx'"):
        save_figure(field_figure(RAMP), tmp_path / "x.docx")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"mycelium-fractal-net\[visualization\]"):
        field_figure(RAMP)


def test_the_fit_goes_through_the_counts_of_a_carpet() -> None:
    full = mfn.box_counting_dimension(np.ones((64, 64), dtype=bool))
    points, line = box_counting_figure(full, title="full").axes[0].lines
    assert np.asarray(line.get_ydata()) == pytest.approx(np.asarray(points.get_ydata()), rel=1e-9)


def test_the_verdict_and_the_local_slopes_are_shown() -> None:
    stripes = np.zeros((64, 64), dtype=bool)
    stripes[::8] = True
    counting = mfn.box_counting_dimension(stripes)
    slopes = box_counting_figure(counting).axes[1]
    assert slopes.get_title() == f"verdict: {counting.verdict}"
    np.testing.assert_array_equal(slopes.lines[0].get_ydata(), counting.local_slopes)


def test_a_fit_without_points_is_refused() -> None:
    empty = mfn.box_counting_dimension(np.zeros((16, 16), dtype=bool))
    with pytest.raises(InvalidInputError, match="the verdict is 'empty'"):
        box_counting_figure(empty)


def test_the_dispersion_curve_has_its_maximum_at_the_reported_wavelength() -> None:
    report = mfn.linear_stability("mycelium")
    curve = dispersion_figure(report).axes[0].lines[1]
    fastest = np.asarray(curve.get_xdata())[np.argmax(curve.get_ydata())]
    assert 2 * np.pi / fastest == pytest.approx(report.wavelength_cells, rel=0.01)


@pytest.mark.parametrize(
    ("kinetics", "title", "bands"), [("mycelium", "fastest wavelength 9.22", 1), ("classic", "not Turing", 0)]
)
def test_the_growing_band_is_marked_where_there_is_one(kinetics: str, title: str, bands: int) -> None:
    axes = dispersion_figure(mfn.linear_stability(kinetics)).axes[0]
    assert title in axes.get_title()
    assert len(axes.patches) == bands


def test_a_title_of_one_s_own_replaces_the_default() -> None:
    assert dispersion_figure(mfn.linear_stability("mycelium"), title="x").axes[0].get_title() == "x"
