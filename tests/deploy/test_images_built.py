"""The images as built here: what is in them, and the program as a pod runs it. Minutes; needs root and buildah.

The base is Debian's own Python, made with mmdebstrap, since no registry is asked.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.deploy.test_pod import can_make_pods
from tests.service.helpers import free_port

ROOT = Path(__file__).parents[2]
PROGRAMS = ("buildah", "mmdebstrap", "make")
LARGEST_MB = {"service": 450, "edge": 180}
WHEEL = sorted((ROOT / "dist").glob("*.whl"))
RUN = r"""
set -e
mount --make-rprivate /
mount --bind "$ROOTFS" /mnt
mount --rbind /dev /mnt/dev && mount -t proc none /mnt/proc
mount -o remount,bind,ro /mnt
mount -t tmpfs -o mode=1777,size=256m none /mnt/tmp
exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid \
  chroot --userspec=10001:10001 --groups= /mnt "$@"
"""

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not can_make_pods(), reason="makes a mount namespace"),
    pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason=f"needs {', '.join(PROGRAMS)}"),
]


class Image(NamedTuple):
    """An image, mounted: where, and what it says of its start."""

    name: str
    root: Path
    config: Mapping[str, Any]


def buildah(*arguments: str) -> str:
    return subprocess.run(["buildah", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module", params=["edge", "service", "worker"])
def image(request: pytest.FixtureRequest) -> Iterator[Image]:
    """Build an image by the command that the page gives, and mount it."""
    name = request.param
    subprocess.run(["make", "--no-print-directory", "images", f"TARGETS={name}"], cwd=ROOT, check=True)
    container = buildah("from", f"localhost/mycelium-fractal-net-{name}")
    try:
        config = json.loads(buildah("inspect", container))["Docker"]["config"]
        yield Image(name, Path(buildah("mount", container)), config)
    finally:
        buildah("rm", container)


@contextmanager
def started(image: Image, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run the image's program: its root read-only, its user and environment, no home, /tmp alone to write to."""
    given = dict(line.split("=", 1) for line in image.config["Env"])
    command = [*image.config["Entrypoint"], *(arguments or image.config["Cmd"])]
    process = subprocess.Popen(
        ["unshare", "--mount", "bash", "-c", RUN, "pod", "/opt/mfn/bin/python", "-c", _BEFORE, *command],
        env={"PATH": os.environ["PATH"], "ROOTFS": str(image.root), "GIVEN": json.dumps({**given, **environment})},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


_BEFORE = (
    "import json, os, sys; os.chdir('/tmp'); os.execve(sys.argv[1], sys.argv[1:], json.loads(os.environ['GIVEN']))"
)


def ready(process: subprocess.Popen[str], url: str) -> float:
    """Wait until the service is ready, and return the seconds."""
    start = time.monotonic()
    while process.poll() is None and time.monotonic() < start + 300:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/health/ready", timeout=60).status_code == 200:
                return time.monotonic() - start
        time.sleep(0.02)
    process.kill()
    raise AssertionError("".join(process.communicate()))


def size_mb(root: Path) -> float:
    """Return the size of the files, links aside, in MB of 10^6 bytes."""
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def test_the_image_is_no_larger_than_is_promised(image: Image) -> None:
    if image.name not in LARGEST_MB:
        pytest.skip("has no limit")
    size = size_mb(image.root)
    print(f"{image.name}: {size:.0f} MB")  # noqa: T201 # shown with -s
    assert size <= LARGEST_MB[image.name]


def test_nothing_is_there_but_the_program(image: Image) -> None:
    assert image.config["User"] == "10001:10001"
    assert not [line for line in image.config["Env"] if line.startswith("HOME=")]
    found = sorted(path.name for path in (image.root / "usr/bin").iterdir())
    assert all(name.startswith("python3") for name in found), found
    assert not list(image.root.rglob("*/pip")), "a package manager"
    assert image.config["Labels"]["org.opencontainers.image.licenses"] == "MIT"


def test_the_bill_of_materials_lists_what_is_inside(image: Image) -> None:
    trivy = str(Path(sys.executable).with_name("trivy"))
    quiet = ["--quiet", "--offline-scan", "--skip-db-update"]
    command = [trivy, "rootfs", *quiet, "--format", "cyclonedx", str(image.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    listed = {part["name"].lower() for part in json.loads(done.stdout)["components"] if part["type"] == "library"}
    packages = {path.name for path in (image.root / "var/lib/dpkg/status.d").iterdir()}
    site = next((image.root / "opt/mfn/lib").glob("python*/site-packages"))
    installed = {path.name.split("-")[0].lower().replace("_", "-") for path in site.glob("*.dist-info")}
    assert {"libc6", "libssl3"} <= packages
    assert packages <= listed, packages - listed
    assert installed <= {name.replace("_", "-") for name in listed}, installed - listed


def test_it_gets_ready_computes_and_ends_when_told(image: Image) -> None:
    if image.name == "worker":
        pytest.skip("needs a broker; tests/integrations run the same program")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with started(image, "serve", MFN_ENV="dev", MFN_HOST="127.0.0.1", MFN_PORT=str(port)) as process:
        print(f"{image.name}: ready after {ready(process, url):.1f} s")  # noqa: T201 # shown with -s
        answer = httpx.post(f"{url}/simulate", json={"grid_size": 32, "steps": 8, "seed": 42}, timeout=300)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0
    assert answer.status_code == 200, answer.text
    import mycelium_fractal_net as mfn

    here = mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=8, seed=42))
    assert answer.json()["receipt"]["result_digest"] == here.digest


def test_the_worker_has_a_client_of_every_broker(image: Image) -> None:
    if image.name != "worker":
        pytest.skip("is no worker")
    code = "import aio_pika, aiomqtt, confluent_kafka, nats, redis; print('all')"
    command = ["chroot", "--userspec=10001:10001", str(image.root), "/opt/mfn/bin/python", "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "all\n"
