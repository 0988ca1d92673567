import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.datasets import load_scenario
from mycelium_fractal_net.datasets.sampling import rows_of
from mycelium_fractal_net.errors import ConfigurationError
from tests.fields.helpers import probe

TINY = {
    "name": "tiny",
    "samples": 6,
    "base": {"grid_size": 16, "steps": 8},
    "sweep": {"alpha": {"min": 0.1, "max": 0.2}},
}
MFN = [str(Path(sys.executable).parent / "mfn")]


def rows_in(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def stop_at(row: int) -> Callable[[int, int], None]:
    def progress(done: int, _rows: int) -> None:
        if done == row:
            raise InterruptedError("enough")

    return progress


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(TINY))
    return path


def test_a_row_holds_what_the_simulation_gives(tmp_path: Path) -> None:
    mfn.generate_dataset(TINY, tmp_path / "tiny.parquet")
    for row, config in zip(rows_in(tmp_path / "tiny.parquet"), rows_of(load_scenario(TINY)), strict=True):
        result = mfn.simulate(config)
        assert {name: row[name] for name in mfn.FEATURE_NAMES} == result.features.to_dict()
        assert (row["random_seed"], row["alpha"]) == (config.seed, config.alpha)
        assert row["growth_events"] == result.growth_events
        assert row["turing_activations"] == result.turing_activations
        assert (row["clamping_events"], row["error"]) == (result.clamping_events, None)


def test_columns_types_and_metadata_are_as_promised(tmp_path: Path) -> None:
    sweep = {
        **TINY,
        "samples": 2,
        "sweep": {"bias": [0.01], "boundary": ["periodic"], "grid_size": [16], "quantum_jitter": [True]},
    }
    mfn.generate_dataset(sweep, tmp_path / "d.parquet")
    schema = pq.read_schema(tmp_path / "d.parquet")
    fixed = ["sim_id", "scenario_name", "grid_size", "steps", "alpha", "turing_enabled", "random_seed"]
    swept = ["bias", "boundary", "quantum_jitter"]
    counters = ["growth_events", "turing_activations", "clamping_events", "error"]
    assert schema.names == [*fixed, *swept, *mfn.FEATURE_NAMES, *counters]
    assert [str(schema.field(name).type) for name in (*fixed, *swept)] == [
        "int64", "string", "int64", "int64", "double", "bool", "int64", "double", "string", "bool",
    ]  # fmt: skip
    assert json.loads(schema.metadata[b"mfn.feature_units"]) == dict(mfn.FEATURE_UNITS)
    assert json.loads(schema.metadata[b"mfn.scenario"])["name"] == "tiny"
    assert schema.field("V_mean").metadata == {b"unit": b"mV", b"role": b"feature"}


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_rows_do_not_depend_on_the_threads(tmp_path: Path, threads: int) -> None:
    for name, count in (("one", 1), ("many", threads)):
        mfn.generate_dataset(TINY, tmp_path / name, threads=count)
    assert rows_in(tmp_path / "one") == rows_in(tmp_path / "many")


def test_progress_counts_every_row(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    mfn.generate_dataset(TINY, tmp_path / "d", progress=lambda done, rows: seen.append((done, rows)))
    assert seen == [(done, 6) for done in range(7)]


def test_a_field_that_diverges_becomes_a_row_that_says_so(tmp_path: Path) -> None:
    sweep = {
        "base": {"kinetics": probe().name, "grid_size": 16, "steps": 200},
        "sweep": {"square": [0.0, 0.5]},
        "method": "grid",
    }
    summary = mfn.generate_dataset(sweep, tmp_path / "d")
    calm, wild = rows_in(tmp_path / "d")
    assert (summary.rows, summary.failed) == (2, 1)
    assert calm["error"] is None
    assert "is no longer finite" in wild["error"]
    assert wild["D_box"] is None


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    target = tmp_path / "d"
    with pytest.raises(InterruptedError, match="enough"):
        mfn.generate_dataset(TINY, target, threads=1, progress=stop_at(3))
    with pytest.raises(ConfigurationError, match="holds rows of an interrupted run"):
        mfn.generate_dataset(TINY, target)
    assert mfn.generate_dataset(TINY, target, resume=True).computed == 3
    mfn.generate_dataset(TINY, tmp_path / "whole")
    assert target.read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_torn_line_of_the_journal_is_dropped(tmp_path: Path) -> None:
    target, journal = tmp_path / "d", tmp_path / "d.journal"
    with pytest.raises(InterruptedError, match="enough"):
        mfn.generate_dataset(TINY, target, threads=1, progress=stop_at(4))
    journal.write_bytes(journal.read_bytes()[:-20])
    assert mfn.generate_dataset(TINY, target, resume=True).computed == 3
    assert [row["sim_id"] for row in rows_in(target)] == list(range(6))
    assert not journal.exists()


def test_a_journal_of_another_scenario_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InterruptedError, match="enough"):
        mfn.generate_dataset(TINY, tmp_path / "d", progress=stop_at(1))
    with pytest.raises(ConfigurationError, match="holds rows of another scenario"):
        mfn.generate_dataset({**TINY, "seed": 5}, tmp_path / "d", resume=True)


