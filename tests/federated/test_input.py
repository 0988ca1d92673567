from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated import (
    NNM,
    Bucketing,
    Bulyan,
    CenteredClipping,
    GaussianNoise,
    GeometricMedian,
    HierarchicalKrum,
    Krum,
    Mean,
    Median,
    MultiKrum,
    NormClipping,
    Pipeline,
    Rule,
    TrimmedMean,
)
from tests.federated.cases import EVERY

GOOD = np.random.default_rng(0).normal(size=(20, 4))


@pytest.mark.parametrize("rule", EVERY, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_tensor_gives_a_tensor_of_its_dtype(rule: Rule, dtype: torch.dtype) -> None:
    answer = rule(torch.from_numpy(GOOD).to(dtype))
    assert isinstance(answer, torch.Tensor)
    assert (answer.dtype, answer.device.type, answer.shape) == (dtype, "cpu", (4,))
    np.testing.assert_allclose(answer.double().numpy(), rule(GOOD), atol=0.7 if dtype.itemsize == 2 else 1e-5)


def test_a_list_of_tensors_that_carry_gradients_is_taken() -> None:
    rows = [torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0, 4.0])]
    answer = Mean()(rows)
    assert torch.equal(answer, torch.tensor([2.0, 3.0]))
    assert not answer.requires_grad


def test_integer_tensors_become_float64() -> None:
    assert Mean()(torch.tensor([[1], [2]])).dtype == torch.float64


@pytest.mark.parametrize("rule", EVERY, ids=repr)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", ">f8"])
def test_an_array_gives_an_array_of_its_dtype(rule: Rule, dtype: Any) -> None:
    answer = rule(GOOD.astype(dtype))
    assert isinstance(answer, np.ndarray)
    assert (answer.dtype, answer.shape) == (np.dtype(dtype).newbyteorder("="), (4,))


@pytest.mark.parametrize("rule", EVERY, ids=repr)
def test_every_kind_of_sequence_gives_the_same_answer(rule: Rule) -> None:
    expected = rule(GOOD)
    for same in (
        list(GOOD),
        tuple(GOOD),
        GOOD.tolist(),
        np.asfortranarray(GOOD),
        GOOD[::-1][::-1],
        torch.from_numpy(GOOD),
    ):
        np.testing.assert_array_equal(np.asarray(rule(same)), expected)


@pytest.mark.parametrize("rule", [*EVERY, NNM(2), NormClipping(1.0), Bucketing(2, seed=1), GaussianNoise()], ids=repr)
def test_the_input_is_never_written_to(rule: Rule) -> None:
    given = GOOD.copy()
    given.setflags(write=False)
    answer = rule(given)
    answer[...] = 7.0
    np.testing.assert_array_equal(given, GOOD)


def test_the_answer_of_krum_is_a_copy_also_for_tensors() -> None:
    tensor = torch.from_numpy(GOOD.copy())
    Krum(2)(tensor).zero_()
    np.testing.assert_array_equal(tensor.numpy(), GOOD)


BAD: list[tuple[Any, str]] = [
    ([], "the list is empty"),
    (np.empty((0, 3)), "n >= 1 clients"),
    (np.empty((3, 0)), "d >= 1 values"),
    (np.float64(1.0), "got float64"),
    (np.array(1.0), r"got shape \(\)"),
    (np.zeros(5), r"got shape \(5,\)"),
    (np.zeros((2, 2, 2)), r"got shape \(2, 2, 2\)"),
    ([1.0, 2.0, 3.0], "pass a matrix of one column"),
    ([[1.0, 2.0], [3.0]], "update 0 has 2 values, update 1 has 1"),
    ([[1.0, [2.0]], [3.0]], "update 0 is not a vector of numbers"),
    ([["a"], ["b"]], "update 0 has dtype <U1"),
    (np.array([[True], [False]]), "has dtype bool"),
    (np.array([[1j], [2j]]), "has dtype complex128"),
    (np.array([[object()], [None]], dtype=object), "has dtype object"),
    (np.zeros((2, 2), dtype=np.longdouble), "has dtype float128"),
    (np.ma.masked_array(np.zeros((2, 2)), mask=True), "masked arrays are not supported"),
    ("abc", "got str"),
    ({"a": [1.0]}, "got dict"),
    (None, "got NoneType"),
    (7, "got int"),
    (torch.zeros(3), r"got shape \(3,\)"),
    (torch.zeros(0, 3), "n >= 1 clients"),
    ([torch.zeros(2), torch.zeros(3)], "tensors of one shape"),
    ([torch.zeros(2), [0.0, 1.0]], "tensors of one shape"),
    ([torch.zeros(2, 2)], r"got tensors of shape \(2, 2\)"),
]


