"""A Flower strategy that aggregates with the rules of this package. Needs the extra ``federated``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from logging import INFO, WARNING
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError, MissingExtraError
from mycelium_fractal_net.federated._rule import Aggregation, Rule
from mycelium_fractal_net.federated._updates import FloatArray
from mycelium_fractal_net.federated.mean import Mean

try:
    from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
    from flwr.common import log
    from flwr.serverapp import Grid
    from flwr.serverapp.strategy import FedAvg
except ImportError:
    raise MissingExtraError.for_extra("federated", "flwr") from None

__all__ = ["RobustFedAvg", "Round", "median_metrics"]

_HEADER_BYTES = 4096


@dataclass(frozen=True, eq=False)
class Round:
    """Tell how the model of one round came about.

    Attributes
    ----------
    number : int
        The round, from 1.
    nodes : tuple of int
        Who sent an update; index i of `aggregation` is ``nodes[i]``.
    rejected : mapping of int to str
        Reason by node, for updates that were refused and for nodes that answered with an error.
    aggregation : Aggregation or None
        What the rule reports; None if the round kept the model as it was.
    problem : str
        Why the model was kept, empty if it was not.
    """

    number: int
    nodes: tuple[int, ...]
    rejected: Mapping[int, str]
    aggregation: Aggregation | None
    problem: str = ""


class RobustFedAvg(FedAvg):
    """Average the clients' training with a rule that f hostile ones cannot steer.

    The rule sees the *updates*, trained minus sent parameters, as one vector per node. Integer arrays (counters,
    such as the number of batches a normalisation has seen) are no directions and take the nodes' median.

    Parameters
    ----------
    rule : Rule
        For example ``TrimmedMean(f=2).after(NNM(f=2))``.
    **options
        Those of :class:`flwr.serverapp.strategy.FedAvg`. ``min_train_nodes`` and ``min_available_nodes`` are at
        least the number of updates that the rule needs, which is also their default. Metrics are the nodes'
        medians unless ``train_metrics_aggr_fn`` or ``evaluate_metrics_aggr_fn`` is given.

    Attributes
    ----------
    rounds : list of Round
        Who took part, who was rejected and why, what the rule picked.

    Raises
    ------
    AggregationError
        If fewer nodes are asked for than the rule needs, or the model holds arrays that are not real numbers.

    Notes
    -----
    Claimed example counts are not used, neither for the model nor for the metrics: they are not evidence. The one
    exception is ``Mean(max_weight=...)``, which weighs by capped counts.

    A reply that does not fit the model (other names, shapes or dtypes, more than one record, bytes that are not
    arrays) is rejected by name and counts against f, like one with NaN. A node that answers with an error, or not
    at all, took no part. If too few updates are left for the rule, or too many are broken, the round keeps the
    model and says so in the log, the metrics and `rounds`; training goes on.

    Examples
    --------
    >>> from mycelium_fractal_net.federated import NNM, TrimmedMean
    >>> strategy = RobustFedAvg(rule=TrimmedMean(f=2).after(NNM(f=2)), fraction_evaluate=0.5)
    >>> strategy.min_train_nodes
    5
    """

    def __init__(self, rule: Rule, **options: Any) -> None:
        if not isinstance(rule, Rule):
            raise AggregationError(f"rule is a rule of this package, for example Krum(f=2); got {rule!r}")
        least, bound = rule.condition()
        for name in ("min_train_nodes", "min_available_nodes"):
            asked = options.setdefault(name, max(2, least))
            if asked < least and options.get("fraction_train") != 0.0:
                raise AggregationError(f"{name} = {asked}, but {rule!r} needs {bound}: at least {least} nodes")
        options.setdefault("train_metrics_aggr_fn", median_metrics)
        options.setdefault("evaluate_metrics_aggr_fn", median_metrics)
        super().__init__(**options)
        self.rule = rule
        self.rounds: list[Round] = []
        self._model: _Model | None = None

    def summary(self) -> None:
        """Log the rule and the options."""
        log(INFO, "\t├──> Rule: %r", self.rule)
        super().summary()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Remember the model that the updates of this round start from, and ask the nodes."""
        self._model = _Model({name: array.numpy() for name, array in arrays.items()})
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Aggregate the updates; the model is None where the round keeps the one it has."""
        if self._model is None:
            raise AggregationError("aggregate_train needs the model of the round: call configure_train first")
        answers, absent = _answers(replies)
        if not answers and not absent:
            return None, None
        replied = [self._reply(answer.content) for answer in answers]
        nodes = tuple(answer.metadata.src_node_id for answer in answers)
        aggregation, problem = self._aggregate(self._model, replied)
        rejected = absent | _reasons(nodes, replied, aggregation)
        done = Round(server_round, nodes, rejected, aggregation, problem)
        self.rounds.append(done)
        _log_round(done)
        taken = [answer.content for answer, node in zip(answers, nodes, strict=True) if node not in rejected]
        metrics = self._metrics(taken, self.train_metrics_aggr_fn)
        metrics.update(_facts(done))
        return self._model.moved(aggregation, replied) if aggregation is not None else None, metrics

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        """Aggregate the metrics; replies that do not look like most others are left out."""
        answers, absent = _answers(replies)
        for node, reason in absent.items():
            log(WARNING, "aggregate_evaluate: node %d: %s", node, reason)
        return self._metrics([answer.content for answer in answers], self.evaluate_metrics_aggr_fn) or None

    def _reply(self, content: RecordDict) -> _Reply:
        model = self._model
        assert model is not None  # noqa: S101 - aggregate_train has looked
        try:
            return _Reply(*model.read(content), self._weight(content))
        except _RefusedError as refusal:
            return _Reply(np.full(model.size, np.nan, dtype=model.dtype), {}, 0.0, str(refusal))

    def _weight(self, content: RecordDict) -> float:
        """Return the claimed count where the rule caps it, else 1."""
        if not isinstance(self.rule, Mean) or self.rule.max_weight is None:
            return 1.0
        claims = [record.get(self.weighted_by_key) for record in content.metric_records.values()]
        claim = claims[0] if len(claims) == 1 else None
        if not isinstance(claim, int | float) or not 0 <= claim < math.inf:
            raise _RefusedError(f"{self.weighted_by_key} is a count; got {claim!r}")
        return float(min(claim, self.rule.max_weight))

    def _aggregate(self, model: _Model, replied: list[_Reply]) -> tuple[Aggregation | None, str]:
        if not replied:
            return None, "no node sent an update"
        weights = [reply.weight for reply in replied] if isinstance(self.rule, Mean) else None
        try:
            return self.rule.aggregate(np.stack([reply.update for reply in replied]), weights), ""
        except AggregationError as error:
            return None, str(error)

    def _metrics(self, contents: list[RecordDict], aggregate: Any) -> MetricRecord:
        alike = _alike(contents)
        return aggregate(alike, self.weighted_by_key) if alike else MetricRecord()


def median_metrics(records: list[RecordDict], weighting_metric_name: str) -> MetricRecord:
    """Return the median of every metric over the nodes, of every entry where it is a list.

    Parameters
    ----------
    records : list of RecordDict
        Replies with one ``MetricRecord`` each, all with the same names.
    weighting_metric_name : str
        Name of the claimed example count; it is left out, and not used.
    """
    found = [next(iter(record.metric_records.values())) for record in records]
    names = [name for name in found[0] if name != weighting_metric_name]
    return MetricRecord({name: _median([metrics[name] for metrics in found]) for name in names})


def _median(values: list[Any]) -> Any:
    """Return the median of the finite values."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim == 2:
        return [_median(list(column)) for column in numbers.T]
    finite = numbers[np.isfinite(numbers)]
    return float(np.median(finite)) if len(finite) else math.nan


