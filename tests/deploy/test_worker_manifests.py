"""The workers' manifests: of one piece with the program, the broker's names and the policies."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
import yaml

from mycelium_fractal_net.integrations.config import WorkerConfig
from mycelium_fractal_net.integrations.registry import make_publisher, make_source
from mycelium_fractal_net.service import Settings
from tests.deploy.cluster import Peer, manifests, of_kind, reaches, selects

LABELS = {"app.kubernetes.io/name": "mfn", "app.kubernetes.io/component": "worker"}
WORKER = Peer("mfn", LABELS)
SERVICE = Peer("mfn", {**LABELS, "app.kubernetes.io/component": "service"})
NATS = Peer("nats", {"app.kubernetes.io/name": "nats"})
FLOWS = [
    (WORKER, NATS, 4222, "TCP", True),
    (WORKER, Peer("kube-system", {"k8s-app": "kube-dns"}), 53, "UDP", True),
    (WORKER, Peer(None), 443, "TCP", False),
    (WORKER, SERVICE, "http", "TCP", False),
    (SERVICE, NATS, 4222, "TCP", False),
    (Peer("monitoring", {"app": "prometheus"}), WORKER, "http", "TCP", True),
    (Peer("traefik", {"app": "traefik"}), WORKER, "http", "TCP", False),
]


def named(kind: str) -> dict[str, Any]:
    [found] = [item for item in of_kind("worker", kind) if item["metadata"]["name"].startswith("mfn-worker")]
    return found


def container() -> dict[str, Any]:
    [only] = named("Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(only)


def config() -> WorkerConfig:
    return WorkerConfig.model_validate(yaml.safe_load(named("ConfigMap")["data"]["worker.yaml"]))


@pytest.mark.parametrize("version", ["1.31", "1.37"])
def test_every_object_that_is_kubernetes_own_is_valid(version: str) -> None:
    items = [item for item in manifests("worker") if item["kind"] != "ScaledObject"]
    assert all(kubernetes_validate.validate(item, version, strict=True) == version for item in items)
    assert len(manifests("worker")) == len(items) + 1


def test_the_worker_takes_its_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:4222")
    found = config()
    made = (make_source(found.source), make_publisher(found.publisher), make_publisher(found.dead_letters))
    assert all(made)
    [port] = container()["ports"]
    assert port["containerPort"] == found.port
    [mount] = [mount for mount in container()["volumeMounts"] if mount["name"] == "config"]
    assert container()["args"][-1] == f"{mount['mountPath']}/worker.yaml"


def test_every_variable_is_a_setting_and_the_secret_is_there() -> None:
    known = {f"MFN_{name.upper()}" for name in Settings.model_fields} | {"MFN_CACHE_DIR", "NATS_URL"}
    given = {item["name"]: item for item in container()["env"]}
    assert set(given) <= known
    assert set(named("Secret")["stringData"]) == {given["NATS_URL"]["valueFrom"]["secretKeyRef"]["key"]}


def test_workers_are_counted_by_the_jobs_of_their_own_source() -> None:
    scaled = named("ScaledObject")["spec"]
    [trigger] = scaled["triggers"]
    source = config().source
    assert (trigger["metadata"]["stream"], trigger["metadata"]["consumer"]) == (source["stream"], source["durable"])
    assert scaled["scaleTargetRef"]["name"] == named("Deployment")["metadata"]["name"]
    assert "replicas" not in named("Deployment")["spec"]  # KEDA's to say


def test_a_job_under_way_may_end() -> None:
    spec = named("Deployment")["spec"]["template"]["spec"]
    [longest] = [item["value"] for item in container()["env"] if item["name"] == "MFN_SHUTDOWN_SECONDS"]
    assert spec["terminationGracePeriodSeconds"] > int(longest)


def test_nothing_that_is_meant_for_the_service_selects_a_worker() -> None:
    mine = named("Deployment")["spec"]["template"]["metadata"]["labels"]
    [service] = of_kind("worker", "Service")
    assert not selects({"matchLabels": service["spec"]["selector"]}, mine)
    assert selects(named("PodDisruptionBudget")["spec"]["selector"], mine)


@pytest.mark.parametrize(("source", "target", "port", "protocol", "passes"), FLOWS)
def test_the_policies_let_through_what_the_table_says(
    source: Peer, target: Peer, port: int | str, protocol: str, passes: bool
) -> None:
    assert reaches("worker", source, target, port, protocol) is passes
