"""Build images with buildah and no registry: ``python deploy/docker/build.py [service] [worker] [edge]``, as root.

The base is Debian with its own Python, made by mmdebstrap once. With Docker and a registry nothing of this is needed:
``docker build -f deploy/docker/Dockerfile --target service .``
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE = "localhost/mfn-base:bookworm"
PACKAGES = "python3,python3-pip,python3-venv,ca-certificates,binutils"
TARGETS = ("service", "worker", "edge")
_OF_THE_HOST = ("/etc/ssl/certs", "/etc/pip.conf", "/etc/xdg/pip/pip.conf")


def buildah(*arguments: str) -> str:
    """Run buildah, and return what it writes."""
    return subprocess.run(
        ["buildah", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def make_base() -> None:
    """Make the base image where it is not there yet."""
    if subprocess.run(["buildah", "inspect", BASE], capture_output=True, check=False).returncode == 0:
        return
    with tempfile.TemporaryDirectory() as scratch:
        archive = f"{scratch}/base.tar"
        make = ["mmdebstrap", "--quiet", "--variant=apt", f"--include={PACKAGES}", "bookworm", archive]
        subprocess.run(make, check=True)
        container = buildah("from", "scratch")
        buildah("add", "--quiet", container, archive, "/")
        buildah("commit", "--quiet", container, BASE)
        buildah("rm", container)


def pip_settings() -> list[str]:
    """Return mounts of what pip needs here: certificates, its configuration, and local directories of wheels."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    words = listed.stdout.replace("'", " ").replace("file://", " ").split()
    local = {word.removesuffix("/simple") for word in words if word.startswith("/") and Path(word).is_dir()}
    mounts = [(place, place) for place in (*_OF_THE_HOST[:1], *sorted(local)) if Path(place).exists()]
    personal = Path.home() / ".config" / "pip" / "pip.conf"
    found = [path for path in (personal, *map(Path, _OF_THE_HOST[1:])) if path.is_file()]
    mounts += [(str(path), "/etc/pip.conf") for path in found[:1]]
    return [part for source, place in mounts for part in ("--volume", f"{source}:{place}:ro")]


def build(target: str) -> None:
    """Build one image of the wheels in ``dist``."""
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    arguments = {"BASE": BASE, "REVISION": revision.stdout.strip() or "unknown"}
    given = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
    how = ["--network", "host", "--isolation", "chroot", "--format", "docker", "--file", "deploy/docker/Dockerfile"]
    tag = f"localhost/mycelium-fractal-net-{target}"
    subprocess.run(
        ["buildah", "bud", *how, *pip_settings(), *given, "--target", target, "--tag", tag, "."], cwd=ROOT, check=True
    )


def main() -> None:
    """Build what is named, or all."""
    make_base()
    for target in sys.argv[1:] or TARGETS:
        build(target)


if __name__ == "__main__":
    main()
