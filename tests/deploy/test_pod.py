"""The program as a hardened pod runs it: root read-only, another user, no home, kernels that root has compiled.

A mount namespace of its own stands in for the container; it needs root, and skips where that is not to be had.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.service.warmup import compile_kernels
from tests.deploy.test_kubernetes import REAL, container, variables
from tests.service.helpers import free_port

ROOT = Path(__file__).parents[2]
KERNELS = os.environ.get("MFN_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
POD = r"""
set -e
mount --make-rprivate /
mount --bind "$SOURCE" /mnt && mount --bind "$KERNELS" /media
if [ "$WRITABLE" = /tmp ]; then mount -t tmpfs -o mode=1777 none /tmp; fi
mkdir -p "$SOURCE" "$KERNELS"
mount --move /mnt "$SOURCE" && mount --move /media "$KERNELS"
awk '{print $2}' /proc/self/mounts | sort -u | while read -r place; do
  case $place in /proc*|/sys*|/dev*|"$WRITABLE") ;; *) mount -o remount,bind,ro "$place" ;; esac
done
mount -o remount,bind,ro /dev/shm 2>/dev/null || true
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all,+dac_read_search \
  --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search "$@"
"""  # the capability lets the user read the tests' interpreter where that lies in root's home; it cannot write with it
SCRATCH = "/tmp"  # noqa: S108 # what a pod gets to write to
LINKS = {  # what Kubernetes gives beside a Service called mfn where enableServiceLinks is left out
    "MFN_SERVICE_HOST": "10.43.7.7",
    "MFN_SERVICE_PORT": "80",
    "MFN_SERVICE_PORT_HTTP": "80",
    "MFN_SERVICE_PORT_GRPC": "50051",
    "MFN_PORT": "tcp://10.43.7.7:80",
    "MFN_PORT_80_TCP": "tcp://10.43.7.7:80",
    "MFN_PORT_80_TCP_ADDR": "10.43.7.7",
    "MFN_PORT_80_TCP_PORT": "80",
    "MFN_PORT_80_TCP_PROTO": "tcp",
}
PROBE = """
import socket, sys, time, urllib.request
paths, ports = sys.argv[1].split(","), sys.argv[2].split(",")
def status(path):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}{path}", timeout=60).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
until = time.monotonic() + 300
while any(status(path) != 200 for path in paths) and time.monotonic() < until:
    time.sleep(0.1)
for port in ports:
    socket.create_connection(("127.0.0.1", int(port)), timeout=60).close()
print([status(path) for path in paths])
"""
MAIN = "import sys; from mycelium_fractal_net.cli import main; sys.exit(main())"


def can_make_pods() -> bool:
    """Tell whether this user may mount things in a namespace of its own; many containers do not let root either."""
    programs = all(map(shutil.which, ("unshare", "setpriv", "mount", "bash")))
    command = ["unshare", "--mount", "mount", "--make-rprivate", "/"]
    return programs and os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_make_pods(), reason="makes a mount namespace"),
]


@pytest.fixture(scope="module")
def kernels() -> None:
    """Have the machine code there, as an image has."""
    compile_kernels(threading.Event())


def in_pod(*arguments: str, writable: str, before: tuple[str, ...] = (), **environment: str) -> "subprocess.Popen[str]":
    given = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MFN_CACHE_DIR": KERNELS,
    }
    return subprocess.Popen(
        [*before, "unshare", "--mount", "bash", "-c", POD, "pod", sys.executable, "-c", MAIN, *arguments],
        env={**given, "SOURCE": str(ROOT), "KERNELS": KERNELS, "WRITABLE": writable, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("writable", [SCRATCH, "none"])
def test_a_simulation_gives_the_same_bits_where_nothing_can_be_written(writable: str) -> None:
    expected = mfn.simulate(mfn.SimulationConfig())
    out, complaint = in_pod("simulate", "--json", writable=writable).communicate()
    assert json.loads(out or "{}").get("digest") == expected.digest, complaint
    assert "compiling" not in complaint  # what root has compiled serves the user


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("writable", [SCRATCH, "none"])
def test_the_service_gets_ready_and_simulates(writable: str) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = in_pod("serve", "--env", "dev", "--host", "127.0.0.1", "--port", str(port), writable=writable)
    try:
        while process.poll() is None:
            with suppress(httpx.TransportError):
                if httpx.get(f"{url}/health/ready", timeout=120).status_code == 200:
                    break
            time.sleep(0.1)
        answer = httpx.post(f"{url}/simulate", json={"grid_size": 16, "steps": 2}, timeout=60)
    finally:
        process.terminate()
        out, complaint = process.communicate()
    assert answer.status_code == 200, out + complaint


@pytest.mark.usefixtures("kernels")
@pytest.mark.skipif(shutil.which("ip") is None, reason="makes a network namespace")
def test_it_starts_with_what_the_manifest_gives_service_links_included() -> None:
    space = f"mfn-{os.getpid()}"
    spec = container("prod")
    paths = sorted({spec[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")})
    ports = [str(port["containerPort"]) for port in spec["ports"]]
    places = [mount["mountPath"] for mount in spec["volumeMounts"]]
    assert places == [SCRATCH]
    given = {**LINKS, **variables("prod", **REAL), "MFN_CACHE_DIR": KERNELS}  # in place of kernels in the image
    inside = ("ip", "netns", "exec", space)
    subprocess.run(["ip", "netns", "add", space], check=True)
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        process = in_pod(*spec["args"], writable=SCRATCH, before=inside, **given)
        probe = [*inside, sys.executable, "-c", PROBE, ",".join(paths), ",".join(ports)]
        try:
            found = subprocess.run(probe, capture_output=True, text=True, check=False)
        finally:
            process.terminate()
            out, complaint = process.communicate()
    finally:
        subprocess.run(["ip", "netns", "delete", space], check=True)
    assert found.stdout == f"{[200] * len(paths)}\n", found.stderr + out + complaint
    assert process.returncode == 0