@pytest.mark.parametrize(("updates", "message"), BAD, ids=[message for _, message in BAD])
@pytest.mark.parametrize("take", [Median(), NNM(0), GaussianNoise()], ids=repr)
def test_what_is_not_n_vectors_is_refused_with_the_reason(take: Any, updates: Any, message: str) -> None:
    with pytest.raises(AggregationError, match=message):
        take(updates)


TOO_FEW: list[tuple[Rule, int, str]] = [
    (Krum(2), 6, "n >= 2f [+] 3, at least 7 updates; got n = 6"),
    (MultiKrum(2), 6, "n >= 2f [+] 3"),
    (MultiKrum(2, m=6), 7, "m <= n - f"),
    (Bulyan(2), 10, "n >= 4f [+] 3, at least 11"),
    (TrimmedMean(2), 4, "n > 2f, at least 5"),
    (Median().after(NNM(2)), 4, "n > 2f, at least 5"),
    (TrimmedMean(2).after(Bucketing(2)), 8, "n > 2f after"),
    (HierarchicalKrum(3), 8, "three updates to a cluster"),
    (HierarchicalKrum(5, byzantine_fraction=0.3), 20, "n >= 2f [+] 3"),
]


@pytest.mark.parametrize(("rule", "n", "message"), TOO_FEW, ids=repr)
def test_too_few_updates_are_refused_with_the_bound(rule: Rule, n: int, message: str) -> None:
    with pytest.raises(AggregationError, match=message):
        rule(GOOD[:n])


def test_one_client_is_enough_where_no_condition_forbids_it() -> None:
    for rule in (Mean(), Median(), GeometricMedian(), TrimmedMean(0), CenteredClipping(1.0), Mean().after(NNM(0))):
        np.testing.assert_allclose(rule(GOOD[:1]), GOOD[0])


@pytest.mark.parametrize("make", [Krum, MultiKrum, Bulyan, TrimmedMean, NNM])
@pytest.mark.parametrize("f", [-1, 1.0, "2", None, True, np.nan])
def test_f_is_a_count(make: Any, f: Any) -> None:
    with pytest.raises(AggregationError, match="f must be a whole number >= 0"):
        make(f=f)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Krum(1, neighbors="other"), "neighbors must be"),  # type: ignore[arg-type]  # the point of the test
        (lambda: MultiKrum(1, m=0), "m must be a whole number >= 1"),
        (lambda: Bucketing(0), "s must be a whole number >= 1"),
        (lambda: Bucketing(1, seed=-1), "seed must be a whole number >= 0"),
        (lambda: NormClipping(float("inf")), "c must be a finite number > 0"),
        (lambda: CenteredClipping(0.0), "radius must be a finite number > 0"),
        (lambda: CenteredClipping(True), "radius must be a finite number > 0"),
        (lambda: CenteredClipping(1.0, start=[1.0])(GOOD), "start must be a finite vector of 4 values"),
        (lambda: Mean(max_weight=-1.0), "max_weight must be a finite number > 0"),
        (lambda: HierarchicalKrum(2), "clusters must be a whole number >= 3"),
        (lambda: HierarchicalKrum(3, byzantine_fraction=0.5), r"byzantine_fraction must be"),
        (lambda: Pipeline((Krum(1),), Krum(1)), "a pipeline consists of"),  # type: ignore[arg-type]  # the point
        (lambda: Krum(1)(np.zeros((20_001, 1))), "use Tree.default"),
        (lambda: Median()(GOOD, weights=np.ones(20)), "Median takes no weights"),
        (lambda: Mean()(GOOD, weights=np.ones(3)), "weights must be 20 numbers"),
        (lambda: Mean()(GOOD, weights=np.zeros(20)), "not all zero"),
        (lambda: Mean()(GOOD, weights=[-1.0] + [1.0] * 19), "not negative"),
        (lambda: Mean()(GOOD, weights=[np.nan] + [1.0] * 19), "weights must be finite"),
    ],
)
def test_unusable_parameters_are_named(make: Any, message: str) -> None:
    with pytest.raises(AggregationError, match=message):
        make()


