"""Give each hostile file to every command that reads its kind, within 2 GiB; print what became of it as JSON."""

import contextlib
import io
import json
import resource
import sys
from pathlib import Path
from time import process_time

from mycelium_fractal_net.cli import main
from tests.files.hostile import write_corpus

LIMIT = 2 << 30
ARRAYS = (["fractal"], ["features"], ["aggregate", "--rule", "median"])
QUIET = ["--steps", "1", "--grid-size", "8"]


def commands(path: Path) -> list[list[str]]:
    """Return the commands that read a file of this kind."""
    name = str(path)
    if path.suffix in {".npy", ".npz", ".png"}:
        found = [[*command, name] for command in ARRAYS]
        return [*found, ["simulate", "--resume", name]] if path.suffix == ".npz" else found
    scenario = ["dataset", "--scenario", name, "--out", "/nowhere/at-all.parquet"]
    return [["simulate", "--config", name, *QUIET], scenario]


def run(command: list[str]) -> dict[str, object]:
    """Run a command in this process; return its exit code, what it said, and the processor time that it took."""
    out, err, begin = io.StringIO(), io.StringIO(), process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(command)
    said = err.getvalue()
    seconds = process_time() - begin
    return {"command": command, "code": code, "said": said.encode("ascii", "replace").decode(), "seconds": seconds}


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    paths = write_corpus(directory)
    good = {"grid_size": 8, "steps": 1}
    (directory / "good.json").write_text(json.dumps(good))
    run(["simulate", "--config", str(directory / "good.json")])  # what the first of each kind would pay for
    for command in ARRAYS:
        run([*command, str(directory / "cut1.npy")])
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    json.dump({"files": len(paths), "runs": [run(command) for path in paths for command in commands(path)]}, sys.stdout)
