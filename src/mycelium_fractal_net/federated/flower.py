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
    from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
    from flwr.common import log
    from flwr.serverapp import Grid
    from flwr.serverapp.strategy import FedAvg
except ImportError:
    raise MissingExtraError.for_extra("federated", "flwr") from None

from mycelium_fractal_net.federated._flower_model import Model, RefusedReplyError

__all__ = ["RobustFedAvg", "Round", "median_metrics"]


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
            raise AggregationError(f"rule must be a rule of this package, for example Krum(f=2); got {rule!r}")
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
        self._model: Model | None = None

    def summary(self) -> None:
        """Log the rule and the options."""
        log(INFO, "\t├──> Rule: %r", self.rule)
        super().summary()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Remember the model that the updates of this round start from, and ask the nodes."""
        self._model = Model({name: array.numpy() for name, array in arrays.items()})
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
        model = self._model
        replied = [self._reply(model, answer.content) for answer in answers]
        nodes = tuple(answer.metadata.src_node_id for answer in answers)
        aggregation, problem = self._aggregate(replied)
        moved = None if aggregation is None else self._moved(model, replied, aggregation)
        if aggregation is not None and moved is None:
            aggregation, problem = None, f"the model would not stay within its dtypes, the largest is {model.dtype}"
        rejected = absent | _reasons(nodes, replied, aggregation)
        done = Round(server_round, nodes, rejected, aggregation, problem)
        self.rounds.append(done)
        _log_round(done)
        taken = [answer.content for answer, node in zip(answers, nodes, strict=True) if node not in rejected]
        metrics = self._metrics(taken, self.train_metrics_aggr_fn)
        metrics.update(_facts(done))
        return moved, metrics

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        """Aggregate the metrics; replies that do not look like most others are left out."""
        answers, absent = _answers(replies)
        for node, reason in absent.items():
            log(WARNING, "aggregate_evaluate: node %d: %s", node, reason)
        return self._metrics([answer.content for answer in answers], self.evaluate_metrics_aggr_fn) or None

    def _reply(self, model: Model, content: RecordDict) -> _Reply:
        try:
            return _Reply(*model.read(content), self._weight(content))
        except RefusedReplyError as refusal:
            return _Reply(np.full(model.size, np.nan, dtype=model.dtype), {}, 0.0, str(refusal))

    def _weight(self, content: RecordDict) -> float:
        """Return the claimed count where the rule caps it, else 1."""
        if not isinstance(self.rule, Mean) or self.rule.max_weight is None:
            return 1.0
        claims = [record.get(self.weighted_by_key) for record in content.metric_records.values()]
        claim = claims[0] if len(claims) == 1 else None
        if not isinstance(claim, int | float) or not 0 <= claim < math.inf:
            raise RefusedReplyError(f"{self.weighted_by_key} is a count; got {claim!r}")
        return float(min(claim, self.rule.max_weight))

    def _aggregate(self, replied: list[_Reply]) -> tuple[Aggregation | None, str]:
        if not replied:
            return None, "no node sent an update"
        weights = [reply.weight for reply in replied] if isinstance(self.rule, Mean) else None
        try:
            return self.rule.aggregate(np.stack([reply.update for reply in replied]), weights), ""
        except AggregationError as error:
            return None, str(error)
        except Exception as error:  # noqa: BLE001 # whatever a rule fails at, the training goes on with its model
            return None, f"{self.rule!r} failed with {type(error).__name__}: {error}"

    def _moved(self, model: Model, replied: list[_Reply], aggregation: Aggregation) -> ArrayRecord | None:
        counters = [reply.counters for index, reply in enumerate(replied) if index not in aggregation.rejected]
        return model.moved(aggregation.vector, counters)

    def _metrics(self, contents: list[RecordDict], aggregate: Any) -> MetricRecord:
        alike = _alike(contents)
        if not alike:
            return MetricRecord()
        try:
            found: MetricRecord = aggregate(alike, self.weighted_by_key)
        except Exception as error:  # noqa: BLE001 # a function of the caller's, on numbers that nodes chose
            log(WARNING, "the metrics are left out: %s: %s", type(error).__name__, error)
            return MetricRecord()
        return found


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
    if not len(finite):
        return math.nan
    finite.sort()
    return float(0.5 * finite[(len(finite) - 1) // 2] + 0.5 * finite[len(finite) // 2])


class _Reply(NamedTuple):
    update: FloatArray
    counters: dict[str, NDArray[Any]]
    weight: float
    refusal: str = ""


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
