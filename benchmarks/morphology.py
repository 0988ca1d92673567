"""Train and test the tree that names what a pattern looks like: ``python -m benchmarks.morphology``.

Each named regime is run with several seeds and with its parameters varied around their values, and each kinetics where
it stays uniform. The name of the regime is the truth. Runs of other seeds and other parameters test the tree; the
confusion matrix is printed as a table. ``--write`` replaces the tree that the package ships.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

import mycelium_fractal_net as mfn
from mycelium_fractal_net.fields import MORPHOLOGY_NAMES, REGIMES, PatternNumbers, regime
from mycelium_fractal_net.fields.morphology import pattern_numbers

TREE = Path(mfn.__file__).parent / "fields" / "morphology.json"
LEAVES, LEAST = 12, 4
FLAT = 0.02  # contrast up to which a field is called uniform, whatever it was meant to show
FORM = 0.05  # contrast from which on it tells nothing of the form
NARROW: dict[str, tuple[float, dict[str, float]]] = {
    "gray-scott": (0.005, {"kill": 0.001}),
    "brusselator": (0.003, {"rate": 0.03, "control": 0.008}),
    "schnakenberg": (0.03, {"feed_h": 0.02}),
}
"""How far rates are moved, as a share of them, where 3% would leave the regime: otherwise, and by name."""
DEAD: tuple[dict[str, Any], ...] = (
    {"kinetics_parameters": {"bias": 0.16}},
    {"kinetics_parameters": {"D_h": 0.2}},
    {"kinetics": "classic"},
    {"kinetics": "schnakenberg", "kinetics_parameters": {"feed_a": 0.5, "feed_h": 0.9}},
    {"kinetics": "brusselator", "kinetics_parameters": {"control": 2.4}},
    {"kinetics": "gray-scott", "kinetics_parameters": {"feed": 0.03, "kill": 0.075}},
)


class Run(NamedTuple):
    """A configuration, what it shows, and what it is a variant of."""

    config: mfn.SimulationConfig
    truth: str
    source: str


def spread(config: mfn.SimulationConfig, draw: np.random.Generator) -> dict[str, float]:
    """Return the rates of a configuration, each moved by up to 3%, or as far as its regime reaches."""
    given = config.complete_parameters
    usual, narrow = NARROW.get(config.kinetics, (0.03, {}))
    moved = {name: value * (1 + narrow.get(name, usual) * draw.uniform(-1, 1)) for name, value in given.items()}
    if "bias" in given:
        moved["bias"] = given["bias"] + 0.006 * draw.uniform(-1, 1)
    return moved


def runs(count: int, seed: int) -> Iterator[Run]:
    """Yield so many runs of each regime whose form has a name, and half as many of each kinetics that stays uniform."""
    draw = np.random.default_rng(seed)
    for name, entry in REGIMES.items():
        for _ in range(count if entry.morphology else 0):
            # Chaos dies out where it has no room; patterns at rest need less.
            size = {} if entry.moving else {"grid_size": int(draw.choice([64, 80, 96]))}
            config = regime(name, seed=int(draw.integers(2**31)), spike_probability=0.0, **size)
            yield Run(config.model_copy(update={"kinetics_parameters": spread(config, draw)}), entry.morphology, name)
    for settings in DEAD:
        for _ in range(count // 2):
            config = mfn.SimulationConfig(
                grid_size=64, steps=400, seed=int(draw.integers(2**31)), spike_probability=0.0, **settings
            )
            config = config.model_copy(update={"kinetics_parameters": spread(config, draw)})
            yield Run(config, "uniform", f"{config.kinetics}, no pattern")


def measured(count: int, seed: int) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Return the numbers of each run, what it shows and what it is a variant of."""
    table, truth, source = [], [], []
    for run in runs(count, seed):
        table.append(pattern_numbers(mfn.simulate(run.config)))
        # Waves of narrow classes may annihilate each other to the last.
        truth.append(run.truth if table[-1].contrast > FLAT else "uniform")
        source.append(run.source)
        print(run.source, *(f"{value:.3f}" for value in table[-1]), flush=True)
    return np.array(table), truth, source


