"""What users of neighbouring software met: types of columns, other models, second starts, interruptions."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.datasets import load_scenario
from mycelium_fractal_net.datasets.sampling import rows_of
from mycelium_fractal_net.errors import CancelledError, CheckpointError, ConfigurationError

BASE = {"grid_size": 8, "steps": 2}
OPEN = {"min": 0, "max": 1}


def table(tmp_path: Path, **scenario: Any) -> Any:
    mfn.generate_dataset({"base": BASE, **scenario}, tmp_path / "d.parquet", threads=1)
    return pq.read_table(tmp_path / "d.parquet")


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("spike_probability", OPEN),
        ("beta", {"min": 1, "max": 3}),
        ("alpha", {"min": 0.1, "max": 0.2}),
        ("leak", {"min": 1, "max": 2, "scale": "log"}),
        ("turing_drive_mv", {"min": -5, "max": 5}),
    ],
)
def test_a_range_of_a_real_field_gives_real_numbers(tmp_path: Path, name: str, spec: dict[str, Any]) -> None:
    base = {**BASE, "alpha": 0.0} if name == "leak" else BASE
    found = table(tmp_path, base=base, samples=6, sweep={name: spec}).column(name)
    assert str(found.type) == "double"
    assert len({value % 1 for value in found.to_pylist()}) == 6


def test_a_range_of_a_whole_field_gives_whole_numbers(tmp_path: Path) -> None:
    found = table(tmp_path, samples=8, sweep={"steps": {"min": 1, "max": 9}}).column("steps")
    assert (str(found.type), found.to_pylist() != [2] * 8) == ("int64", True)
    with pytest.raises(ConfigurationError, match=r"sweep.steps takes whole numbers"):
        load_scenario({"sweep": {"steps": {"min": 1.5, "max": 9}}})


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("clamp_mv", [[-95, 40], [-240, 40.5]], "fixed_size_list<element: double not null>[2]"),
        ("boundary", ["neumann", "periodic"], "string"),
        ("dtype", ["float32", "float64"], "string"),
        ("quantum_jitter", [True, False], "bool"),
        ("kinetics", ["mycelium", "schnakenberg"], "string"),
        ("alpha", [0, 0.1], "double"),
        ("bias", [0, 0.01], "double"),
        ("grid_size", [8, 12], "int64"),
        ("start", ["noise", "front"], "string"),
    ],
)
def test_every_field_can_be_swept(tmp_path: Path, name: str, values: list[Any], kind: str) -> None:
    found = table(tmp_path, method="grid", sweep={name: values}).column(name)
    assert str(found.type) == kind
    assert found.to_pylist() == values


@pytest.mark.parametrize(
    ("sweep", "why"),
    [
        ({"clamp_mv": [[-95, 40], [50, 40]]}, "row 1 .* cannot be simulated: clamp_mv must be"),
        ({"clamp_mv": {"min": 1, "max": 2}}, "sweep.clamp_mv takes a list of values"),
        ({"boundary": ["periodic", 3]}, "sweep.boundary takes text, got 3"),
        ({"turing_enabled": [1, 0]}, "sweep.turing_enabled takes true and false, got 1"),
        ({"steps": [1.5]}, "sweep.steps must be a whole number"),
        ({"alpha": ["x"]}, "sweep.alpha must be a finite number"),
        ({"alhpa": [0.1]}, "did you mean 'alpha'"),
        ({"alpha": [0.1], "config.alpha": [0.2]}, "sweep.config.alpha is alpha again, which is swept already"),
        ({"clamp_mv": [[-95, 40, 3]]}, r"clamp_mv must hold at most 2 items; got \(-95, 40, 3\)"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_the_first_row(tmp_path: Path, sweep: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        table(tmp_path, method="grid" if "min" not in str(sweep) else "random", sweep=sweep)
    assert list(tmp_path.iterdir()) == []


def twofold(gain: float = 0.1) -> Any:
    @mfn.kinetics("twofold", diffusion=(0.05, 1.0), steady_guess=(0.0, 0.0))
    def model(a: Any, h: Any, alpha: float = 0.3, V_mean: float = 0.5, gain: float = gain) -> Any:
        return -alpha * a * gain, V_mean * (a - h)

    return model


def test_a_parameter_called_like_a_field_is_swept_when_it_is_meant(tmp_path: Path) -> None:
    twofold()
    base = {**BASE, "kinetics": "twofold"}
    with pytest.raises(ConfigurationError, match=r"means two things: write kinetics\.alpha .*or config\.alpha"):
        load_scenario({"base": base, "sweep": {"alpha": [0.1]}})
    with pytest.raises(ConfigurationError, match=r"means two things: write kinetics\.V_mean"):
        load_scenario({"base": base, "sweep": {"V_mean": [0.1]}})
    sweep = {"kinetics.alpha": [0.4, 0.5], "kinetics.V_mean": [0.6], "config.alpha": [0.1], "kinetics.gain": [0.2]}
    found = table(tmp_path, base=base, method="grid", sweep=sweep)
    assert found.column("kinetics.alpha").to_pylist() == [0.4, 0.5]
    assert (found.column("alpha").to_pylist(), found.column("gain").to_pylist()) == ([0.1, 0.1], [0.2, 0.2])
    config = rows_of(load_scenario({"base": base, "method": "grid", "sweep": sweep}))[1]
    assert (config.alpha, config.complete_parameters["alpha"]) == (0.1, 0.5)


def interrupted(target: Path, scenario: dict[str, Any], rows: int = 2) -> None:
    def stop(done: int, _rows: int) -> None:
        if done == rows:
            raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        mfn.generate_dataset(scenario, target, threads=1, progress=stop)


def test_a_journal_of_another_model_is_not_gone_on_with(tmp_path: Path) -> None:
    twofold(0.1)
    scenario = {"samples": 4, "base": {**BASE, "kinetics": "twofold"}}
    interrupted(tmp_path / "d", scenario)
    twofold(0.2)
    with pytest.raises(
        ConfigurationError, match=r"a different kinetics 'twofold' \(digest \w{16}, was \w{16}: parameters"
    ):
        mfn.generate_dataset(scenario, tmp_path / "d", resume=True)
    twofold(0.1)
    assert mfn.generate_dataset(scenario, tmp_path / "d", resume=True).rows == 4
    twofold(0.2)
    with pytest.raises(ConfigurationError, match="a different kinetics 'twofold'"):
        mfn.generate_dataset(scenario, tmp_path / "d", resume=True)


def test_a_journal_of_a_version_with_other_bits_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tmp_path / "d", {"samples": 4, "base": BASE})
    monkeypatch.setattr("mycelium_fractal_net.datasets.generate.BITS_SINCE", "9.0")
    with pytest.raises(ConfigurationError, match=r"started by version 0\.1\.0, whose bits may differ"):
        mfn.generate_dataset({"samples": 4, "base": BASE}, tmp_path / "d", resume=True)


def test_a_checkpoint_of_another_model_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twofold(0.1)
    mfn.Simulation(mfn.SimulationConfig(kinetics="twofold", grid_size=8)).save(tmp_path / "c.npz")
    twofold(0.2)
    with pytest.raises(CheckpointError, match=r"another kinetics .*: parameters.gain is 0\.2, was 0\.1\)"):
        mfn.Simulation.load(tmp_path / "c.npz")
    twofold(0.1)
    assert mfn.Simulation.load(tmp_path / "c.npz").step == 0
    monkeypatch.setattr("mycelium_fractal_net.fields.checkpoint.BITS_SINCE", "9.0")
    with pytest.raises(CheckpointError, match="whose bits may differ"):
        mfn.Simulation.load(tmp_path / "c.npz")


SLOW = {"samples": 400, "base": {"grid_size": 128, "steps": 400}}


@pytest.fixture
def running(tmp_path: Path) -> Any:
    """A run of ``mfn dataset`` that has begun to write its journal."""
    (tmp_path / "slow.json").write_text(json.dumps(SLOW))
    command = [sys.executable, "-m", "mycelium_fractal_net", "dataset", "--scenario", "slow.json", "--out", "d.parquet"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env={**os.environ})
    journal, end = tmp_path / "d.parquet.journal", time.monotonic() + 300
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 2):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_a_second_start_is_told_at_once_and_ctrl_c_says_how_to_go_on(tmp_path: Path, running: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"another process is writing d\.parquet"):
        mfn.generate_dataset(SLOW, tmp_path / "d.parquet")
    with pytest.raises(ConfigurationError, match=r"another process is writing d\.parquet"):
        mfn.generate_dataset(SLOW, tmp_path / "d.parquet", resume=True)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=300)
    assert running.returncode == 130
    assert "rows; to go on: mfn dataset --scenario slow.json --out d.parquet --resume" in said
    assert "Traceback" not in said


def test_a_run_can_be_cancelled_and_says_what_is_done(tmp_path: Path) -> None:
    event = threading.Event()
    with pytest.raises(CancelledError, match="of 5 rows") as caught:
        mfn.generate_dataset(
            {"samples": 5, "base": BASE}, tmp_path / "d", threads=1, cancel=event, progress=lambda *_: event.set()
        )
    assert caught.value.details["rows"] == 5
    assert mfn.generate_dataset({"samples": 5, "base": BASE}, tmp_path / "d", resume=True).rows == 5


def test_replicates_differ_in_their_seeds_alone(tmp_path: Path) -> None:
    found = table(tmp_path, samples=3, replicates=4, sweep={"alpha": {"min": 0.1, "max": 0.2}}).to_pylist()
    assert [row["replicate"] for row in found] == [0, 1, 2, 3] * 3
    assert len({row["alpha"] for row in found}) == 3
    assert len({row["random_seed"] for row in found}) == 12
    assert len({row["alpha"] for row in found[:4]}) == 1


def test_fields_are_stored_beside_the_table(tmp_path: Path) -> None:
    scenario = {"samples": 3, "base": BASE}
    interrupted(tmp_path / "other.parquet", scenario)
    mfn.generate_dataset(scenario, tmp_path / "d.parquet", fields=True, threads=2)
    for row, config in zip(
        pq.read_table(tmp_path / "d.parquet").to_pylist(), rows_of(load_scenario(scenario)), strict=True
    ):
        result = mfn.simulate(config)
        with np.load(tmp_path / row["field_file"]) as stored:
            for name in ("field_mv", "activator", "inhibitor"):
                np.testing.assert_array_equal(stored[name], getattr(result, name))
    with pytest.raises(ConfigurationError, match="other options for fields"):
        mfn.generate_dataset(scenario, tmp_path / "other.parquet", fields=True, resume=True)


def test_the_schema_tells_targets_from_features(tmp_path: Path) -> None:
    schema = table(
        tmp_path, samples=2, sweep={"alpha": {"min": 0.1, "max": 0.2}, "bias": {"min": 0.0, "max": 0.01}}
    ).schema
    roles = {field.name: field.metadata[b"role"].decode() for field in schema}
    assert [name for name, role in roles.items() if role == "feature"] == list(mfn.FEATURE_NAMES)
    assert [name for name, role in roles.items() if role == "target"] == ["alpha", "bias"]
    assert (roles["growth_events"], roles["sim_id"], roles["steps"], roles["error"]) == (
        "count",
        "identity",
        "constant",
        "error",
    )
    assert json.loads(schema.metadata[b"mfn.targets"]) == ["alpha", "bias"]


@pytest.mark.parametrize("name", ["q.csv", "q.json", "q.parquet.gz", "q.xlsx", "q.npz"])
def test_a_name_that_promises_another_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"written as Parquet, so its name must end in \.parquet"):
        mfn.generate_dataset({"samples": 1, "base": BASE}, tmp_path / name)


def test_kinetics_come_from_the_file_that_a_scenario_names(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import mycelium_fractal_net as mfn\n"
        "@mfn.kinetics('from-file', diffusion=(0.05, 1.0), steady_guess=(0.0, 0.0))\n"
        "def own(a, h, gain=0.1):\n    return -gain * a, a - h\n"
    )
    (tmp_path / "s.yaml").write_text("kinetics_file: own.py\nbase: {kinetics: from-file, grid_size: 8, steps: 2}\n")
    assert rows_of(load_scenario(tmp_path / "s.yaml"))[0].kinetics == "from-file"
    (tmp_path / "none.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_text("x = 1 /\n")
    for name, why in (("none.py", "registers no kinetics"), ("broken.py", "cannot be run: SyntaxError")):
        with pytest.raises(ConfigurationError, match=why):
            mfn.fields.load_kinetics_file(tmp_path / name)