def test_updates_that_are_not_finite_are_named_and_count_against_f() -> None:
    x = GOOD.copy()
    x[3, 1], x[8, 0], x[8, 2] = np.nan, np.inf, -np.inf
    result = Krum(2).aggregate(x)
    assert dict(result.rejected) == {3: "1 NaN of 4 values", 8: "2 infinite of 4 values"}
    assert np.isinf(result.scores[[3, 8]]).all()
    assert result.selected == (int(np.argmin(result.scores)),)
    with pytest.raises(AggregationError, match=r"2 of 20 updates are not finite, but .* f = 1"):
        Krum(1)(x)


def test_krum_keeps_its_neighbours_when_rejected_updates_use_up_f() -> None:
    x = np.concatenate([[[np.nan]], GOOD[:7, :1]])
    np.testing.assert_array_equal(Krum(2).aggregate(x).scores[1:], Krum(1).aggregate(GOOD[:7, :1]).scores)


def test_pre_aggregations_reject_too() -> None:
    x = np.concatenate([GOOD, np.full((1, 4), np.nan)])
    np.testing.assert_array_equal(NNM(1)(x), NNM(0)(GOOD))
    assert len(NormClipping(1.0)(x)) == 20
    with pytest.raises(AggregationError, match="1 of 21 updates are not finite: too many"):
        NNM(0)(x)


def test_a_mean_drops_what_is_not_finite_and_says_so() -> None:
    result = Mean().aggregate([[1.0], [np.nan], [3.0]], weights=[1, 5, 3])
    assert (result.vector.tolist(), result.selected, list(result.rejected)) == ([2.5], (0, 2), [1])
    with pytest.raises(AggregationError, match="none of the 1 updates is finite"):
        Mean()([[np.nan]])


def test_medians_stand_less_than_half() -> None:
    assert Median()([[np.nan], [np.inf], [1.0], [1.0], [1.0]]).tolist() == [1.0]
    with pytest.raises(AggregationError, match="tolerates f = 1"):
        Median()([[np.nan], [np.inf], [1.0], [1.0]])


def test_a_pipeline_reports_what_its_rule_reports() -> None:
    mixed = Krum(2).after(NNM(2)).aggregate(GOOD)
    assert len(mixed.selected) == 1
    assert mixed.scores.shape == (20,)
    bucketed = Median().after(Bucketing(3, seed=9)).aggregate(GOOD)
    assert (bucketed.seed, bucketed.selected, bucketed.scores.size) == (9, (), 0)


def test_steps_run_from_left_to_right() -> None:
    by_hand = TrimmedMean(1)(NNM(1)(Bucketing(2, seed=3)(GOOD)))
    np.testing.assert_array_equal(TrimmedMean(1).after(Bucketing(2, seed=3), NNM(1))(GOOD), by_hand)


def test_a_drawn_seed_is_told_and_repeats_the_answer() -> None:
    result = HierarchicalKrum(3).aggregate(GOOD)
    assert result.seed is not None
    np.testing.assert_array_equal(HierarchicalKrum(3, seed=result.seed)(GOOD), result.vector)


def test_the_room_never_imports_torch_by_itself() -> None:
    code = (
        "import sys; from mycelium_fractal_net.federated import Krum; "
        "assert Krum(1)([[1.0]] * 5).item() == 1.0; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_room_needs_neither_numba_nor_scipy() -> None:
    code = "import sys, mycelium_fractal_net.federated; assert not {'numba', 'scipy', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
