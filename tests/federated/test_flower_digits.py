"""The example app: in this process, and on loopback with Flower's own SuperLink and SuperNodes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr")
pytest.importorskip("sklearn")

from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict

from mycelium_fractal_net.federated import RobustFedAvg
from tests.federated.flower_grid import LocalGrid

APP = Path(__file__).resolve().parents[2] / "examples" / "flower_digits"
CLIENTS = 10


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    """Import the app's modules as Flower does: with its folder on the path."""
    sys.path.insert(0, str(APP))
    try:
        yield lambda name: import_module(f"flower_digits.{name}")
    finally:
        sys.path.remove(str(APP))
        for name in [name for name in sys.modules if name.split(".")[0] == "flower_digits"]:
            del sys.modules[name]


def nodes(app: Any, **settings: Any) -> dict[int, Callable[[Message], Message]]:
    """Make the clients of the app."""
    config = {"clients": CLIENTS, "hostile": 2, "alpha": 1.0, "seed": 0, **settings}

    def node(number: int) -> Callable[[Message], Message]:
        context = Context(1, number, {"partition-id": number}, RecordDict(), config)
        return lambda message: app("client_app").app(message, context)

    return {number + 1: node(number) for number in range(CLIENTS)}


def train(app: Any, rule: str, rounds: int = 3, **settings: Any) -> tuple[Any, list[float]]:
    """Train, and return the strategy and the accuracy on the test images, before and after each round."""
    _, _, images, labels = app("task").load(0)

    def test(_: int, arrays: ArrayRecord) -> MetricRecord:
        return MetricRecord({"accuracy": app("task").accuracy(arrays, images, labels)})

    strategy = app("server_app").make_strategy(rule, CLIENTS, 2)
    result = strategy.start(LocalGrid(nodes(app, **settings)), app("task").start(), rounds, evaluate_fn=test)
    return strategy, [float(m["accuracy"]) for _, m in sorted(result.evaluate_metrics_serverapp.items())]


@pytest.mark.parametrize("rule", ["nnm-trimmed-mean", "geometric-median"])
def test_with_two_hostile_clients_robust_rules_learn(app: Any, rule: str) -> None:
    strategy, accuracies = train(app, rule)
    assert accuracies[0] < 0.2
    assert accuracies[-1] > 0.85
    assert isinstance(strategy, RobustFedAvg)
    assert [len(done.nodes) for done in strategy.rounds] == [CLIENTS] * 3
    assert all(done.aggregation is not None for done in strategy.rounds)


def test_with_two_hostile_clients_flowers_average_is_taken_over(app: Any) -> None:
    assert max(train(app, "fedavg")[1]) < 0.3


def test_without_hostile_clients_the_robust_rule_costs_little(app: Any) -> None:
    plain, robust = (train(app, rule, hostile=0)[1][-1] for rule in ("fedavg", "nnm-trimmed-mean"))
    assert robust > plain - 0.05 > 0.8


def test_a_rule_that_does_not_exist_is_named(app: Any) -> None:
    with pytest.raises(ValueError, match="rule is one of fedavg, nnm-trimmed-mean, geometric-median; got 'magic'"):
        app("server_app").make_strategy("magic", CLIENTS, 2)


def test_shards_hold_every_image_once(app: Any) -> None:
    images, _, _, _ = app("task").load(0)
    shards = [app("task").shard(client, CLIENTS, 1.0, 0)[0] for client in range(CLIENTS)]
    assert sum(map(len, shards)) == len(images)
    np.testing.assert_array_equal(np.sort(np.concatenate(shards).sum(axis=1)), np.sort(images.sum(axis=1)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "clients", "hostile", "least", "most"),
    [
        ("nnm-trimmed-mean", 4, 1, 50, 100),
        pytest.param("nnm-trimmed-mean", 10, 2, 70, 100, marks=pytest.mark.long),
        pytest.param("fedavg", 10, 2, 0, 30, marks=pytest.mark.long),
    ],
)
def test_on_a_real_network_the_robust_rule_learns_and_the_average_does_not(
    rule: str, clients: int, hostile: int, least: int, most: int
) -> None:
    command = [sys.executable, str(APP / "run_on_loopback.py"), "--rounds", "1", "--rules", rule]
    command += ["--clients", str(clients), "--hostile", str(hostile)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False, env=plain_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    found = {words[0]: float(words[-2]) for words in map(str.split, done.stdout.splitlines())}
    assert least <= found[rule] <= most


def plain_environment() -> dict[str, str]:
    """Return the environment without what measures coverage: it would slow some thirty processes."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}
