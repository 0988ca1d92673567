"""Give each hostile file to every command that reads its kind, within 2 GiB; print what became of it as JSON."""

import contextlib
import io
import json
import os
import resource
import sys
from pathlib import Path
from time import process_time
from unittest.mock import patch

from mycelium_fractal_net.cli import main
from tests.files.hostile import write_corpus

LIMIT = 2 << 30
ARRAYS = (["fractal"], ["features"], ["aggregate", "--rule", "median"])
QUIET = ["--steps", "1", "--grid-size", "8"]


def commands(path: Path) -> list[list[str]]:
    """Return the commands that read a file of this kind."""
    name = str(path)
    if path.suffix in {".csv", ".parquet"}:
        return [["signals", name]]
    if path.suffix == ".journal":
        good = str(path.with_name("good.scenario.json"))
        return [["dataset", "--scenario", good, "--out", name.removesuffix(".journal"), "--resume"]]
    if path.suffix in {".npy", ".npz", ".png", ".tif"}:
        found = [[*command, name] for command in ARRAYS]
        return [*found, ["simulate", "--resume", name]] if path.suffix == ".npz" else found
    scenario = ["dataset", "--scenario", name, "--out", "/nowhere/at-all.parquet"]
    found = [["simulate", "--config", name, *QUIET], scenario]
    if path.suffix == ".yaml":
        return [*found, ["worker", "--config", name]]
    return [*found, ["keys", "list", "--file", name], *_settings(path)] if path.suffix == ".json" else found


def _settings(path: Path) -> list[list[str]]:
    """Return the commands that read a file as settings and as a secret, under the names that these have."""
    found = []
    for variable, name in {"MFN_CONFIG_DIR": "dev.json", "MFN_SECRETS_DIR": "mfn_api_keys"}.items():
        folder = path.with_name(f"{path.name}-{variable}")
        folder.mkdir()
        (folder / name).symlink_to(path)
        found.append([f"{variable}={folder}", "config", "check"])
    return found


def run(command: list[str]) -> dict[str, object]:
    """Run a command in this process; return its exit code, what it said, and the processor time that it took."""
    out, err, begin = io.StringIO(), io.StringIO(), process_time()
    variables = dict(word.split("=", 1) for word in command if word.startswith("MFN_"))
    command = [word for word in command if not word.startswith("MFN_")]
    with patch.dict(os.environ, variables), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(command)
    said = err.getvalue()
    seconds = process_time() - begin
    return {"command": command, "code": code, "said": said.encode("ascii", "replace").decode(), "seconds": seconds}


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    paths = write_corpus(directory)
    good = {"grid_size": 8, "steps": 1}
    (directory / "good.json").write_text(json.dumps(good))
    scenario = directory / "good.scenario.json"
    scenario.write_text(
        json.dumps({"name": "x", "samples": 2, "base": good, "sweep": {"alpha": {"min": 0.1, "max": 0.2}}})
    )
    run(["dataset", "--scenario", str(scenario), "--out", str(directory / "good.parquet")])
    run(["simulate", "--config", str(directory / "good.json")])  # what the first of each kind would pay for
    for command in ARRAYS:
        run([*command, str(directory / "cut1.npy")])
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    json.dump({"files": len(paths), "runs": [run(command) for path in paths for command in commands(path)]}, sys.stdout)
