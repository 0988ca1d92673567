"""The strategy in this process: Flower's messages and records, no network."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated import (
    NNM,
    CenteredClipping,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    NormClipping,
    RobustFedAvg,
    Rule,
    TrimmedMean,
)

pytest.importorskip("flwr")

from flwr.app import Array, ArrayRecord, ConfigRecord, Error, MetricRecord, RecordDict

from mycelium_fractal_net.federated.flower import median_metrics
from tests.federated.flower_grid import LocalGrid

SHAPE = (3, 2)


def model(weights: float = 1.0, dtype: str = "float32", seen: int = 0) -> ArrayRecord:
    arrays = {"weights": np.full(SHAPE, weights, dtype), "bias": np.zeros((), dtype), "seen": np.array([seen])}
    return ArrayRecord({name: Array(array) for name, array in arrays.items()})


def reply(arrays: Any = None, examples: Any = 10, **metrics: Any) -> RecordDict:
    return RecordDict(
        {
            "arrays": model() if arrays is None else arrays,
            "metrics": MetricRecord({"num-examples": examples, **metrics}),
        }
    )


def round_of(
    rule: Rule, replies: Mapping[int, RecordDict | Error], start: ArrayRecord | None = None, **options: Any
) -> tuple[RobustFedAvg, ArrayRecord | None, MetricRecord]:
    """Let nodes answer one round with what is given."""
    strategy = RobustFedAvg(rule, **{"min_train_nodes": len(replies), **options})
    grid = LocalGrid(replies)
    asked = strategy.configure_train(1, start or model(), ConfigRecord(), grid)
    arrays, metrics = strategy.aggregate_train(1, grid.send_and_receive(asked))
    assert metrics is not None
    return strategy, arrays, metrics


def weights_of(arrays: ArrayRecord | None) -> Any:
    assert arrays is not None
    return arrays["weights"].numpy()


def honest(count: int, step: float = 1.0) -> dict[int, RecordDict | Error]:
    """Let nodes 1 to count move by a little more than a step each."""
    return {node: reply(model(1.0 + step + 0.001 * node), accuracy=0.5) for node in range(1, count + 1)}


def test_the_rule_sees_updates_and_the_model_moves_by_its_answer() -> None:
    _, arrays, _ = round_of(Median(), honest(5))
    np.testing.assert_allclose(weights_of(arrays), np.full(SHAPE, 2.003), rtol=1e-6)


def test_clipping_is_of_updates_not_of_models() -> None:
    _, arrays, _ = round_of(Mean().after(NormClipping(c=0.1)), honest(3), model(1.0))
    moved = weights_of(arrays) - 1.0
    assert np.linalg.norm(moved) == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_names_shapes_and_dtypes_are_kept(dtype: str) -> None:
    replies = {node: reply(model(2.0, dtype, seen=node)) for node in range(1, 6)}
    _, arrays, _ = round_of(TrimmedMean(f=1), replies, model(1.0, dtype))
    assert arrays is not None
    found = {name: (array.numpy().shape, str(array.numpy().dtype)) for name, array in arrays.items()}
    assert found == {"weights": (SHAPE, dtype), "bias": ((), dtype), "seen": ((1,), "int64")}
    assert arrays["seen"].numpy() == [3]


def test_a_counter_is_exact_and_cannot_be_blown_up() -> None:
    large = 2**60 + 1
    replies: dict[int, RecordDict | Error] = {node: reply(model(seen=large)) for node in range(1, 5)}
    replies[5] = reply(model(seen=-(2**63)))
    _, arrays, _ = round_of(Krum(f=1), replies)
    assert arrays is not None
    assert arrays["seen"].numpy() == [large]


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, -math.inf, 1e30, 3e38, -1e-30], ids=["nan", "inf", "-inf", "1e30", "3e38", "zero"]
)
@pytest.mark.parametrize("rule", [Krum(f=1), TrimmedMean(f=1).after(NNM(f=1)), Median()], ids=["krum", "nnm", "median"])
def test_one_wild_update_does_not_move_the_model(rule: Rule, bad: float) -> None:
    _, arrays, _ = round_of(rule, {**honest(6), 7: reply(model(bad))})
    np.testing.assert_allclose(weights_of(arrays), np.full(SHAPE, 2.003), atol=0.004)


BROKEN: dict[str, tuple[Callable[[], RecordDict], str]] = {
    "no arrays": (lambda: RecordDict({"metrics": MetricRecord({"num-examples": 1})}), "one ArrayRecord; got 0"),
    "two records": (lambda: RecordDict({"a": model(), "b": model()}), "one ArrayRecord; got 2"),
    "another name": (lambda: reply(ArrayRecord({"w": Array(np.zeros(SHAPE))})), r"got \['w'\]"),
    "another shape": (lambda: changed(weights=Array(np.zeros((2, 3), "float32"))), r"weights is float32 \(3, 2\)"),
    "another dtype": (lambda: changed(weights=Array(np.zeros(SHAPE, "float64"))), r"got float64 \(3, 2\)"),
    "no array at all": (lambda: changed(weights=raw(b"not an array")), "cannot be read"),
    "cut short": (lambda: changed(weights=raw(Array(np.zeros(SHAPE, "float32")).data[:-4])), "cannot be read"),
    "pickled": (lambda: changed(weights=raw(b"\x80\x04N.")), "cannot be read"),
    "another format": (lambda: changed(weights=Array("float32", SHAPE, "torch", b"")), "cannot be read"),
    "far too long": (lambda: changed(weights=raw(b"\x93NUMPY" + b"0" * 10_000)), "bytes; 24 were expected"),
    "shape that lies": (lambda: changed(weights=raw(huge())), "cannot be read|got float64"),
    "not finite": (lambda: reply(model(math.nan)), "NaN"),
}


def raw(data: bytes) -> Array:
    return Array("float32", SHAPE, "numpy.ndarray", data)


def huge() -> bytes:
    """Return a header that promises far more than follows."""
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000000,), }"
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117) + b"\n"


def changed(**arrays: Array) -> RecordDict:
    return reply(ArrayRecord({**dict(model().items()), **arrays}))


@pytest.mark.parametrize("kind", BROKEN)
def test_a_reply_that_does_not_fit_is_rejected_by_name_and_counts_against_f(kind: str) -> None:
    make, reason = BROKEN[kind]
    strategy, arrays, metrics = round_of(TrimmedMean(f=1), {**honest(4), 99: make()})
    np.testing.assert_allclose(weights_of(arrays), np.full(SHAPE, 2.0025), rtol=1e-6)
    (done,) = strategy.rounds
    assert list(done.rejected) == [99]
    assert re.search(reason, done.rejected[99])
    assert metrics["robust-rejected"] == 1
    _, kept, metrics = round_of(TrimmedMean(f=1), {**honest(4), 98: make(), 99: make()})
    assert (kept, metrics["robust-kept-model"]) == (None, 1)


def test_nodes_that_fail_took_no_part() -> None:
    replies = {**honest(4), 8: Error(code=1, reason="out of memory"), 9: Error(code=2, reason="gone")}
    strategy, arrays, metrics = round_of(TrimmedMean(f=1), replies)
    assert arrays is not None
    assert strategy.rounds[0].rejected == {
        8: "answered with an error: out of memory",
        9: "answered with an error: gone",
    }
    assert (metrics["robust-updates"], metrics["robust-rejected"], metrics["robust-f"]) == (4, 2, 1)


def test_too_few_answers_keep_the_model_and_say_which_bound_failed() -> None:
    replies = {**honest(4), 8: Error(code=1, reason="gone")}
    strategy, arrays, metrics = round_of(Krum(f=1), replies)
    assert arrays is None
    assert metrics["robust-kept-model"] == 1
    assert "n >= 2f + 3" in strategy.rounds[0].problem


def test_nobody_answered() -> None:
    strategy = RobustFedAvg(Median())
    strategy.configure_train(1, model(), ConfigRecord(), LocalGrid(honest(2)))
    assert strategy.aggregate_train(1, []) == (None, None)
    only_errors = round_of(Median(), {1: Error(code=1), 2: Error(code=1)})
    assert only_errors[1] is None
    assert only_errors[0].rounds[0].problem == "no node sent an update"


@pytest.mark.parametrize("claim", [10**12, 2**62, -5, 0, math.nan, math.inf, 1e300])
def test_claimed_counts_change_neither_model_nor_metrics(claim: float) -> None:
    usual = round_of(TrimmedMean(f=1), {**honest(4), 5: reply(model(2.0), accuracy=0.1)})
    claimed = round_of(TrimmedMean(f=1), {**honest(4), 5: reply(model(2.0), claim, accuracy=0.1)})
    np.testing.assert_array_equal(weights_of(usual[1]), weights_of(claimed[1]))
    assert usual[2]["accuracy"] == claimed[2]["accuracy"] == 0.5


def test_a_mean_with_a_cap_weighs_by_counts_up_to_the_cap() -> None:
    replies = {1: reply(model(2.0), 100), 2: reply(model(3.0), 10**12), 3: reply(model(2.0), 200)}
    _, arrays, _ = round_of(Mean(max_weight=100), replies)
    np.testing.assert_allclose(weights_of(arrays), np.full(SHAPE, 2 + 1 / 3), rtol=1e-6)
    _, plain, _ = round_of(Mean(), replies)
    np.testing.assert_allclose(weights_of(plain), np.full(SHAPE, 2 + 1 / 3), rtol=1e-6)


@pytest.mark.parametrize("claim", [-1, math.nan, math.inf, [1, 2]])
def test_a_count_that_is_none_is_rejected_where_counts_are_used(claim: Any) -> None:
    strategy, arrays, _ = round_of(Mean(max_weight=100), {**honest(3), 4: reply(model(9.0), claim)})
    assert "num-examples is a count" in strategy.rounds[0].rejected[4]
    assert weights_of(arrays).max() < 2.1


def test_the_report_names_who_was_selected() -> None:
    strategy, _, metrics = round_of(Krum(f=1), {**honest(6), 7: reply(model(50.0))})
    done = strategy.rounds[0]
    assert done.aggregation is not None
    assert [done.nodes[index] for index in done.aggregation.selected] in ([3], [4])
    assert (metrics["robust-updates"], metrics["robust-selected"], metrics["robust-f"]) == (7, 1, 1)


def test_the_order_of_replies_does_not_matter() -> None:
    replies = honest(7)
    backwards = dict(reversed(replies.items()))
    found = [weights_of(round_of(TrimmedMean(f=2), given)[1]) for given in (replies, backwards)]
    np.testing.assert_array_equal(*found)


def test_metrics_are_medians_of_those_that_look_like_most() -> None:
    replies = {node: reply(accuracy=0.1 * node, losses=[1.0, float(node)]) for node in range(1, 6)}
    replies[6] = reply(accuracy=math.nan, losses=[math.inf, 3.0])
    replies[7] = reply(other=1e30)
    replies[8] = RecordDict({"arrays": model()})
    _, _, metrics = round_of(Median(), replies)
    assert metrics["accuracy"] == pytest.approx(0.3)
    assert metrics["losses"] == [1.0, 3.0]
    assert "other" not in metrics
    assert "num-examples" not in metrics


def test_an_evaluation_survives_odd_replies() -> None:
    strategy = RobustFedAvg(Median())
    metrics = [MetricRecord({"num-examples": 5, "accuracy": value}) for value in (0.7, 0.8, 0.9)]
    contents: list[RecordDict | Error] = [RecordDict({"metrics": record}) for record in metrics]
    contents += [RecordDict({"a": metrics[0], "b": metrics[0]}), RecordDict(), Error(code=1, reason="no")]
    grid = LocalGrid(dict(enumerate(contents, 1)))
    asked = strategy.configure_evaluate(1, model(), ConfigRecord(), grid)
    answers = [*grid.send_and_receive(asked)]
    found = strategy.aggregate_evaluate(1, answers)
    assert found is not None
    accuracy = found["accuracy"]
    assert isinstance(accuracy, float)
    assert 0.7 <= accuracy <= 0.9
    assert strategy.aggregate_evaluate(1, []) is None


def test_ones_own_metrics_function_is_called() -> None:
    def count(records: list[RecordDict], _: str) -> MetricRecord:
        return MetricRecord({"count": len(records)})

    _, _, metrics = round_of(Median(), honest(3), train_metrics_aggr_fn=count)
    assert metrics["count"] == 3


def test_a_metric_that_nobody_can_tell_is_not_a_number() -> None:
    records = [reply(loss=math.nan) for _ in range(3)]
    assert math.isnan(float(median_metrics(records, "num-examples")["loss"]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        (Krum(f=4), {"min_train_nodes": 10}, "n >= 2f \\+ 3: at least 11 nodes"),
        (Krum(f=4), {"min_available_nodes": 2}, "min_available_nodes = 2"),
        (Krum, {}, "rule must be a rule of this package"),
        ("krum", {}, "got 'krum'"),
    ],
)
def test_what_cannot_work_is_refused_at_once(rule: Any, options: dict[str, int], message: str) -> None:
    with pytest.raises(AggregationError, match=message):
        RobustFedAvg(rule, **options)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3, complex)}, "complex128"),
        ({"a": np.array(["x"])}, "<U1"),
        ({"a": np.zeros(3, int)}, "no array of real numbers"),
        ({}, "no array of real numbers"),
    ],
)
def test_a_model_that_cannot_be_aggregated_is_refused(arrays: dict[str, Any], message: str) -> None:
    record = ArrayRecord({name: Array(array) for name, array in arrays.items()})
    with pytest.raises(AggregationError, match=message):
        RobustFedAvg(Median()).configure_train(1, record, ConfigRecord(), LocalGrid(honest(2)))


def test_replies_need_a_model() -> None:
    with pytest.raises(AggregationError, match="call configure_train first"):
        RobustFedAvg(Median()).aggregate_train(1, [])


def test_the_summary_names_the_rule(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flwr.common.logger.FLOWER_LOGGER.propagate", True)
    with caplog.at_level("INFO", logger="flwr"):
        RobustFedAvg(Krum(f=1)).summary()
    assert "Krum(f=1" in caplog.text


class Failing(Median):
    """A rule that has a fault of its own."""

    def combine(self, values: Any, lost: int) -> Any:
        raise IndexError("a fault")


@pytest.mark.parametrize("rule", [CenteredClipping(1.0), Krum(3), GeometricMedian(), TrimmedMean(3)], ids=repr)
def test_three_of_eighteen_clients_at_the_largest_double_do_not_end_or_spoil_a_training(rule: Rule) -> None:
    start = model(0.0, "float64")
    replies: dict[int, RecordDict | Error] = {node: reply(model(1.0, "float64")) for node in range(1, 16)}
    replies |= {node: reply(model(1.7e308, "float64")) for node in range(16, 19)}
    _, arrays, _ = round_of(rule.after(NNM(3)), replies, start)
    np.testing.assert_allclose(weights_of(arrays), np.full(SHAPE, 1.0), atol=0.3)


def test_a_rule_that_fails_keeps_the_model_and_says_why() -> None:
    strategy, arrays, _ = round_of(Failing(), honest(4))
    assert arrays is None
    assert "IndexError: a fault" in strategy.rounds[0].problem


def test_a_model_that_would_overflow_is_kept() -> None:
    start, trained = model(3e38), model(3.4e38)
    raised = {node: reply(trained) for node in range(1, 6)}
    strategy, arrays, _ = round_of(Median(), raised, start)
    assert weights_of(arrays)[0, 0] == np.float32(3.4e38)
    far: dict[int, RecordDict | Error] = {node: reply(model(-3e38)) for node in range(1, 6)}
    strategy, arrays, metrics = round_of(Median(), far, start)
    assert arrays is None
    assert metrics["robust-kept-model"] == 1
    assert "NaN" in strategy.rounds[0].problem or "not finite" in strategy.rounds[0].problem


def test_a_metric_function_that_fails_does_not_end_a_training() -> None:
    def divide(records: list[RecordDict], _key: str) -> MetricRecord:
        return MetricRecord({"accuracy": 1.0 / (len(records) - 4)})

    _, arrays, metrics = round_of(Median(), honest(4), train_metrics_aggr_fn=divide)
    assert arrays is not None
    assert "accuracy" not in metrics


def test_the_median_of_metrics_at_the_largest_double_is_finite() -> None:
    records = [reply(loss=1.7e308) for _ in range(4)]
    assert median_metrics(records, "num-examples")["loss"] == 1.7e308
