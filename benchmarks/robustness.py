"""Train on digits under attack: every rule, every attack, worst case. Writes docs/robustness.md and its picture.

``python -m benchmarks.robustness`` runs all of it on all cores; ``--quick`` prints a small part and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.digits import Batches, Digits, Floats, Network, dirichlet_shards
from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated import (
    NNM,
    ALittleIsEnough,
    Bucketing,
    Bulyan,
    CenteredClipping,
    GaussianNoise,
    GeometricMedian,
    HierarchicalKrum,
    InnerProductManipulation,
    Krum,
    LabelFlip,
    Mean,
    Median,
    Mimic,
    MinMax,
    MultiKrum,
    NormClipping,
    NotANumber,
    Pipeline,
    Rule,
    SignFlip,
    TrimmedMean,
)

CLIENTS, HOSTILE = 20, 4
HONEST = CLIENTS - HOSTILE
BATCH = 32
RATE = 1.0
CLIPPING_RADIUS = 1.0
SEEDS = 20

_PLAIN: dict[str, Rule] = {
    "Mean": Mean(),
    "Median": Median(),
    "TrimmedMean": TrimmedMean(HOSTILE),
    "Krum": Krum(HOSTILE),
    "MultiKrum": MultiKrum(HOSTILE),
    "Bulyan": Bulyan(HOSTILE),
    "GeometricMedian": GeometricMedian(tolerance=1e-6),
    "CenteredClipping": CenteredClipping(CLIPPING_RADIUS, iterations=3),
    "HierarchicalKrum": HierarchicalKrum(clusters=4, seed=0),
}
_MIXED = ("Median", "TrimmedMean", "Krum", "MultiKrum", "GeometricMedian", "CenteredClipping")
RULES: dict[str, Rule] = (
    _PLAIN
    | {
        "NormClipping + Mean": Mean().after(NormClipping(CLIPPING_RADIUS)),
        "Bucketing + GeometricMedian": _PLAIN["GeometricMedian"].after(Bucketing(2, seed=0)),
    }
    | {f"NNM + {name}": _PLAIN[name].after(NNM(HOSTILE)) for name in _MIXED}
)


@dataclass(frozen=True)
class Setting:
    """What is learned, on which partition, how."""

    model: str = "softmax"
    alpha: float = 0.5
    momentum: float = 0.9
    rounds: int = 80
    search_every: int = 20

    @property
    def network(self) -> Network:
        """Return the model: 650 parameters, or 760."""
        return Network(hidden=10 if self.model == "MLP" else 0)


SETTINGS = [Setting(*chosen) for chosen in product(("softmax", "MLP"), (0.5, 0.1), (0.9,))]

Forge = Callable[[Floats, Rule, int], Floats]
"""Honest updates, the server's rule and the round in, hostile updates out."""


class Searched:
    """Ask for the strongest parameters against the rule every so often, and keep to them in between."""

    def __init__(self, choose: Callable[[Floats, Rule], Callable[[Floats], Floats]], every: int) -> None:
        self._choose, self._every = choose, every
        self._attack: Callable[[Floats], Floats] | None = None

    def __call__(self, honest: Floats, rule: Rule, step: int) -> Floats:
        if self._attack is None or step % self._every == 0:
            self._attack = self._choose(honest, rule)
        return self._attack(honest)


class Steady:
    """Mimic as published: find the client in the first rounds, then repeat that one."""

    def __init__(self, warm_up: int = 10) -> None:
        self._warm_up, self._sum, self._mimic = warm_up, np.zeros(1), Mimic()

    def __call__(self, honest: Floats, _rule: Rule, step: int) -> Floats:
        if step < self._warm_up:
            self._sum = self._sum + honest
        elif step == self._warm_up:
            gaps = self._sum - Mimic()(self._sum, count=1)
            self._mimic = Mimic(target=int(np.argmin(np.abs(gaps).sum(axis=1))))
        return np.asarray(self._mimic(honest, count=HOSTILE))


def _inner_product(honest: Floats, rule: Rule) -> Callable[[Floats], Floats]:
    mean = honest.mean(axis=0)
    forged = InnerProductManipulation(rule=rule)(honest, count=HOSTILE)[0]
    scale = -float(forged @ mean) / (float(mean @ mean) or 1.0)
    return lambda now: np.asarray(InnerProductManipulation(scale)(now, count=HOSTILE))


def _little(honest: Floats, rule: Rule) -> Callable[[Floats], Floats]:
    mean, spread = honest.mean(axis=0), honest.std(axis=0)
    widest = int(spread.argmax())
    forged = ALittleIsEnough(rule=rule)(honest, count=HOSTILE)[0]
    z = float(mean[widest] - forged[widest]) / float(spread[widest] or 1.0)
    return lambda now: np.asarray(ALittleIsEnough(z)(now, count=HOSTILE))


def _min_max(honest: Floats, rule: Rule) -> Callable[[Floats], Floats]:
    mean = honest.mean(axis=0)
    attacks = [MinMax("std"), MinMax("unit"), MinMax("sign")]

    def moved(attack: MinMax) -> float:
        return float(np.linalg.norm(rule(np.concatenate([honest, attack(honest, HOSTILE)])) - mean))

    best = max(attacks, key=moved)
    return lambda now: np.asarray(best(now, count=HOSTILE))