def clipped(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the numbers with the contrast cut off where it tells nothing of the form."""
    return np.column_stack([np.minimum(table[:, 0], FORM), table[:, 1:]])


def fitted(table: NDArray[np.float64], truth: list[str]) -> DecisionTreeClassifier:
    """Fit a tree of few leaves, which cannot tell one kinetics from another by its contrast."""
    tree = DecisionTreeClassifier(
        max_leaf_nodes=LEAVES, min_samples_leaf=LEAST, class_weight="balanced", random_state=0
    )
    return tree.fit(clipped(table), truth)


def as_nodes(model: DecisionTreeClassifier, table: NDArray[np.float64], truth: list[str], node: int = 0) -> Any:
    """Return the tree as nested nodes with rounded thresholds, each leaf with the share of its name."""
    tree = model.tree_
    if tree.children_left[node] < 0:
        values = tree.value[node][0]
        held = np.flatnonzero(model.apply(clipped(table)) == node)
        name = str(model.classes_[int(values.argmax())])
        share = float(np.mean([truth[index] == name for index in held]))
        return {"name": name, "share": round(share, 3), "fields": len(held)}
    ends = (tree.children_left[node], tree.children_right[node])
    low, high = (as_nodes(model, table, truth, end) for end in ends)
    if low.get("name") == high.get("name") is not None:  # two leaves of one name are one
        fields = low["fields"] + high["fields"]
        share = (low["share"] * low["fields"] + high["share"] * high["fields"]) / fields
        return {"name": low["name"], "share": round(share, 3), "fields": fields}
    threshold = float(f"{tree.threshold[node]:.4g}")
    return {"feature": PatternNumbers._fields[tree.feature[node]], "threshold": threshold, "low": low, "high": high}


def named(tree: Any, row: NDArray[np.float64]) -> str:
    """Return what the tree calls a field."""
    while "feature" in tree:
        value = row[PatternNumbers._fields.index(tree["feature"])]
        tree = tree["low" if value <= tree["threshold"] else "high"]
    return str(tree["name"])


def confusion(truth: list[str], found: list[str]) -> str:
    """Return the confusion matrix as a table: rows are the truth, columns what was found."""
    lines = [f"| | {' | '.join(MORPHOLOGY_NAMES)} | right |", "|---" * (len(MORPHOLOGY_NAMES) + 2) + "|"]
    for name in MORPHOLOGY_NAMES:
        row = [found[index] for index, each in enumerate(truth) if each == name]
        counts = " | ".join(str(row.count(each)) for each in MORPHOLOGY_NAMES)
        lines.append(f"| {name} | {counts} | {row.count(name) / max(1, len(row)):.0%} |")
    right = np.mean([a == b for a, b in zip(truth, found, strict=True)])
    return "\n".join([*lines, f"\n{right:.1%} of {len(truth)} right"])


def left_out(table: NDArray[np.float64], truth: list[str], source: list[str]) -> tuple[list[str], list[str]]:
    """Return truth and answers for regimes of which the tree has seen no field, where others show the form."""
    told: list[str] = []
    found: list[str] = []
    for name in dict.fromkeys(source):
        held = [index for index, each in enumerate(source) if each == name]
        kept = [index for index, each in enumerate(source) if each != name]
        if not {truth[index] for index in held} <= {truth[index] for index in kept}:
            continue
        model = fitted(table[kept], [truth[index] for index in kept])
        pairs = [(truth[held[k]], str(answer)) for k, answer in enumerate(model.predict(clipped(table[held])))]
        wrong = Counter(f"{right} as {answer}" for right, answer in pairs if right != answer)
        print(f"without {name}: {len(pairs) - wrong.total()} of {len(pairs)} right", dict(wrong) or "")
        told += [right for right, _ in pairs]
        found += [answer for _, answer in pairs]
    return told, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=12, help="Runs of each regime to train on; half as many test.")
    parser.add_argument("--write", action="store_true", help="Replace the tree of the package.")
    options = parser.parse_args()
    table, truth, source = measured(options.count, 1)
    tree = as_nodes(fitted(table, truth), table, truth)
    tested, test_truth, test_source = measured(options.count // 2, 2)
    found = [named(tree, row) for row in tested]
    for name, told, seen in zip(test_source, test_truth, found, strict=True):
        if told != seen:
            print(f"wrong: {name} is {told}, found {seen}")
    print(confusion(test_truth, found))
    print("\nregimes that the tree has not seen:")
    print(confusion(*left_out(np.concatenate([table, tested]), truth + test_truth, source + test_source)))
    if options.write:
        lines = {"trained_by": "python -m benchmarks.morphology --write", "fields": len(truth), "tree": tree}
        TREE.write_text(json.dumps(lines, indent=1) + "\n")


if __name__ == "__main__":
    main()
