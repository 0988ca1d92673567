"""What a newcomer waits for: first results from a clone, from a wheel and on a read-only root.

    python -m benchmarks.first_result                     # from a clone, cold, warm and read-only
    python -m benchmarks.first_result --make-run          # `make run` in a fresh clone as well, over the network
    python -m benchmarks.first_result --wheel dist/X.whl  # a wheel in an environment of its own, as well

Each command runs on a terminal of its own. Its longest silence is the longest time without a byte of output.
"""

from __future__ import annotations

import argparse
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
READ_ONLY = """
for place in "$CLONE" "$CACHE"; do mount --bind "$place" "$place"; mount -o remount,ro,bind "$place"; done
exec "$@"
"""
MAIN = "import sys; from mycelium_fractal_net.cli import main; sys.exit(main())"
WARM = (
    "import time; t = time.perf_counter(); import mycelium_fractal_net as m; "
    "m.simulate(m.SimulationConfig()).features; print(f'{time.perf_counter() - t:.2f} s')"
)


class Waited(NamedTuple):
    """Seconds that a command took."""

    elapsed: float
    processor: float
    silence: float
    last_line: str


def wait_for(command: Sequence[str], directory: Path, **environment: str) -> Waited:
    """Run a command to its end on a terminal of its own."""
    master, slave = pty.openpty()
    begun = last = time.perf_counter()
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MFN_", "XDG_", "PYTHON"))}
    process = subprocess.Popen(command, cwd=directory, env=clean | environment, stdout=slave, stderr=slave, stdin=slave)
    os.close(slave)
    silence, text = 0.0, b""
    while True:
        ready, _, _ = select.select([master], [], [], 0.05)
        if ready:
            try:
                chunk = os.read(master, 65_536)
            except OSError:  # how a terminal says that the other side has left
                break
            now = time.perf_counter()
            silence, last, text = max(silence, now - last), now, (text + chunk)[-400:]
    os.close(master)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{command} failed: {text.decode(errors='replace')}")
    elapsed = time.perf_counter() - begun
    return Waited(
        elapsed, usage.ru_utime + usage.ru_stime, silence, text.decode(errors="replace").split("\n")[-2].strip()
    )


def tell(what: str, waited: Waited) -> None:
    """Print a row of the table."""
    print(f"| {what} | {waited.elapsed:.1f} | {waited.processor:.1f} | {waited.silence:.1f} |", flush=True)


def of_a_clone(scratch: Path, clone: Path) -> None:
    """Measure a clone, which has no kernels built ahead, cold, warm and read-only."""
    cache = scratch / "cache"
    cache.mkdir()
    command = [sys.executable, "-c", MAIN, "simulate"]
    own = {"PYTHONPATH": str(clone / "src"), "MFN_CACHE_DIR": str(cache), "HOME": str(scratch)}
    tell("`mfn simulate`, clone, cold", wait_for(command, scratch, **own))
    tell("`mfn simulate`, clone, warm", wait_for(command, scratch, **own))
    if os.geteuid() == 0 and shutil.which("unshare"):
        pod = ["unshare", "--mount", "sh", "-c", READ_ONLY, "pod", *command]
        where = {"CLONE": str(clone), "CACHE": str(cache), "HOME": "/proc/none"}
        tell("`mfn simulate`, clone and cache read-only, no home", wait_for(pod, scratch, **own | where))


def of_make_run(scratch: Path, clone: Path) -> None:
    """Measure `make run` in a fresh clone."""
    tell(
        "`make run`, fresh clone", wait_for(["make", "run"], clone, HOME=str(scratch), PIP_CONFIG_FILE=_pip_settings())
    )


def _pip_settings() -> str:
    return os.environ.get("PIP_CONFIG_FILE", str(Path.home() / ".config/pip/pip.conf"))


def of_a_wheel(wheel: Path, scratch: Path) -> None:
    """Measure a wheel that carries its kernels, in an environment of its own."""
    place = scratch / "wheel"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, str(wheel.resolve())], check=True)
    size = subprocess.check_output(
        ["du", "-sm", *map(str, (place / "lib").glob("*/site-packages"))], text=True
    ).split()[0]
    print(f"installed with its dependencies and pip: {size} MB")
    own = {"HOME": str(scratch / "nobody")}
    for turn in ("first", "second"):
        tell(f"`mfn simulate`, wheel, {turn}", wait_for([str(place / "bin/mfn"), "simulate"], scratch, **own))
    for _ in range(3):
        waited = wait_for([str(place / "bin/python"), "-c", WARM], scratch, **own)
        print(f"import and simulation with features in a fresh process: {waited.last_line}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path)
    parser.add_argument("--make-run", action="store_true")
    arguments = parser.parse_args()
    print("| what | elapsed s | processor s | longest silence s |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        scratch, clone = Path(name), Path(name) / "clone"
        if arguments.wheel:
            of_a_wheel(arguments.wheel, scratch)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        of_a_clone(scratch, clone)
        if arguments.make_run:
            of_make_run(scratch, clone)


if __name__ == "__main__":
    main()
