"""The robustness benchmark trains, attacks and reports what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from benchmarks.digits import Batches, Digits, Network, dirichlet_shards
from benchmarks.robustness import ATTACKS, RULES, Results, Setting, quick, run, tasks, train
from benchmarks.robustness_report import (
    BEGIN,
    END,
    PAGE,
    SHORT,
    by_attack,
    draw,
    mean_and_reach,
    overview,
    unattacked,
    worst,
    write,
)

pytest.importorskip("sklearn")

NEARLY_EQUAL = Setting(alpha=100.0, rounds=40)


@pytest.fixture(scope="module")
def found() -> Results:
    return quick()


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_learns_when_nobody_attacks_and_data_are_alike(rule: str) -> None:
    assert train(RULES[rule], "none", NEARLY_EQUAL, seed=0) > 0.85


@pytest.mark.slow
def test_attacked_the_best_robust_rule_learns_and_the_mean_does_not(found: Results) -> None:
    (setting,) = {setting for setting, _, _ in found}
    worst_cases = {rule: worst(found, setting, rule)[1] for _, rule, _ in found}
    assert worst_cases.pop("Mean") < 0.2
    assert max(worst_cases.values()) > 0.55


def test_mixing_helps_the_trimmed_mean_when_data_differ(found: Results) -> None:
    (setting,) = {setting for setting, _, _ in found}
    assert worst(found, setting, "NNM + TrimmedMean")[1] > worst(found, setting, "TrimmedMean")[1] + 0.05


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_runs_and_repeats_itself(attack: str) -> None:
    short = Setting(rounds=16, search_every=8)
    first, second = (train(RULES["HierarchicalKrum"], attack, short, seed=3) for _ in range(2))
    assert first == second
    assert 0.0 <= first <= 1.0


def test_clipping_refuses_more_broken_updates_than_it_is_meant_for() -> None:
    results = run(tasks([Setting(rounds=8)], ["CenteredClipping"], ["none", "SignFlip", "NotANumber"], seeds=1), 1)
    (setting,) = {setting for setting, _, _ in results}
    assert "refused" in by_attack(results, setting)
    assert worst(results, setting, "CenteredClipping")[0] == "SignFlip"


def test_the_worst_case_is_free_of_the_bias_of_its_minimum() -> None:
    rng = np.random.default_rng(0)
    alike = [{("", "rule", str(attack)): rng.normal(0.7, 0.05, 20).tolist() for attack in range(8)} for _ in range(300)]
    found = [worst(results, "", "rule") for results in alike]
    naive = np.mean([min(np.mean(x) for x in results.values()) for results in alike])
    assert np.mean([each.mean for each in found]) == pytest.approx(0.7, abs=0.003)
    assert naive < 0.69
    assert np.mean([abs(each.mean - 0.7) <= each.reach for each in found]) >= 0.95


def test_an_interval_is_students() -> None:
    values = np.random.default_rng(1).random(20)
    expected = scipy.stats.t.interval(0.95, 19, values.mean(), scipy.stats.sem(values))
    mean, reach = mean_and_reach(values)
    assert (mean - reach, mean + reach) == pytest.approx(expected)


def test_tables_and_picture_hold_every_rule(found: Results, tmp_path: Path) -> None:
    rules = {rule for _, rule, _ in found}
    for table in (overview(found), unattacked(found)):
        assert len(table.splitlines()) == 2 + len(rules)
        assert all(f"| {rule} |" in table for rule in rules)
    draw(found, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_the_page_holds_the_full_table() -> None:
    table = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert all(f"| {rule} |" in table for rule in RULES)
    assert all(SHORT.get(attack, attack) in table for attack in ATTACKS)


def test_a_run_says_on_the_page_what_its_numbers_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\n**an earlier run**\n{END}\nbelow", encoding="utf-8")
    monkeypatch.setattr("benchmarks.robustness_report.PAGE", page)
    monkeypatch.setattr("benchmarks.robustness_report.PICTURE", tmp_path / "picture.png")
    draw_number = np.random.default_rng(5).uniform
    write({(Setting(), "Mean", attack): draw_number(0.5, 0.9, 20).tolist() for attack in ("none", *ATTACKS)})
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"above\n{BEGIN}\n20 seeds in 1 settings; ± is the reach of Student's interval of 95 %")
    assert "earlier" not in text
    assert text.endswith(f"{END}\nbelow")


@pytest.mark.parametrize("hidden", [0, 10])
def test_gradients_are_those_of_the_cross_entropy(hidden: int) -> None:
    rng = np.random.default_rng(0)
    network = Network(hidden)
    parameters = network.start(rng) + rng.normal(scale=0.1, size=len(network.start(rng)))
    images, labels = rng.random((3, 5, 64)), rng.integers(0, 10, (3, 5))
    along = rng.normal(size=len(parameters))
    numeric = [_loss(network, parameters + h * along, images, labels) for h in (1e-5, -1e-5)]
    expected = (numeric[0] - numeric[1]) / 2e-5
    np.testing.assert_allclose(network.gradients(parameters, images, labels) @ along, expected, rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 100.0])
def test_a_partition_gives_every_image_to_one_client(alpha: float) -> None:
    labels = Digits.load(0).labels
    shards = dirichlet_shards(labels, 20, alpha, np.random.default_rng(1))
    assert len(shards) == 20
    np.testing.assert_array_equal(np.sort(np.concatenate(shards)), np.arange(len(labels)))


def test_a_smaller_alpha_gives_clients_fewer_classes() -> None:
    labels = Digits.load(0).labels
    held = [
        np.mean([len(np.unique(labels[shard])) for shard in dirichlet_shards(labels, 20, a, np.random.default_rng(2))])
        for a in (0.1, 0.5, 100.0)
    ]
    assert held == sorted(held)
    assert held[0] < 5 < held[1] < 9 < held[2]


def test_batches_come_from_the_clients_own_images() -> None:
    data = Digits.load(0)
    shards = dirichlet_shards(data.labels, 20, 0.1, np.random.default_rng(3))
    batches = Batches(data.images, [data.labels[s] for s in shards], shards, 8, np.random.default_rng(4))
    images, labels = batches.draw()
    for own, drawn, named in zip(shards, images, labels, strict=True):
        rows = [np.flatnonzero((data.images[own] == image).all(axis=1))[0] for image in drawn]
        np.testing.assert_array_equal(data.labels[own][rows], named)


def _loss(network: Network, parameters: np.ndarray, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return every client's cross-entropy, written out with the textbook's logarithm."""
    cut = 65 * network.hidden
    inner = images
    if network.hidden:
        first = parameters[:cut].reshape(65, network.hidden)
        inner = np.tanh(images @ first[:64] + first[64])
    second = parameters[cut:].reshape(-1, 10)
    logits = inner @ second[:-1] + second[-1]
    chosen = np.take_along_axis(logits, labels[..., None], axis=2)[..., 0]
    return np.asarray((np.log(np.exp(logits).sum(axis=2)) - chosen).mean(axis=1))
