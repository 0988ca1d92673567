"""What comes of calls: fields as arrays, features as vectors, configurations as the library's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.features import FEATURE_NAMES, FeatureVector
from mycelium_fractal_net.federated import Aggregation
from mycelium_fractal_net.fields import SimulationConfig
from mycelium_fractal_net.fields.growth import GrowthEvent

__all__ = [
    "Completed",
    "Framed",
    "Receipt",
    "Simulated",
    "Started",
    "StreamEvent",
    "aggregation_of",
    "event_of",
    "features_of",
    "simulated_of",
]

_DTYPES = {"float64": "<f8", "float32": "<f4", "uint8": "u1"}


@dataclass(frozen=True)
class Receipt:
    """What identifies a result: same receipt, same bits, from any front door.

    Attributes
    ----------
    seed : int
        Seed of every random process.
    parameters_digest, result_digest : str
        ``SimulationConfig.digest()`` and ``SimulationResult.digest`` of the same run.
    initial_field_digest : str or None
        SHA-256 of the start's doubles, if one was given.
    version : str
        Version of the package that computed it.
    """

    seed: int
    parameters_digest: str
    result_digest: str
    version: str
    initial_field_digest: str | None = None


@dataclass(frozen=True)
class Simulated:
    """A simulation that the service ran.

    Attributes
    ----------
    config : SimulationConfig
        What reproduces it here to the bit, steering included.
    receipt : Receipt
        What identifies it.
    growth_events, turing_activations, clamping_events : int
        Counts over all steps.
    fractal_dimension : float
        Box-counting dimension of the active cells.
    features : FeatureVector or None
        The 18 features, if they were asked for.
    field_mv : ndarray or None
        The last field in mV, if it was asked for.
    """

    config: SimulationConfig
    receipt: Receipt
    growth_events: int
    turing_activations: int
    clamping_events: int
    fractal_dimension: float
    features: FeatureVector | None = None
    field_mv: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Started:
    """A run begins."""

    sequence: int
    total_steps: int
    config: SimulationConfig


@dataclass(frozen=True)
class Framed:
    """The state after a step.

    Attributes
    ----------
    sequence, step : int
        Place in the stream, and the step.
    statistics : mapping of str to float
        pot_min_mV, pot_max_mV, pot_mean_mV, pot_std_mV.
    growth_events : list of GrowthEvent
        Those since the frame before.
    features : FeatureVector or None
        The features so far, if they were asked for.
    field : ndarray or None
        The field, if it was asked for: float32.
    """

    sequence: int
    step: int
    statistics: Mapping[str, float]
    growth_events: list[GrowthEvent]
    features: FeatureVector | None = None
    field: NDArray[Any] | None = None


@dataclass(frozen=True)
class Completed:
    """The last step is done."""

    sequence: int
    result: Simulated


StreamEvent = Started | Framed | Completed


def features_of(members: Mapping[str, float]) -> FeatureVector:
    """Return features; one that JSON has no number for is NaN."""
    values = (members.get(name) for name in FEATURE_NAMES)
    return FeatureVector.from_array([np.nan if value is None else value for value in values])


def _config(members: Mapping[str, Any]) -> SimulationConfig:
    return SimulationConfig.model_validate(members)


def simulated_of(
    result: Mapping[str, Any], config: SimulationConfig | Mapping[str, Any], receipt: Mapping[str, Any]
) -> Simulated:
    """Return a simulation from what was answered."""
    field, features = result.get("field"), result.get("features")
    return Simulated(
        config=config if isinstance(config, SimulationConfig) else _config(config),
        receipt=Receipt(**receipt),
        growth_events=result["growth_events"],
        turing_activations=result["turing_activations"],
        clamping_events=result["clamping_events"],
        fractal_dimension=result["fractal_dimension"],
        features=None if not features else features_of(features),
        field_mv=None if field is None else np.asarray(field, dtype=np.float64),
    )


def event_of(message: Mapping[str, Any], field: bytes | None = None) -> StreamEvent:
    """Return the event that a message of a stream is, with the bytes that followed it."""
    sequence = message["sequence"]
    if message["type"] == "started":
        return Started(sequence, message["total_steps"], _config(message["config"]))
    if message["type"] == "completed":
        return Completed(sequence, simulated_of(message["result"], message["config"], message["receipt"]))
    array = None
    if field is not None:
        described = message["field"]
        array = np.frombuffer(field, _DTYPES[described["dtype"]]).reshape(described["shape"])
    features = message.get("features")
    return Framed(
        sequence,
        message["step"],
        message["statistics"],
        [GrowthEvent(*event) for event in message["growth_events"]],
        None if not features else features_of(features),
        array,
    )


def aggregation_of(answer: Mapping[str, Any]) -> Aggregation:
    """Return an aggregation; the service tells which updates were rejected, and its acknowledgements why."""
    return Aggregation(
        vector=np.asarray(answer["aggregated_gradient"], dtype=np.float64),
        rule=answer["rule"],
        f=answer["f"],
        n=answer["num_input_gradients"],
        selected=tuple(answer["selected"]),
        rejected=dict.fromkeys(answer["rejected"], "a value is not finite"),
        failure_probability=answer["failure_probability"],
        seed=answer.get("seed"),
        assumption=answer["assumption"],
    )
