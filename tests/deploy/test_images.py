"""What the Dockerfile, the locks and the compose file say; tests/deploy/test_images_built.py builds them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from mycelium_fractal_net.service import Settings

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy" / "docker"
TARGETS = ("service", "worker", "edge")
COMPOSE: dict[str, Any] = yaml.safe_load((HERE / "compose.yaml").read_text())
KNOWN = {f"MFN_{name.upper()}" for name in Settings.model_fields} | {"MFN_CACHE_DIR", "OTEL_EXPORTER_OTLP_ENDPOINT"}


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    path = Path(sys.executable).with_name(program)
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=False)


def locked(target: str) -> dict[str, str]:
    lines = (HERE / f"{target}.lock").read_text().splitlines()
    pins = [line.split(";")[0].rstrip(" \\").split("==") for line in lines if "==" in line and line[0].isalpha()]
    return dict(pins)


def stages() -> dict[str, list[str]]:
    """Return the lines of every stage, continued ones joined, by its name."""
    text = re.sub(r"\\\n\s*", "", (HERE / "Dockerfile").read_text())
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("FROM "):
            found[line.split()[-1]] = []
        if line and not line.startswith("#") and found:
            found[[*found][-1]].append(line)
    return found


def test_the_linter_of_dockerfiles_finds_nothing() -> None:
    done = run("hadolint", HERE / "Dockerfile")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scanner_of_configurations_finds_nothing() -> None:
    done = run("trivy", "config", "--skip-check-update", "--quiet", "--format", "json", HERE)
    [result] = json.loads(done.stdout)["Results"]
    assert (result["Target"], result["MisconfSummary"]["Failures"]) == ("Dockerfile", 0)
    assert result["MisconfSummary"]["Successes"] > 0


def test_images_start_the_program_itself_as_a_user_without_rights() -> None:
    runtime = stages()["runtime"]
    assert runtime[0] == "FROM scratch AS runtime"
    assert "USER 10001:10001" in runtime
    assert 'ENTRYPOINT ["/opt/mfn/bin/mfn"]' in runtime
    assert [stages()[target][0] for target in TARGETS] == [f"FROM runtime AS {target}" for target in TARGETS]
    copied = [line for target in TARGETS for line in stages()[target] if line.startswith(("COPY", "ADD", "RUN"))]
    assert copied == [f"COPY --from=build-{target} /rootfs/ /" for target in TARGETS]


@pytest.mark.parametrize("target", TARGETS)
def test_every_package_is_locked_by_hash_at_the_version_that_is_tested(target: str) -> None:
    lines = (HERE / f"{target}.lock").read_text().splitlines()
    heads = [number for number, line in enumerate(lines) if line and line[0].isalpha()]
    assert all(lines[number + 1].lstrip().startswith("--hash=sha256:") for number in heads)
    pins = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1].isalpha()]
    tested = {pin.name.lower().replace("_", "-"): str(pin.specifier).removeprefix("==") for pin in pins}
    assert {name: tested[name] for name in locked(target) if name in tested} == {
        name: version for name, version in locked(target).items() if name in tested
    }
    assert len(set(locked(target)) - set(tested)) <= len(locked(target)) // 10, set(locked(target)) - set(tested)


@pytest.mark.parametrize("target", TARGETS)
def test_the_lock_has_what_the_wheel_requires(target: str) -> None:
    from deploy.docker import lock

    wanted = {Requirement(text).name for text in lock.requirements(target)} - set(lock.WITHOUT.get(target, ()))
    assert wanted <= set(locked(target))


def test_the_build_sees_wheels_and_what_the_dockerfile_copies_only() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["*", "!dist/*.whl", "!deploy/docker"]


def test_the_version_of_the_label_is_the_package_s() -> None:
    [version] = [line for line in stages()["runtime"] if line.startswith("ARG VERSION=")]
    text = (ROOT / "src" / "mycelium_fractal_net" / "_version.py").read_text()
    assert f'__version__ = "{version.removeprefix("ARG VERSION=")}"' in text


def test_the_compose_file_is_one() -> None:
    done = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", HERE / "compose.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    mounts = [mount for service in COMPOSE["services"].values() for mount in service.get("volumes", ())]
    assert all((HERE / mount.split(":")[0]).is_file() for mount in mounts)
    assert set(COMPOSE["services"]["mfn"]["environment"]) <= KNOWN
    for name, service in COMPOSE["services"].items():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert re.search(r":v?\d+\.\d+", service["image"]), f"{name}: an image without a version"


def test_compose_lets_the_service_finish_what_it_has_accepted() -> None:
    mfn = COMPOSE["services"]["mfn"]
    assert int(mfn["stop_grace_period"].rstrip("s")) > int(mfn["environment"]["MFN_SHUTDOWN_SECONDS"])


def test_prometheus_of_compose_scrapes_the_service_and_has_the_alerts() -> None:
    config = yaml.safe_load((HERE / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["mfn:8000"]}]
    assert config["rule_files"] == ["alerts.yml"]
    assert job["job_name"] == "mfn"  # what the alerts select


def test_the_locks_are_built_from_names_that_exist() -> None:
    from deploy.docker import lock

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {name for names in lock.EXTRAS.values() for name in names} <= set(extras)
    assert set(lock.EXTRAS) == set(TARGETS)
