"""Alerts, dashboard and scrape configuration against a service that has served every endpoint and a real Prometheus."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.service.helpers import AUTH, ION, KEY, SMALL, Server, free_port, running

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy" / "observability"
PAGE = (ROOT / "docs" / "service" / "telemetry.md").read_text()
DASHBOARD: dict[str, Any] = json.loads((HERE / "grafana-dashboard.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((HERE / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}
SHOWN = [
    pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
    for panel in PANELS
    for target in panel["targets"]
]
WATCHED = [pytest.param(rule["expr"], id=name) for name, rule in ALERTS.items()]

_OF_THE_TARGET = {"job", "instance"}
_SUFFIX = re.compile(r"_(bucket|sum|count)$")
_NAME = re.compile(r"\b(?:up|(?:mfn|process)_\w+)\b")
_SELECTOR = re.compile(r"\b(up|(?:mfn|process)_\w+)\{([^}]*)\}")
_LABEL = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is missing: apt-get install prometheus")
    return str(found)


def _promtool(*arguments: str, text: str | None = None) -> str:
    done = subprocess.run(
        [_program("promtool"), *arguments], input=text, capture_output=True, text=True, check=False, cwd=HERE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _expression(text: str) -> str:
    """Put values in place of Grafana's variables."""
    values = {"$__rate_interval": "1m", "$job": ".+", "$instance": ".+"}
    for variable, value in values.items():
        text = text.replace(variable, value)
    assert "$" not in text
    return text


def _serve_everything(server: Server) -> None:
    simulation = {**SMALL, "turing_enabled": False, "include": ["lyapunov"]}
    with httpx.Client(base_url=server.url, headers=AUTH, timeout=600) as client:
        answers = [
            client.get("/health"),
            client.get("/health/live"),
            client.post("/nernst", json=ION),
            client.post("/simulate", json=simulation),
            client.post("/features", json={"field": [[-70.0, -40.0] * 4] * 8}),
            client.post("/validate", json={"grid_size": 16, "steps": 8}),
            client.post("/federated/aggregate", json={"gradients": [[1.0]] * 3, "rule": "median"}),
            client.get("/stream/simulate", params={"grid_size": 16, "steps": 8}),
            client.get("/metrics"),
        ]
        assert {answer.status_code for answer in answers} == {200}
        assert client.post("/nernst", json=ION, headers={"X-API-Key": "wrong"}).status_code == 401


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as server:
        _serve_everything(server)
        yield server


@pytest.fixture(scope="module")
def text(server: Server) -> str:
    return httpx.get(f"{server.url}/metrics", headers=AUTH, timeout=600).text


@pytest.fixture(scope="module")
def labels(text: str) -> dict[str, set[str]]:
    """Labels by name of sample, those of the target included."""
    found: dict[str, set[str]] = {"up": set(_OF_THE_TARGET)}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, rest = line.partition("{")
            own = set(_LABEL.findall(rest))
            found.setdefault(name.split(" ")[0], set(_OF_THE_TARGET)).update(own)
    return found


def test_the_rules_are_valid() -> None:
    assert f"{len(ALERTS)} rules found" in _promtool("check", "rules", "alerts.yml")


def test_every_alert_fires_where_it_should_and_nowhere_else() -> None:
    assert "SUCCESS" in _promtool("test", "rules", "alerts_test.yml")


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_case_of_either_kind(alert: str) -> None:
    tests = yaml.safe_load((HERE / "alerts_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"] if case["alertname"] == alert]
    assert {bool(case["exp_alerts"]) for case in cases} == {True, False}


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_severity_a_text_and_a_section_to_read(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert all(rule["annotations"][name].strip() for name in ("summary", "description"))
    assert rule["annotations"]["runbook"] == f"docs/service/telemetry.md#{alert.lower()}"
    assert f"\n### {alert}\n" in PAGE


def test_the_page_has_no_section_for_an_alert_that_is_gone() -> None:
    assert re.findall(r"^### (MFN\w+)$", PAGE, re.MULTILINE) == list(ALERTS)


def test_the_scrape_configuration_is_valid(tmp_path: Path) -> None:
    for name in ("prometheus.yml", "alerts.yml"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "metrics-key").write_text(KEY)
    assert "is valid prometheus config" in _promtool("check", "config", str(tmp_path / "prometheus.yml"))


def test_prometheus_finds_nothing_to_criticise_in_the_metrics(text: str) -> None:
    assert _promtool("check", "metrics", text=text) == ""


@pytest.mark.parametrize("expression", [*WATCHED, *SHOWN])
def test_every_name_and_label_of_an_expression_is_exported(expression: str, labels: dict[str, set[str]]) -> None:
    names = set(_NAME.findall(expression))
    assert names
    assert names <= set(labels)
    for name, selector in _SELECTOR.findall(expression):
        assert set(_LABEL.findall(selector)) <= labels[name]
    known = set.union(*(labels[name] for name in names))
    grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in group.split(",")}
    assert grouped <= known


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_every_legend_names_labels_that_are_left(panel: dict[str, Any], labels: dict[str, set[str]]) -> None:
    for target in panel["targets"]:
        wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        outer = re.match(r"(?:histogram_quantile\([\d.]+, )?(?:sum|count|max) by \(([^)]*)\)", target["expr"])
        left = set(outer[1].split(", ")) if outer else labels[_NAME.findall(target["expr"])[0]]
        assert wanted <= left


