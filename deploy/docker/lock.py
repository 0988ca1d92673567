"""Write the locks of the images: every package by version and hash, for x86-64 and aarch64. ``make locks`` runs this.

Versions are those of ``constraints.txt``; a test holds the locks equal to it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BROKERS = ("kafka", "mqtt", "nats", "rabbitmq")
EXTRAS = {
    "service": ("jit", "server", "grpc", "vault"),
    "worker": ("jit", "server", *BROKERS, "vault", "aws"),
    "edge": ("server", "mqtt"),
}
WITHOUT = {"edge": ("scipy", "uvloop", "redis")}  # 60 MB that a small machine does without


def requirements(target: str) -> list[str]:
    """Return what an image needs, as pyproject.toml names it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    base = project["tool"]["hatch"]["metadata"]["hooks"]["custom"]["dependencies"]
    extras = project["project"]["optional-dependencies"]
    return [*base, *(name for extra in EXTRAS[target] for name in extras[extra])]


def write(target: str) -> None:
    """Write the lock of one image."""
    with tempfile.NamedTemporaryFile("w", suffix=".in") as wanted:
        wanted.write("\n".join(requirements(target)))
        wanted.flush()
        compile_ = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
        options = ["--generate-hashes", "--universal", "--python-version", "3.11", "--constraint", "constraints.txt"]
        options += [part for name in WITHOUT.get(target, ()) for part in ("--no-emit-package", name)]
        done = subprocess.run([*compile_, *options, wanted.name], cwd=ROOT, check=True, capture_output=True, text=True)
    note = "# Made by make locks from pyproject.toml and constraints.txt; change those.\n"
    (HERE / f"{target}.lock").write_text(note + done.stdout)


if __name__ == "__main__":
    for name in EXTRAS:
        write(name)
