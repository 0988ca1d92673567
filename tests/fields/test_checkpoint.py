import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import CheckpointError, DivergedError
from tests.fields.helpers import probe, quiet

CONFIG = mfn.SimulationConfig(grid_size=12, steps=10, quantum_jitter=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    simulation = mfn.Simulation(CONFIG)
    simulation.advance(4)
    simulation.save(tmp_path / "checkpoint.npz")
    return tmp_path / "checkpoint.npz"


def rewrite(path: Path, header: dict[str, Any], arrays: dict[str, Any]) -> None:
    """Write a checkpoint again with some of its parts replaced; None removes a part."""
    with np.load(path) as file:
        content = {name: file[name] for name in file.files}
    values = json.loads(str(content["header"])) | header
    content["header"] = np.array(json.dumps({k: v for k, v in values.items() if v is not None}))
    content.update(arrays)
    kept: dict[str, Any] = {name: array for name, array in content.items() if array is not None}
    np.savez(path, **kept)


def test_a_checkpoint_is_one_small_file(path: Path) -> None:
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.npz"]
    assert path.stat().st_size < 3 * 12 * 12 * 8 + 14_000


def test_saving_again_replaces_the_file_as_a_whole(path: Path) -> None:
    simulation = mfn.Simulation.load(path)
    simulation.advance(1)
    simulation.save(path)
    assert mfn.Simulation.load(path).step == 5
    assert len(list(path.parent.iterdir())) == 1


def test_saving_does_not_disturb_the_run(path: Path) -> None:
    simulation = mfn.Simulation(CONFIG)
    for _ in range(10):
        simulation.save(path)
        simulation.advance(1)
    assert simulation.result.digest == mfn.simulate(CONFIG).digest


def test_saving_where_nothing_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no directory to write checkpoint"):
        mfn.Simulation(CONFIG).save(tmp_path / "nowhere" / "checkpoint.npz")
    (tmp_path / "directory").mkdir()
    with pytest.raises(OSError, match="directory"):
        mfn.Simulation(CONFIG).save(tmp_path / "directory")
    assert [file.name for file in tmp_path.iterdir()] == ["directory"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*missing\.npz"):
        mfn.Simulation.load(tmp_path / "missing.npz")


def test_a_directory_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="must be a regular file"):
        mfn.Simulation.load(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        mfn.Simulation.load(path)


@pytest.mark.parametrize("seed", range(10))
def test_flipped_bytes_are_refused_or_harmless(path: Path, seed: int) -> None:
    data, generator = bytearray(path.read_bytes()), np.random.default_rng(seed)
    for place in generator.integers(len(data), size=40):
        data[place] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        mfn.Simulation.load(path)


def test_pickled_objects_are_never_opened(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        mfn.Simulation.load(path)


def test_arrays_of_objects_are_never_opened(path: Path) -> None:
    rewrite(path, {}, {"a": np.array([[print]], dtype=object)})
    with pytest.raises(CheckpointError, match=r"not a readable checkpoint: .*Python objects"):
        mfn.Simulation.load(path)


def test_other_files_of_numpy_are_refused(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        mfn.Simulation.load(path)


def test_compressed_files_are_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.npy", bytes(10_000_000))
    with pytest.raises(CheckpointError, match="it is compressed"):
        mfn.Simulation.load(path)


def test_a_diverged_field_can_be_saved_and_is_still_diverged(tmp_path: Path) -> None:
    values = {"square": 0.5}
    simulation = mfn.Simulation(quiet(grid_size=8, kinetics=probe().name, kinetics_parameters=values))
    with pytest.raises(DivergedError, match="kinetics 'probe'"):
        simulation.advance(100)
    simulation.save(tmp_path / "diverged.npz")
    with pytest.raises(DivergedError, match=f"at step {simulation.step}"):
        mfn.Simulation.load(tmp_path / "diverged.npz").advance(1)


def test_other_archives_are_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", "no array")
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        mfn.Simulation.load(path)


@pytest.mark.parametrize("version", [0, 1, 3, "2", [2]])
def test_other_formats_are_refused_with_the_version_that_wrote_them(path: Path, version: Any) -> None:
    rewrite(path, {"format": version, "version": "9.9.9"}, {})
    with pytest.raises(CheckpointError, match=r"has checkpoint format .* the version that wrote it \(9\.9\.9\)"):
        mfn.Simulation.load(path)


@pytest.mark.parametrize(
    "arrays",
    [
        {"a": np.zeros((11, 12))},
        {"h": np.zeros(144)},
        {"v": np.zeros((12, 12), np.float32)},
        {"v": np.zeros((12, 12), complex)},
        {"a": np.full((12, 12), np.nan)},
        {"v": None},
        {"header": np.array("no JSON")},
        {"header": np.array("[1, 2]")},
        {"header": np.array("[" * 100_000)},
        {"header": np.zeros(3)},
        {"statistics": np.zeros((3, 5))},
        {"statistics": np.zeros((4, 5), np.int64)},
    ],
    ids=lambda arrays: "-".join(f"{name} {getattr(x, 'shape', '')}" for name, x in arrays.items()),
)
def test_wrong_arrays_are_refused(path: Path, arrays: dict[str, Any]) -> None:
    rewrite(path, {}, arrays)
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        mfn.Simulation.load(path)


@pytest.mark.parametrize(
    "header",
    [
        {"config": None},
        {"config": {"grid_size": -1}},
        {"config": {**CONFIG.model_dump(mode="json"), "grid_size": 13}},
        {"config": {**CONFIG.model_dump(mode="json"), "alpha": 1.0}},
        {"step": -1},
        {"step": 4.0},
        {"step": "4"},
        {"step": True},
        {"step": 10**30},
        {"step": None},
        {"counters": [1, 2, 3]},
        {"counters": [1, 2, 3, -4]},
        {"counters": [1, 2, 3, 2**70]},
        {"counters": ["1", "2", "3", "4"]},
        {"counters": {}},
        {"streams": {}},
        {"streams": {"sites": 1}},
        {"streams": None},
        {"format": None},
    ],
    ids=lambda header: json.dumps(header)[:40],
)
def test_wrong_headers_are_refused(path: Path, header: dict[str, Any]) -> None:
    rewrite(path, header, {})
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        mfn.Simulation.load(path)


def test_a_generator_of_another_kind_is_refused(path: Path) -> None:
    streams = {name: {"bit_generator": "SFC64"} for name in ("start", "sites", "amplitudes", "jitter")}
    rewrite(path, {"streams": streams}, {})
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        mfn.Simulation.load(path)