def test_every_expression_of_the_dashboard_parses(tmp_path: Path) -> None:
    expressions = [_expression(target["expr"]) for panel in PANELS for target in panel["targets"]]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions)]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(expressions)} rules found" in _promtool("check", "rules", str(path))


def test_panels_explain_themselves_and_do_not_overlap() -> None:
    everything = DASHBOARD["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in everything)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert all(panel["description"].endswith(".") for panel in PANELS)


def test_the_dashboard_takes_its_data_from_a_variable() -> None:
    variables = {variable["name"]: variable["type"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "job": "query", "instance": "query"}
    sources = [panel["datasource"] for panel in PANELS]
    sources += [target["datasource"] for panel in PANELS for target in panel["targets"]]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)


def test_every_metric_of_ours_is_shown_or_watched(labels: dict[str, set[str]]) -> None:
    ours = {_SUFFIX.sub("", name) for name in labels if name.startswith("mfn_") and not name.endswith("_created")}
    expressions = [str(param.values[0]) for param in [*WATCHED, *SHOWN]]
    used = {_SUFFIX.sub("", name) for expression in expressions for name in _NAME.findall(expression)}
    assert ours <= used


def test_the_page_lists_every_metric_with_its_type_and_labels(text: str, labels: dict[str, set[str]]) -> None:
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    exported = {}
    for name, kind in types.items():
        if not name.endswith("_created"):
            sample = f"{name}_sum" if kind == "histogram" else name
            exported[name] = (kind, labels[sample] - _OF_THE_TARGET)
    rows = re.findall(r"^\| `((?:mfn|process)_\w+)` \| (\w+) \|([^|]*)\|", PAGE, re.MULTILINE)
    assert {name: (kind, set(re.findall(r"`(\w+)`", own))) for name, kind, own in rows} == exported


@contextmanager
def _prometheus(directory: Path, server: Server) -> Iterator[httpx.Client]:
    """Run Prometheus on the configuration as it is shipped, but for port and pace."""
    configuration = yaml.safe_load((HERE / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{server.port}"]}]
    (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    (directory / "metrics-key").write_text(KEY)
    shutil.copy(HERE / "alerts.yml", directory)
    address = f"127.0.0.1:{free_port()}"
    options = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([_program("prometheus"), *options], cwd=directory, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=120) as client:
            yield client
    finally:
        process.terminate()
        process.wait(60)


def _query(prometheus: httpx.Client, expression: str) -> list[Any]:
    answer = prometheus.get("/api/v1/query", params={"query": expression}).json()
    assert answer["status"] == "success", answer
    found: list[Any] = answer["data"]["result"]
    return found


def _wait_for(prometheus: httpx.Client, expression: str) -> None:
    for _ in range(6000):
        try:
            if _query(prometheus, expression):
                return
        except (httpx.TransportError, ValueError):  # it is not up yet
            pass
        time.sleep(0.1)
    raise AssertionError(f"Prometheus has no {expression}")


@pytest.fixture(scope="module")
def prometheus(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with _prometheus(tmp_path_factory.mktemp("prometheus"), server) as client:
        _wait_for(client, 'sum_over_time(up{job="mfn"}[1m]) >= 3')
        yield client


@pytest.mark.parametrize("expression", SHOWN)
def test_every_panel_shows_something(expression: str, prometheus: httpx.Client) -> None:
    assert _query(prometheus, _expression(expression))


def test_every_rule_is_evaluated_and_a_service_that_is_well_sets_none_off(prometheus: httpx.Client) -> None:
    for _ in range(6000):
        groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
        states = {rule["name"]: (rule["health"], rule["state"]) for group in groups for rule in group["rules"]}
        if not any(health == "unknown" for health, _ in states.values()):
            break
        time.sleep(0.1)
    assert states == dict.fromkeys(ALERTS, ("ok", "inactive"))
