"""The manifests: valid, of one piece, and fit for the service that they start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from grpc_health.v1 import health_pb2

from deploy.kubernetes import render
from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.service import Settings, create_app, load_settings
from tests.deploy.cluster import Peer, manifests, of_kind, reaches, selects, the

OVERLAYS = ("dev", "staging", "prod")
GUARDED = ("staging", "prod")
VERSIONS = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
SERVICE = {"app.kubernetes.io/name": "mfn", "app.kubernetes.io/component": "service"}
MFN = Peer("mfn", SERVICE)
KEY = "mfn-a-key-of-a-decent-length-0123456789"
REAL = {"MFN_API_KEY": KEY, "MFN_API_KEY_PEPPER": KEY, "MFN_RATE_LIMIT_STORAGE_URL": "redis://:x@redis:6379/0"}

FLOWS = [  # from, to, port, protocol, passes
    (Peer("traefik", {"app": "traefik"}), MFN, "http", "TCP", True),
    (Peer("nginx-ingress", {"app": "nginx"}), MFN, "http", "TCP", True),
    (Peer("monitoring", {"app": "prometheus"}), MFN, "http", "TCP", True),
    (Peer("traefik", {"app": "traefik"}), MFN, "grpc", "TCP", True),
    (Peer("monitoring", {"app": "prometheus"}), MFN, "grpc", "TCP", False),
    (Peer("default", {"app": "shell"}), MFN, "grpc", "TCP", False),
    (Peer("default", {"app": "shell"}), MFN, "http", "TCP", False),
    (Peer("mfn", {"app": "neighbour"}), MFN, "http", "TCP", False),
    (Peer("traefik", {"app": "traefik"}), MFN, 22, "TCP", False),
    (Peer(None), MFN, "http", "TCP", False),
    (MFN, Peer("kube-system", {"k8s-app": "kube-dns"}), 53, "UDP", True),
    (MFN, Peer("kube-system", {"k8s-app": "kube-dns"}), 53, "TCP", True),
    (MFN, Peer("kube-system", {"k8s-app": "other"}), 53, "UDP", False),
    (MFN, Peer("monitoring", {"app": "collector"}), 4318, "TCP", True),
    (MFN, Peer("monitoring", {"app": "collector"}), 9090, "TCP", False),
    (MFN, Peer("redis", {"app.kubernetes.io/name": "redis"}), 6379, "TCP", True),
    (MFN, Peer("redis", {"app": "shell"}), 6379, "TCP", False),
    (MFN, Peer("default", {"app.kubernetes.io/name": "redis"}), 6379, "TCP", False),
    (MFN, Peer(None), 443, "TCP", False),
    (Peer("mfn", {"app": "neighbour"}), Peer(None), 443, "TCP", False),
]


def container(overlay: str) -> dict[str, Any]:
    [only] = the(overlay, "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(only)


def variables(overlay: str, **secrets: str) -> dict[str, str]:
    """Return what the container's environment would hold; secrets that are given replace the template's."""
    given = {**the(overlay, "Secret")["stringData"], **secrets}
    told = {item["name"]: given[item["valueFrom"]["secretKeyRef"]["key"]] for item in container(overlay)["env"]}
    return {**the(overlay, "ConfigMap")["data"], **told}


def check_settings(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MFN_")}
    command = [str(Path(sys.executable).with_name("mfn")), "config", "check"]
    return subprocess.run(command, env={**outside, **environment}, capture_output=True, text=True, check=False)


def test_the_rendered_manifests_at_the_root_are_those_of_prod() -> None:
    text = (render.ROOT / "k8s.yaml").read_text()
    assert text.partition("\n")[2] == render.render("prod")


def test_the_prometheus_rule_holds_the_alerts_that_are_tested() -> None:
    assert yaml.safe_load(render.RULE.read_text()) == render.rule()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_valid_to_the_letter(overlay: str, version: str) -> None:
    for item in manifests(overlay):
        assert _validated(json.dumps(item, sort_keys=True), version) == version


@cache
def _validated(item: str, version: str) -> str:
    """Validate an object once, whichever overlays have it; a schema is read anew for each."""
    return str(kubernetes_validate.validate(json.loads(item), version, strict=True))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_selector_finds_the_pods_of_the_deployment(overlay: str) -> None:
    deployment = the(overlay, "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    budgets = [item["spec"]["selector"] for item in of_kind(overlay, "PodDisruptionBudget")]
    spread = [item["labelSelector"] for item in deployment["template"]["spec"]["topologySpreadConstraints"]]
    service = {"matchLabels": the(overlay, "Service")["spec"]["selector"]}
    for selector in (deployment["selector"], service, *budgets, *spread):
        assert selects(selector, labels), selector


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_port_that_is_named_is_one_of_the_container(overlay: str) -> None:
    pod = container(overlay)
    names = {port["name"] for port in pod["ports"]}
    probes = {pod[name]["httpGet"]["port"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert probes | {port["targetPort"] for port in the(overlay, "Service")["spec"]["ports"]} <= names
    given = variables(overlay)
    assert [str(port["containerPort"]) for port in pod["ports"]] == [given["MFN_PORT"], given["MFN_GRPC_PORT"]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_variable_is_a_setting_and_every_secret_is_there(overlay: str) -> None:
    known = {f"MFN_{name.upper()}" for name in Settings.model_fields} | {"MFN_CACHE_DIR"}
    assert set(variables(overlay)) <= known
    held = {item["valueFrom"]["secretKeyRef"]["key"] for item in container(overlay)["env"]}
    assert held == set(the(overlay, "Secret")["stringData"])


@pytest.mark.parametrize(
    ("overlay", "name"), [("staging", "api_key"), ("prod", "api_key"), ("prod", "rate_limit_storage_url")]
)
def test_nothing_starts_with_a_placeholder_of_the_template(overlay: str, name: str) -> None:
    real = {variable: value for variable, value in REAL.items() if variable != f"MFN_{name.upper()}"}
    done = check_settings(variables(overlay, **real))
    assert done.returncode == 2
    assert f"the settings are wrong: {name}" in done.stderr


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_hold_once_the_secrets_are_real(overlay: str) -> None:
    done = check_settings(variables(overlay, **REAL))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_pod_lives_long_enough_to_finish_what_it_accepted(overlay: str) -> None:
    spec = the(overlay, "Deployment")["spec"]["template"]["spec"]
    away = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    longest = int(variables(overlay)["MFN_SHUTDOWN_SECONDS"])
    assert spec["terminationGracePeriodSeconds"] > away + longest


@pytest.mark.parametrize("overlay", GUARDED)
def test_the_budget_lets_a_node_be_drained_and_keeps_pods_that_serve(overlay: str) -> None:
    fewest = the(overlay, "HorizontalPodAutoscaler")["spec"]["minReplicas"]
    may_go = the(overlay, "PodDisruptionBudget")["spec"]["maxUnavailable"]
    assert 1 <= may_go < fewest


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_pod_is_one_that_the_restricted_standard_takes(overlay: str) -> None:
    spec = the(overlay, "Deployment")["spec"]["template"]["spec"]
    pod, inner = spec["securityContext"], spec["containers"][0]["securityContext"]
    assert pod == {**pod, "runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    assert inner == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is False


@pytest.mark.parametrize("overlay", GUARDED)
@pytest.mark.parametrize(("source", "target", "port", "protocol", "passes"), FLOWS)
def test_the_policies_let_through_what_the_table_says(
    overlay: str, source: Peer, target: Peer, port: int | str, protocol: str, passes: bool
) -> None:
    assert reaches(overlay, source, target, port, protocol) is passes


def routed(overlay: str) -> list[str]:
    [rule] = the(overlay, "Ingress")["spec"]["rules"]
    return [path["path"] for path in rule["http"]["paths"]]


def gateway_paths() -> list[str]:
    text = (render.HERE / "components" / "gateway" / "routes.yaml").read_text()
    [route] = [item for item in yaml.safe_load_all(text) if item["kind"] == "HTTPRoute"]
    return [match["path"]["value"] for rule in route["spec"]["rules"] for match in rule["matches"]]


def test_every_endpoint_but_the_inner_ones_is_reached_from_outside() -> None:
    app = create_app(load_settings(env="dev", warmup=False))
    served = {str(getattr(route, "path", "")) for route in app.routes}
    inner = {"/metrics", "/docs", "/redoc", "/openapi.json"}
    for path in {one for one in served if not one.startswith(tuple(inner))}:
        assert any(path == prefix or path.startswith(f"{prefix}/") for prefix in routed("prod")), path
    assert not inner & set(routed("prod"))


def test_the_gateway_routes_what_the_ingress_does() -> None:
    assert sorted(gateway_paths()) == sorted(routed("prod"))


def test_the_gateway_routes_the_services_of_grpc_that_there_are() -> None:
    text = (render.HERE / "components" / "gateway" / "routes.yaml").read_text()
    [route] = [item for item in yaml.safe_load_all(text) if item["kind"] == "GRPCRoute"]
    [rule] = route["spec"]["rules"]
    ours = mfn_pb2.DESCRIPTOR.services_by_name["MyceliumFractalNet"].full_name
    health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    assert {match["method"]["service"] for match in rule["matches"]} == {ours, health}
    ports = {port["port"]: port["name"] for port in the("prod", "Service")["spec"]["ports"]}
    assert [ports[backend["port"]] for backend in rule["backendRefs"]] == ["grpc"]
