from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import norm

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated import (
    NNM,
    ALittleIsEnough,
    Attack,
    GaussianNoise,
    InnerProductManipulation,
    Krum,
    LabelFlip,
    Mean,
    Median,
    Mimic,
    MinMax,
    NotANumber,
    Rule,
    SignFlip,
    TrimmedMean,
)
from mycelium_fractal_net.federated.attacks.a_little_is_enough import z_max

Rows = NDArray[np.float64]
HONEST = 0.5 + np.random.default_rng(0).normal(size=(16, 20))
MEAN = HONEST.mean(axis=0)
COLLUDING: list[Attack] = [
    SignFlip(),
    InnerProductManipulation(0.5),
    ALittleIsEnough(),
    MinMax(),
    MinMax("unit"),
    MinMax("sign"),
    Mimic(),
    NotANumber(),
]
RULES: list[Rule] = [Krum(4), Median(), TrimmedMean(4), TrimmedMean(4).after(NNM(4))]


def after(attack: Attack, rule: Rule) -> Rows:
    return np.asarray(rule(np.concatenate([HONEST, attack(HONEST, 4)])))


@pytest.mark.parametrize("attack", [*COLLUDING, GaussianNoise(seed=1)], ids=repr)
def test_an_attack_gives_rows_of_the_honest_kind_and_leaves_the_honest_alone(attack: Attack) -> None:
    given = HONEST.astype(np.float32)
    given.setflags(write=False)
    assert (attack(given, 3).shape, attack(given, 3).dtype) == ((3, 20), np.float32)
    tensor = attack(torch.from_numpy(HONEST), 2)
    np.testing.assert_array_equal(tensor.numpy(), attack(HONEST, 2))


@pytest.mark.parametrize("attack", COLLUDING, ids=repr)
def test_colluders_send_the_same(attack: Attack) -> None:
    rows = attack(HONEST, 3)
    np.testing.assert_array_equal(rows, np.tile(rows[0], (3, 1)))


def test_the_closed_forms() -> None:
    np.testing.assert_allclose(SignFlip()(HONEST)[0], -MEAN)
    np.testing.assert_allclose(SignFlip(3.0)(HONEST)[0], -3 * MEAN)
    np.testing.assert_allclose(InnerProductManipulation(0.1)(HONEST)[0], -0.1 * MEAN)
    np.testing.assert_allclose(ALittleIsEnough(z=1.5)(HONEST)[0], MEAN - 1.5 * HONEST.std(axis=0))
    np.testing.assert_array_equal(Mimic(target=3)(HONEST)[0], HONEST[3])
    assert np.isposinf(NotANumber(value=np.inf)(HONEST)).all()


@pytest.mark.parametrize(("n", "f"), [(50, 24), (51, 12), (20, 4), (25, 5)])
def test_z_max_is_that_of_the_paper(n: int, f: int) -> None:
    supporters = n // 2 + 1 - f
    assert z_max(n, f) == pytest.approx(norm.ppf((n - f - supporters) / (n - f)))


def test_z_max_has_limits_where_the_formula_has_none() -> None:
    assert z_max(10, 6) == 6.0
    assert z_max(4, 0) == 0.0


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_searched_z_is_at_least_as_strong_as_any_on_a_grid(rule: Rule) -> None:
    def damage(attack: Attack) -> float:
        return float(np.linalg.norm(after(attack, rule) - MEAN))

    grid = [damage(ALittleIsEnough(z=z)) for z in np.concatenate([-np.arange(0.1, 4, 0.3), np.arange(0.1, 4, 0.3)])]
    assert damage(ALittleIsEnough(rule=rule)) >= 0.97 * max(grid)
    assert damage(ALittleIsEnough(rule=rule)) >= damage(ALittleIsEnough())


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_searched_scale_is_at_least_as_strong_as_any_on_a_grid(rule: Rule) -> None:
    def gain(attack: Attack) -> float:
        return float(after(attack, rule) @ MEAN)

    grid = [gain(InnerProductManipulation(scale)) for scale in np.geomspace(0.05, 20, 15)]
    assert gain(InnerProductManipulation(rule=rule)) <= min(grid) + 0.03 * abs(min(grid))


def test_the_default_scale_turns_a_mean_around() -> None:
    assert after(InnerProductManipulation(), Mean()) @ MEAN < 0


@pytest.mark.parametrize("direction", ["std", "unit", "sign"])
def test_min_max_goes_as_far_as_the_greatest_honest_distance_and_no_further(direction: Any) -> None:
    forged = MinMax(direction)(HONEST)[0]
    greatest = np.linalg.norm(HONEST[:, None] - HONEST, axis=2).max()
    assert np.linalg.norm(HONEST - forged, axis=1).max() == pytest.approx(greatest, rel=1e-12)
    assert (forged - MEAN) @ MEAN < 0


def test_min_max_of_equal_updates_is_that_update() -> None:
    np.testing.assert_allclose(MinMax()(np.ones((4, 2)))[0], [1.0, 1.0])


def test_mimic_repeats_the_one_that_stands_out_most() -> None:
    spread = HONEST.copy()
    spread[5] = MEAN + 40.0
    np.testing.assert_array_equal(Mimic()(spread, 2), spread[[5, 5]])


def test_gaussian_noise_has_the_scale_and_seed_asked_for() -> None:
    noise = GaussianNoise(std=200.0, seed=3)(HONEST, 500)
    assert noise.std() == pytest.approx(200.0, rel=0.02)
    np.testing.assert_array_equal(noise, GaussianNoise(std=200.0, seed=3)(HONEST, 500))
    assert (GaussianNoise()(HONEST) != GaussianNoise()(HONEST)).all()


def test_label_flip_mirrors_labels_and_is_its_own_inverse() -> None:
    labels = np.arange(10)
    assert LabelFlip(10)(labels).tolist() == labels[::-1].tolist()
    np.testing.assert_array_equal(LabelFlip(10)(LabelFlip(10)(labels)), labels)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SignFlip()(HONEST, 0), "count must be a whole number >= 1"),
        (lambda: SignFlip(scale=0.0), "scale must be a finite number > 0"),
        (lambda: InnerProductManipulation(scale=-1.0), "scale must be a finite number > 0"),
        (lambda: MinMax("up"), "direction must be"),  # type: ignore[arg-type]  # the point of the test
        (lambda: Mimic(target=16)(HONEST), "target 16 is not one of the 16"),
        (lambda: Mimic(target=-1), "target must be a whole number >= 0"),
        (lambda: GaussianNoise(std=float("nan")), "std must be a finite number > 0"),
        (lambda: LabelFlip(1), "classes must be a whole number >= 2"),
        (lambda: LabelFlip(3)([0, 3]), "labels must be integers 0..2"),
        (lambda: LabelFlip(3)([0.5]), "labels must be integers 0..2"),
    ],
)
def test_unusable_parameters_are_named(make: Any, message: str) -> None:
    with pytest.raises(AggregationError, match=message):
        make()