def _forger(attack: str, setting: Setting, seed: int) -> Forge:
    """Return the attack, ready for one training; those on the labels send what the clients computed."""
    searched = {"InnerProductManipulation": _inner_product, "ALittleIsEnough": _little, "MinMax": _min_max}
    if attack in searched:
        return Searched(searched[attack], setting.search_every)
    simple: dict[str, Forge] = {
        "SignFlip": lambda honest, _rule, _step: SignFlip()(honest, HOSTILE),
        "GaussianNoise": lambda honest, _rule, step: GaussianNoise(seed=1000 * seed + step)(honest, HOSTILE),
        "NotANumber": lambda honest, _rule, _step: NotANumber()(honest, HOSTILE),
        "Mimic": Steady(),
    }
    return simple[attack]


ON_LABELS = ("none", "LabelFlip")
ATTACKS = (
    "SignFlip",
    "InnerProductManipulation",
    "ALittleIsEnough",
    "MinMax",
    "Mimic",
    "GaussianNoise",
    "LabelFlip",
    "NotANumber",
)


def reseeded(rule: Rule, seed: int) -> Rule:
    """Return the rule with a fresh assignment where it has one: a fixed one would be known to the attacker."""
    if isinstance(rule, Pipeline):
        return Pipeline(tuple(replace(s, seed=seed) if isinstance(s, Bucketing) else s for s in rule.steps), rule.rule)
    return replace(rule, seed=seed) if isinstance(rule, HierarchicalKrum) else rule


def train(rule: Rule, attack: str, setting: Setting, seed: int) -> float:
    """Return the test accuracy, averaged over the last eighth of the rounds; NaN if the rule refuses the updates."""
    data = Digits.load(seed)
    rng = np.random.default_rng([seed, 1])
    shards = dirichlet_shards(data.labels, CLIENTS, setting.alpha, rng)
    labels = [data.labels[shard] for shard in shards]
    if attack == "LabelFlip":
        labels[HONEST:] = [np.asarray(LabelFlip()(own), dtype=np.intp) for own in labels[HONEST:]]
    batches = Batches(data.images, labels, shards, BATCH, rng)
    forge = None if attack in ON_LABELS else _forger(attack, setting, seed)
    network = setting.network
    parameters = network.start(rng)
    sent = np.zeros((CLIENTS, len(parameters)))
    found = []
    for step in range(setting.rounds):
        fresh = network.gradients(parameters, *batches.draw())
        sent = setting.momentum * sent + (1.0 - setting.momentum) * fresh
        updates = sent
        if forge is not None:
            honest = sent[:HONEST]
            updates = np.concatenate([honest, forge(honest, reseeded(rule, 2 * step), step)])
        try:
            answer = reseeded(rule, 2 * step + 1)(updates)
        except AggregationError:
            return float("nan")
        parameters = parameters - RATE * answer
        if step >= setting.rounds - setting.rounds // 8:
            found.append(network.accuracy(parameters, data.test_images, data.test_labels))
    return float(np.mean(found))


Results = dict[tuple[Setting, str, str], list[float]]
"""Accuracies of all seeds by setting, rule and attack."""


Task = tuple[str, str, Setting, int]


def run(tasks: Iterable[Task], jobs: int, store: Path | None = None) -> Results:
    """Train everything that is asked for; with more than one job in processes of one thread each.

    What ``store`` holds already is not trained again; each accuracy is added to it as it comes, one line of JSON.
    """
    asked = list(tasks)
    known = _stored(store)
    missing = [task for task in asked if task not in known]
    for task, accuracy in zip(missing, _trained(missing, jobs), strict=True):
        known[task] = accuracy
        if store is not None:
            rule, attack, setting, seed = task
            line = json.dumps([rule, attack, astuple(setting), seed, accuracy])
            with store.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
    results: Results = {}
    for task in asked:
        rule, attack, setting, _ = task
        results.setdefault((setting, rule, attack), []).append(known[task])
    return results


def _trained(tasks: list[Task], jobs: int) -> Iterator[float]:
    if jobs == 1:
        yield from map(_train_named, tasks)
        return
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_train_named, tasks, chunksize=10)


def _stored(store: Path | None) -> dict[Task, float]:
    if store is None or not store.exists():
        return {}
    rows = (json.loads(line) for line in store.read_text(encoding="utf-8").splitlines())
    return {(rule, attack, Setting(*setting), seed): accuracy for rule, attack, setting, seed, accuracy in rows}


def _train_named(task: Task) -> float:
    rule, attack, setting, seed = task
    return train(RULES[rule], attack, setting, seed)


def tasks(
    settings: Iterable[Setting],
    rules: Iterable[str] = tuple(RULES),
    attacks: Iterable[str] = ("none", *ATTACKS),
    seeds: int = SEEDS,
) -> list[Task]:
    """Return all combinations, seed by seed."""
    asked = product(range(seeds), settings, rules, attacks)
    return [(rule, attack, setting, seed) for seed, setting, rule, attack in asked]


def quick(jobs: int = 1) -> Results:
    """Train a small part: one seed, 30 rounds, no attack and three strong ones."""
    setting = Setting(rounds=30, search_every=15)
    chosen = ("Mean", "TrimmedMean", "GeometricMedian", "NNM + TrimmedMean", "NNM + GeometricMedian")
    attacks = ("none", "InnerProductManipulation", "ALittleIsEnough", "GaussianNoise")
    return run(tasks([setting], chosen, attacks, seeds=1), jobs)


def main() -> None:
    """Run all, or with ``--quick`` a part."""
    from benchmarks.robustness_report import overview, write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, few rounds; print, write nothing")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--store", type=Path, help="keep accuracies in this file, and do not train what it holds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes of one thread")
    asked = parser.parse_args()
    if asked.quick:
        print(overview(quick(asked.jobs)))
    else:
        write(run(tasks(SETTINGS, seeds=asked.seeds), asked.jobs, asked.store))


if __name__ == "__main__":
    main()
