"""Results as pictures, tables, files and other libraries' types."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError, MissingExtraError
from mycelium_fractal_net.fields.variables import physical_limits

FIELDS = ["v", "activator", "inhibitor"]


@pytest.fixture(scope="module")
def result() -> mfn.SimulationResult:
    return mfn.simulate(mfn.SimulationConfig(domain=(16, 24), steps=12, seed=5), sets=("core", "activator"))


@pytest.mark.parametrize("field", FIELDS)
def test_a_plot_shows_the_field_asked_for_on_the_scale_of_its_physics(result: Any, field: str) -> None:
    figure = result.plot(field)
    image = figure.axes[0].images[0]
    assert np.array_equal(image.get_array(), getattr(result, "field_mv" if field == "v" else field))
    assert image.get_clim() == physical_limits(result.config, field)
    labels = {"v": "membrane potential (mV)", "activator": "activator (dimensionless)"}
    assert figure.axes[1].get_ylabel() == labels.get(field, "inhibitor (dimensionless)")
    assert result.plot(field, limits=(-3.0, 7.0)).axes[0].images[0].get_clim() == (-3.0, 7.0)


def test_each_field_has_one_colour_map_of_its_own(result: Any) -> None:
    maps = {field: result.plot(field).axes[0].images[0].get_cmap().name for field in FIELDS}
    assert len(set(maps.values())) == 3
    assert (
        mfn.visualization.field_figure(result.activator, field="activator").axes[0].images[0].get_cmap().name
        == (maps["activator"])
    )


def test_an_unknown_field_is_refused_with_the_known_ones(result: Any) -> None:
    with pytest.raises(InvalidInputError, match="field must be one of v, activator, inhibitor; got 'w'"):
        result.plot("w")
    with pytest.raises(InvalidInputError, match="field must be one of"):
        mfn.simulate_history(result.config, field="w")


def test_notebooks_show_pictures_and_tables(result: Any) -> None:
    page = result._repr_html_()
    assert "data:image/png;base64," in page
    assert "16 x 24 cells" in page
    assert "<th>V_min</th>" in result.features._repr_html_()
    report = mfn.linear_stability("mycelium")._repr_html_()
    assert "data:image/png;base64," in report
    assert "Turing-unstable" in report


def test_without_matplotlib_notebooks_show_tables(result: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    page = result._repr_html_()
    assert "<img" not in page
    assert "16 x 24 cells" in page
    with pytest.raises(MissingExtraError, match="visualization"):
        result.plot()


def test_a_repr_fits_on_a_line(result: Any) -> None:
    assert repr(result) == (
        f"SimulationResult(step=12, shape=(16, 24), kinetics='mycelium', seed=5, growth_events={result.growth_events})"
    )
    assert len(repr(mfn.linear_stability("mycelium"))) < 120


def test_a_saved_result_comes_back_as_it_was(result: Any, tmp_path: Path) -> None:
    path = tmp_path / "result.npz"
    result.save(path)
    again = mfn.SimulationResult.load(path)
    assert again.digest == result.digest
    assert (again.config, again.sets, again.feature_config) == (result.config, result.sets, result.feature_config)
    assert again.features == result.features
    with np.load(path) as arrays:
        assert np.array_equal(arrays["field_mv"], result.field_mv)


def _damaged(path: Path, change: Any) -> Path:
    with np.load(path) as file:
        members: dict[str, Any] = dict(file)
    header = json.loads(str(members["result"]))
    change(header, members)
    np.savez(path, **{**members, "result": np.array(json.dumps(header))})
    return path


def test_what_is_no_result_is_refused(result: Any, tmp_path: Path) -> None:
    path = tmp_path / "result.npz"
    result.save(path)
    other_shape = _damaged(path, lambda header, members: members.update(activator=np.zeros((3, 3))))
    with pytest.raises(InvalidInputError, match=r"is not the result of a simulation: activator is \(3, 3\)"):
        mfn.SimulationResult.load(other_shape)
    result.save(path)
    other_kinetics = _damaged(path, lambda header, members: header.update(kinetics="0"))
    with pytest.raises(InvalidInputError, match="differs from the one registered here"):
        mfn.SimulationResult.load(other_kinetics)
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(InvalidInputError, match="is not the result"):
        mfn.SimulationResult.load(path)


def test_other_libraries_get_names_and_units(result: Any) -> None:
    data = result.to_xarray()
    assert dict(data.sizes) == {"row": 16, "column": 24}
    assert data.activator.attrs == {"units": "1", "long_name": "activator"}
    assert mfn.SimulationConfig.model_validate_json(data.attrs["config"]) == result.config
    series = result.to_series()
    assert list(series.index) == list(result.features.names)
    assert series["V_min"] == result.features.V_min


@pytest.mark.parametrize(("method", "package"), [("to_xarray", "xarray"), ("to_series", "pandas")])
def test_a_missing_library_is_named(result: Any, method: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package} is not installed.*\[frames\]"):
        getattr(result, method)()


@pytest.mark.parametrize("field", FIELDS)
def test_a_history_of_any_field_ends_with_the_result(field: str) -> None:
    config = mfn.SimulationConfig(grid_size=16, steps=7)
    history = mfn.simulate_history(config, every=3, field=field)
    end = mfn.simulate(config)
    assert history.shape == (4, 16, 16)
    assert np.array_equal(history[-1], getattr(end, "field_mv" if field == "v" else field))


@pytest.mark.parametrize("limits", [(2, 0), (0, np.nan), "x", (1,), ("a", 1), 5])
def test_a_scale_has_two_ends_in_order(limits: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"must be \(low, high\) with low < high"):
        mfn.simulate(mfn.SimulationConfig(grid_size=8, steps=1)).plot("activator", limits=limits)


def test_a_missing_directory_is_named_when_a_result_is_saved(tmp_path: Path) -> None:
    result = mfn.simulate(mfn.SimulationConfig(grid_size=8, steps=1))
    with pytest.raises(FileNotFoundError, match=r"no directory to write run.npz to; make it first: '.*absent'"):
        result.save(tmp_path / "absent" / "run.npz")
