"""The server: aggregates with the rule of the run's configuration and tests every round's model."""

from __future__ import annotations

import json
from pathlib import Path

from flwr.app import ArrayRecord, ConfigRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from flower_digits.task import accuracy, load, start
from mycelium_fractal_net.federated import NNM, GeometricMedian, RobustFedAvg, Rule, TrimmedMean

app = ServerApp()


def make_strategy(rule: str, clients: int, hostile: int) -> FedAvg:
    """Return the strategy with a name: Flower's own FedAvg, or a robust rule."""
    everybody = {"min_train_nodes": clients, "min_available_nodes": clients, "fraction_evaluate": 0.0}
    if rule == "fedavg":
        return FedAvg(**everybody)
    rules: dict[str, Rule] = {
        "nnm-trimmed-mean": TrimmedMean(f=hostile).after(NNM(f=hostile)),
        "geometric-median": GeometricMedian(tolerance=1e-6),
    }
    if rule not in rules:
        raise ValueError(f"rule is one of fedavg, {', '.join(rules)}; got {rule!r}")
    return RobustFedAvg(rule=rules[rule], **everybody)


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Train, and write the accuracy after every round to the file ``out``."""
    settings = context.run_config
    _, _, images, labels = load(int(settings["seed"]))

    def test(_: int, arrays: ArrayRecord) -> MetricRecord:
        return MetricRecord({"accuracy": accuracy(arrays, images, labels)})

    strategy = make_strategy(str(settings["rule"]), int(settings["clients"]), int(settings["hostile"]))
    result = strategy.start(grid, start(), int(settings["rounds"]), train_config=ConfigRecord(), evaluate_fn=test)
    if settings["out"]:
        found = [metrics["accuracy"] for _, metrics in sorted(result.evaluate_metrics_serverapp.items())]
        Path(str(settings["out"])).write_text(json.dumps(found), encoding="utf-8")
