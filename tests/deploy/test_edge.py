"""What a small machine is given: profiles, unit, compose file, overlay; and that the program needs no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from deploy.kubernetes import render
from mycelium_fractal_net.service import Settings
from tests.deploy.test_kubernetes import KEY, check_settings
from tests.deploy.test_pod import can_make_pods

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy" / "edge"
PROFILES = {"pi5": 4096, "pi4": 2048, "zero2w": 512}
CORES = 4
KNOWN = {f"MFN_{name.upper()}" for name in Settings.model_fields} | {"MFN_CACHE_DIR"}
OFFLINE = """
import json, os, subprocess, sys, time, urllib.request
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
code = "import sys; from mycelium_fractal_net.cli import main; sys.exit(main())"
server = subprocess.Popen([sys.executable, "-c", code, "serve", "--env", "dev", "--port", "8000"])
def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request("http://127.0.0.1:8000" + path, data, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=120))
try:
    for _ in range(3000):
        try:
            call("/health/live")
            break
        except OSError:
            assert server.poll() is None
            time.sleep(0.1)
    answer = call("/simulate", {"grid_size": 32, "steps": 8, "seed": 42})
finally:
    server.terminate()
    ended = server.wait()
print(json.dumps({"routes": routes, "ended": ended, "answer": answer}))
"""


def environment(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_of_settings_that_hold_together(profile: str) -> None:
    given = environment(HERE / "mfn.env") | environment(HERE / "profiles" / f"{profile}.env")
    assert set(given) <= KNOWN
    del given["MFN_SECRETS_DIR"]
    done = check_settings({**given, "MFN_API_KEY": KEY})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("profile", "memory_mb"), PROFILES.items())
def test_a_profile_fits_its_machine(profile: str, memory_mb: int) -> None:
    given = environment(HERE / "profiles" / f"{profile}.env")
    assert int(given["MFN_COMPUTE_THREADS"]) <= CORES
    assert int(given["MFN_MAX_MEMORY_BYTES"]) <= memory_mb * 2**20 // 8
    assert int(given["MFN_MAX_BODY_BYTES"]) < int(given["MFN_MAX_MEMORY_BYTES"])


def test_the_profiles_get_smaller_with_the_machine() -> None:
    limits = ("MFN_COMPUTE_THREADS", "MFN_COMPUTE_QUEUE", "MFN_MAX_CELL_STEPS", "MFN_MAX_MEMORY_BYTES")
    found = [[int(environment(HERE / "profiles" / f"{name}.env")[limit]) for limit in limits] for name in PROFILES]
    assert found == sorted(found, reverse=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_is_one_and_gives_the_program_little() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(HERE / "mfn.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_lets_the_service_finish_and_keeps_its_outbox() -> None:
    unit = (HERE / "mfn.service").read_text().splitlines()
    given = environment(HERE / "mfn.env")
    [stop] = [line.partition("=")[2] for line in unit if line.startswith("TimeoutStopSec=")]
    assert int(stop) > int(given["MFN_SHUTDOWN_SECONDS"])
    assert "StateDirectory=mfn" in unit
    assert given["MFN_EVENTS_STORE"].startswith("/var/lib/mfn/")


def test_the_compose_file_is_one() -> None:
    path = str(Path(sys.executable).with_name("check-jsonschema"))
    command = [path, "--builtin-schema", "vendor.compose-spec", str(HERE / "compose.yaml")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    mfn = yaml.safe_load((HERE / "compose.yaml").read_text())["services"]["mfn"]
    assert set(mfn["environment"]) <= KNOWN
    assert (HERE / mfn["env_file"][0]).is_file()


@pytest.mark.parametrize("version", ["1.31", "1.37"])
def test_the_overlay_of_k3s_is_valid_and_of_one_pod(version: str) -> None:
    items = list(yaml.safe_load_all(render.render(HERE / "k3s")))
    for item in items:
        assert kubernetes_validate.validate(item, version, strict=True) == version
    [deployment] = [item["spec"] for item in items if item["kind"] == "Deployment"]
    [config] = [item["data"] for item in items if item["kind"] == "ConfigMap"]
    [claim] = [item["metadata"]["name"] for item in items if item["kind"] == "PersistentVolumeClaim"]
    volumes = {volume["name"]: volume for volume in deployment["template"]["spec"]["volumes"]}
    assert volumes["outbox"]["persistentVolumeClaim"]["claimName"] == claim
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})  # one writer of the outbox
    assert set(config) <= KNOWN


@pytest.mark.slow
@pytest.mark.skipif(not can_make_pods() or shutil.which("ip") is None, reason="makes a network namespace")
def test_it_computes_and_keeps_events_where_no_network_is(tmp_path: Path) -> None:
    store = tmp_path / "outbox.db"
    publisher = {"kind": "mqtt", "url": "mqtt://192.0.2.1:1883", "topic": "mfn/results"}
    given = {"MFN_EVENTS_STORE": str(store), "MFN_EVENTS_PUBLISHER": json.dumps(publisher), "MFN_WARMUP": "false"}
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", OFFLINE],
        env={**os.environ, **given}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1] if done.stdout else "{}")
    assert (found.get("routes"), found.get("ended")) == ("", 0), done.stderr
    listed = subprocess.run(
        [Path(sys.executable).with_name("mfn"), "events", "list", "--store", str(store), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert len(json.loads(listed.stdout)) == 1, listed.stdout + listed.stderr