def test_a_finished_file_is_left_alone(tmp_path: Path) -> None:
    mfn.generate_dataset(TINY, tmp_path / "d")
    before = (tmp_path / "d").stat().st_mtime_ns
    assert mfn.generate_dataset(TINY, tmp_path / "d", resume=True).computed == 0
    assert (tmp_path / "d").stat().st_mtime_ns == before
    with pytest.raises(ConfigurationError, match="already exists"):
        mfn.generate_dataset(TINY, tmp_path / "d")
    with pytest.raises(ConfigurationError, match="holds another scenario"):
        mfn.generate_dataset({**TINY, "samples": 7}, tmp_path / "d", resume=True)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ConfigurationError, match="is not a Parquet file"):
        mfn.generate_dataset(TINY, tmp_path / "text", resume=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "spark"}, "engine must be one of local, dask"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "needs engine='dask'"),
        ({"threads": 0}, "threads must be a whole number >= 1"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        mfn.generate_dataset(TINY, tmp_path / "d", **options)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no directory"):
        mfn.generate_dataset(TINY, tmp_path / "missing" / "d")


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_every_row_once(tmp_path: Path) -> None:
    scenario = tmp_path / "slow.json"
    scenario.write_text(json.dumps({**TINY, "samples": 16, "base": {"grid_size": 128, "steps": 150}}))
    target, journal = tmp_path / "d.parquet", tmp_path / "d.parquet.journal"
    command = [*MFN, "dataset", "--scenario", str(scenario), "--out", str(target), "--resume", "--threads", "2"]
    kept = 0
    for _ in range(2):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for_lines(journal, kept + 3, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=600)
        kept = journal.read_bytes().count(b"\n")
    assert not target.exists()
    summary = json.loads(subprocess.run([*command, "--json"], capture_output=True, check=True, timeout=600).stdout)
    assert summary["computed"] == 16 - (kept - 1)
    assert [row["sim_id"] for row in rows_in(target)] == list(range(16))
    mfn.generate_dataset(scenario, tmp_path / "whole")
    assert rows_in(target) == rows_in(tmp_path / "whole")


def _wait_for_lines(path: Path, lines: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(6000):
        if path.exists() and path.read_bytes().count(b"\n") >= lines:
            return
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)
    pytest.fail("the run made no progress")


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_dask_gives_the_same_rows(tmp_path: Path, scheduler: str) -> None:
    mfn.generate_dataset(TINY, tmp_path / "dask", engine="dask", scheduler=scheduler)
    mfn.generate_dataset(TINY, tmp_path / "local")
    assert (tmp_path / "dask").read_bytes() == (tmp_path / "local").read_bytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_local_dask_cluster_is_made_when_none_is_named(tmp_path: Path) -> None:
    assert mfn.generate_dataset(TINY, tmp_path / "d", engine="dask", threads=1).rows == 6


@pytest.mark.parametrize("address", ["nonsense://x", "tcp://127.0.0.1:1"])
@pytest.mark.filterwarnings("default")
def test_a_scheduler_that_does_not_answer_is_named(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mycelium_fractal_net.datasets._engines.CONNECT_TIMEOUT", "2s")
    with pytest.raises(ConfigurationError, match="no Dask scheduler answers at"):
        mfn.generate_dataset(TINY, tmp_path / "d", engine="dask", scheduler=address)


@pytest.mark.slow
def test_the_command_says_what_it_wrote(tmp_path: Path, tiny: Path) -> None:
    command = [*MFN, "dataset", "--scenario", str(tiny), "--out", str(tmp_path / "d")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    assert "6 rows, 6 of them computed now" in done.stdout
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert again.returncode == 2
    assert "already exists" in again.stderr


def test_the_stencil_is_swept_and_a_start_that_needs_arrays_is_refused(tmp_path: Path) -> None:
    scenario = {"method": "grid", "base": {"grid_size": 8, "steps": 2}, "sweep": {"stencil": [5, 9]}}
    mfn.generate_dataset(scenario, tmp_path / "rows.parquet")
    assert pq.read_table(tmp_path / "rows.parquet")["stencil"].to_pylist() == [5, 9]
    swept = {**scenario, "sweep": {"start": ["noise", "array"]}}
    with pytest.raises(ConfigurationError, match=r"row 1 .* start = 'array' needs arrays"):
        mfn.generate_dataset(swept, tmp_path / "array.parquet")
    assert not list(tmp_path.glob("array*"))
