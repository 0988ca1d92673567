"""``mfn scan``: a grid of two parameters, its maps and its table."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

import mycelium_fractal_net as package
from mycelium_fractal_net.datasets import ScanAxis, parse_scan_axis, scan
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import MORPHOLOGY_NAMES
from mycelium_fractal_net.visualization import category_map_figure, number_map_figure, picture_map_figure
from tests.cli.conftest import Mfn

OPTIONS = ["--grid-size", "24", "--steps", "60", "--seed", "3", "--x", "bias=-.05:.04:2", "--y", "D_h=0.1:2:2"]


def test_a_scan_writes_table_fields_and_maps(mfn: Mfn, tmp_path: Path) -> None:
    answer = mfn("scan", *OPTIONS, "--map", "V_std", "--out", str(tmp_path), "--json").json
    names = {Path(path).name for path in answer["files"]}
    assert names == {
        "scan.parquet", "scan.csv", "pictures.png", "settled_wavelength.png", "predicted_wavelength.png",
        "growth_rate.png", "V_std.png", "morphology.png",
    }  # fmt: skip
    with Image.open(tmp_path / "pictures.png") as picture:
        assert len(set(picture.convert("RGB").resize((64, 64)).getdata())) > 16
    with (tmp_path / "scan.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    places = [(float(row["bias"]), float(row["D_h"])) for row in rows]
    assert places == [(-0.05, 0.1), (0.04, 0.1), (-0.05, 2), (0.04, 2)]
    assert [row["turing_unstable"] for row in rows] == ["0", "0", "1", "1"]
    assert {row["morphology"] for row in rows} <= set(MORPHOLOGY_NAMES)
    assert rows[0]["morphology"] == "uniform"
    table = {(row["bias"], row["D_h"]): row for row in parquet.read_table(tmp_path / "scan.parquet").to_pylist()}
    seed, rates = table[0.04, 2.0]["random_seed"], {"bias": 0.04, "D_h": 2.0}
    config = package.SimulationConfig(grid_size=24, steps=60, seed=seed, kinetics_parameters=rates)
    assert float(rows[3]["V_std"]) == pytest.approx(package.simulate(config).features.V_std, rel=1e-8)
    predicted = package.linear_stability("mycelium", bias=0.04).wavelength_lattice_cells
    assert float(rows[3]["predicted_wavelength"]) == pytest.approx(predicted, rel=1e-8)
    assert (rows[0]["predicted_wavelength"], rows[0]["settled_wavelength"]) == ("", "")


def test_a_scan_holds_the_field_asked_for_at_its_place(tmp_path: Path) -> None:
    base = {"steps": 8, "domain": (12, 16)}
    found = scan(ScanAxis("alpha", (0.1, 0.2)), ScanAxis("bias", (0.0,)), tmp_path, base, show="v")
    table = {row["alpha"]: row for row in parquet.read_table(tmp_path / "scan.parquet").to_pylist()}
    config = package.SimulationConfig(steps=8, domain=(12, 16), alpha=0.2, seed=table[0.2]["random_seed"])
    assert np.array_equal(found.pictures[0, 1], package.simulate(config).field_mv)
    assert found.columns["turing_unstable"].tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("text", ["bias", "bias=1", "bias=0:1", "bias=0:1:0", "=0:1:3", "bias=0:inf:3", "bias=0:1:257"])
def test_an_axis_has_one_form(text: str) -> None:
    with pytest.raises(InvalidInputError, match="NAME=FIRST:LAST:COUNT"):
        parse_scan_axis(text)


def test_what_is_no_scan_is_refused(mfn: Mfn, tmp_path: Path) -> None:
    axis = parse_scan_axis("bias=0:1:2")
    with pytest.raises(InvalidInputError, match="two parameters; got 'bias' twice"):
        scan(axis, axis, tmp_path)
    with pytest.raises(InvalidInputError, match="pictures must be"):
        picture_map_figure(np.zeros((2, 2)), axis, axis, limits=(0, 1))
    options = ["--grid-size", "8", "--steps", "1", "--x", "bias=0:0:1", "--y", "alpha=.1:.1:1", "--map", "spice"]
    outcome = mfn("scan", *options, "--out", str(tmp_path))
    assert outcome.code == 2
    assert "a map must be of a column; 'spice' is not one of" in outcome.err
    assert not (tmp_path / "scan.parquet").exists()
    with pytest.raises(InvalidInputError, match="has a value twice"):
        scan(parse_scan_axis("bias=0:0:2"), ScanAxis("beta", (1.0,)), tmp_path)
    with pytest.raises(InvalidInputError, match="grid_size cannot be an axis"):
        scan(parse_scan_axis("grid_size=16:32:2"), ScanAxis("beta", (1.0,)), tmp_path)


def test_whole_numbers_and_prefixed_names_are_axes_too(tmp_path: Path) -> None:
    x, y = parse_scan_axis("resolution=1:2:2"), parse_scan_axis("kinetics.bias=-.05:.04:2")
    found = scan(x, y, tmp_path, {"grid_size": 16, "steps": 4})
    predicted = found.columns["predicted_wavelength"][1]
    fine = package.SimulationConfig(resolution=2, kinetics_parameters={"bias": 0.04}).lattice_parameters
    coarse = package.linear_stability("mycelium", bias=0.04).wavelength_lattice_cells
    assert predicted.tolist() == [coarse, package.linear_stability("mycelium", **fine).wavelength_lattice_cells]
    assert (found.x.name, found.y.name) == ("resolution", "bias")


def test_a_first_run_that_diverges_takes_no_column_from_the_others(tmp_path: Path) -> None:
    found = scan(ScanAxis("r_a", (60.0, 0.25)), ScanAxis("beta", (1.1,)), tmp_path, {"grid_size": 16, "steps": 30})
    assert np.isnan(found.columns["V_std"][0]).tolist() == [True, False]


def test_a_scan_takes_sets_and_thresholds_from_a_file(mfn: Mfn, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("features: {sets: [events], active_threshold_mv: -71}\ngrid_size: 16\nsteps: 4\n", encoding="utf-8")
    axes = ["--x", "bias=0:0:1", "--y", "beta=1:1:1", "--map", "drift"]
    assert mfn("scan", "--config", str(file), *axes, "--out", str(tmp_path)).code == 0
    names = parquet.read_schema(tmp_path / "scan.parquet").names
    assert "drift" in names
    assert "V_std" not in names


def test_each_name_has_its_colour_whatever_the_map_holds() -> None:
    x, y = ScanAxis("a", (0.0, 1.0)), ScanAxis("b", (0.0,))
    maps = [category_map_figure(names, ("uniform", "spots"), x, y) for names in ([["spots", ""]], [["", "uniform"]])]
    shown = [
        np.asarray(image.to_rgba(np.ma.asarray(image.get_array()))) for image in (m.axes[0].images[0] for m in maps)
    ]
    colours = [patch.get_facecolor() for patch in maps[0].legends[0].get_patches()]
    assert np.allclose(shown[0][0, 0], colours[1])
    assert shown[0][0, 1][3] == 0
    assert np.allclose(shown[1][0, 1], colours[0])


def test_the_border_of_the_prediction_is_drawn_where_it_lies() -> None:
    x, y = ScanAxis("a", (0.0, 1.0)), ScanAxis("b", (0.0, 1.0))
    figure = number_map_figure(np.eye(2), x, y, label="n", unstable=[[0, 1], [0, 1]])
    lines = [np.asarray(line.get_xdata()).tolist() for line in figure.axes[0].lines]
    assert lines == [[0.5, 0.5], [0.5, 0.5]]