class _RefusedError(Exception):
    """A reply does not fit."""


class _Reply(NamedTuple):
    update: FloatArray
    counters: dict[str, NDArray[Any]]
    weight: float
    refusal: str = ""


class _Model:
    """The arrays that a round starts from: real ones as one vector, integer ones by name."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        odd = {name: str(array.dtype) for name, array in arrays.items() if array.dtype.kind not in "fiub"}
        if odd:
            raise AggregationError(f"the model's arrays are real numbers, integers or booleans; got {odd}")
        self._arrays = arrays
        self._real = [name for name, array in arrays.items() if array.dtype.kind == "f"]
        self.size = sum(arrays[name].size for name in self._real)
        if not self.size:
            raise AggregationError("the model holds no array of real numbers to aggregate")
        wide = any(arrays[name].dtype.itemsize > 4 for name in self._real)
        self.dtype = np.dtype(np.float64 if wide else np.float32)
        self._start = self._joined(arrays)

    def read(self, content: RecordDict) -> tuple[FloatArray, dict[str, NDArray[Any]]]:
        """Return a reply's update, shape (size,), and its integer arrays."""
        records = list(content.array_records.values())
        if len(records) != 1:
            raise _RefusedError(f"a reply holds one ArrayRecord; got {len(records)}")
        if set(records[0]) != set(self._arrays):
            raise _RefusedError(f"the arrays are {sorted(self._arrays)}; got {sorted(records[0])}")
        arrays = {name: _read_array(name, records[0][name], like) for name, like in self._arrays.items()}
        with np.errstate(over="ignore", invalid="ignore"):
            update = (self._joined(arrays) - self._start).astype(self.dtype)
        return update, {name: array for name, array in arrays.items() if name not in self._real}

    def moved(self, aggregation: Aggregation, replied: list[_Reply]) -> ArrayRecord:
        """Return the model after the update, with its names, shapes and dtypes."""
        places = np.cumsum([self._arrays[name].size for name in self._real])[:-1]
        parts = dict(zip(self._real, np.split(self._start + aggregation.vector, places), strict=True))
        taken = [reply for index, reply in enumerate(replied) if index not in aggregation.rejected]
        answer = {}
        for name, old in self._arrays.items():
            values = parts[name] if name in parts else _middle([reply.counters[name] for reply in taken])
            answer[name] = Array(values.reshape(old.shape).astype(old.dtype))
        return ArrayRecord(answer)

    def _joined(self, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        return np.concatenate([arrays[name].ravel().astype(np.float64) for name in self._real])


def _read_array(name: str, array: Array, like: NDArray[Any]) -> NDArray[Any]:
    """Decode an array, no larger than the model's, and with its shape and dtype."""
    if len(array.data) > like.nbytes + _HEADER_BYTES:
        raise _RefusedError(f"{name} has {len(array.data)} bytes; {like.nbytes} were expected")
    try:
        values = array.numpy()
    except (ValueError, TypeError, EOFError, OSError, MemoryError, OverflowError) as error:
        raise _RefusedError(f"{name} cannot be read: {error}") from None
    if not isinstance(values, np.ndarray) or (values.shape, values.dtype) != (like.shape, like.dtype):
        got = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        raise _RefusedError(f"{name} is {like.dtype} {like.shape}; got {got}")
    return values


def _middle(counters: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the lower median of integers, exactly."""
    return np.asarray(np.sort(np.stack(counters), axis=0)[(len(counters) - 1) // 2])


def _answers(replies: Iterable[Message]) -> tuple[list[Message], dict[int, str]]:
    """Return one reply with content per node, by node, and why other nodes have none."""
    first: dict[int, Message] = {}
    absent: dict[int, str] = {}
    for reply in replies:
        node = reply.metadata.src_node_id
        if reply.has_error():
            absent[node] = f"answered with an error: {reply.error.reason}"
        else:
            first.setdefault(node, reply)
    return [first[node] for node in sorted(first)], {node: why for node, why in absent.items() if node not in first}


def _alike(contents: list[RecordDict]) -> list[RecordDict]:
    """Return the replies that hold one MetricRecord, of the form that most have."""
    single = [content for content in contents if len(content.metric_records) == 1]
    forms = [_form(next(iter(content.metric_records.values()))) for content in single]
    if not forms:
        return []
    usual = Counter(forms).most_common(1)[0][0]
    return [content for content, form in zip(single, forms, strict=True) if form == usual]


def _form(metrics: MetricRecord) -> tuple[tuple[str, int | None], ...]:
    return tuple(sorted((name, len(value) if isinstance(value, list) else None) for name, value in metrics.items()))


def _reasons(nodes: tuple[int, ...], replied: list[_Reply], aggregation: Aggregation | None) -> dict[int, str]:
    by_rule = {} if aggregation is None else aggregation.rejected
    return {
        node: reply.refusal or by_rule[index]
        for index, (node, reply) in enumerate(zip(nodes, replied, strict=True))
        if reply.refusal or index in by_rule
    }


def _facts(done: Round) -> dict[str, int | float]:
    """Return the round's report as metrics."""
    found = done.aggregation
    return {
        "robust-updates": len(done.nodes),
        "robust-rejected": len(done.rejected),
        "robust-selected": len(found.selected) if found else 0,
        "robust-f": found.f if found else 0,
        "robust-failure-probability": found.failure_probability if found else 0.0,
        "robust-kept-model": int(found is None),
    }


def _log_round(done: Round) -> None:
    for node, reason in done.rejected.items():
        log(WARNING, "aggregate_train: node %d is left out: %s", node, reason)
    if done.problem:
        log(WARNING, "aggregate_train: round %d keeps the model: %s", done.number, done.problem)
