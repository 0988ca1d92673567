"""Whatever an operation reads or tells has its place on the wire."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.features import FeatureConfig
from mycelium_fractal_net.fields import Change, SimulationConfig, Stimulus
from mycelium_fractal_net.service.operations import OPERATIONS
from mycelium_fractal_net.service.operations.features import BoxCountingAnswer, FeaturesRequest, SpectrumAnswer
from mycelium_fractal_net.service.operations.federated import AggregateReceipt, AggregateRequest, AggregateResponse
from mycelium_fractal_net.service.operations.nernst import NernstRequest
from mycelium_fractal_net.service.operations.receipt import Receipt
from mycelium_fractal_net.service.operations.simulate import SimulateResponse
from mycelium_fractal_net.service.operations.stream_messages import StreamStart
from mycelium_fractal_net.service.operations.validate import CheckResult, ValidateRequest
from mycelium_fractal_net.service.rpc.unary import UNARY

ELSEWHERE = {
    "SimulateRequest": {"flow"},  # HTTP/2 has its own
    "ExtractFeaturesRequest": {"field", "history"},  # one array, whose axes say which it is
    "AggregateStart": {"gradients"},  # in chunks
    "AggregateResult": {"aggregated_gradient"},  # as above
    "SimulationResult": {  # in the frame; over REST only; beside it
        "field",
        "lyapunov_exponent",
        "lyapunov_standard_error",
        "lyapunov_converged",
        "wavelengths",
        "receipt",
    },
}
PAIRS: list[tuple[Any, Any]] = [
    (SimulationConfig, mfn_pb2.SimulationConfig),
    (Change, mfn_pb2.Change),
    (Stimulus, mfn_pb2.Stimulus),
    (StreamStart, mfn_pb2.SimulateRequest),
    (SimulateResponse, mfn_pb2.SimulationResult),
    (Receipt, mfn_pb2.Receipt),
    (FeaturesRequest, mfn_pb2.ExtractFeaturesRequest),
    (BoxCountingAnswer, mfn_pb2.BoxCounting),
    (SpectrumAnswer, mfn_pb2.Spectrum),
    (CheckResult, mfn_pb2.CheckResult),
    (AggregateRequest, mfn_pb2.AggregateStart),
    (AggregateResponse, mfn_pb2.AggregateResult),
    (AggregateReceipt, mfn_pb2.AggregateReceipt),
    *((OPERATIONS[row.operation].request, row.request) for row in UNARY.values() if row.operation != "health"),
]


@pytest.mark.parametrize(("model", "message"), PAIRS, ids=[message.DESCRIPTOR.name for _, message in PAIRS])
def test_every_member_has_a_field(model: Any, message: Any) -> None:
    members = {name.lower() for name in model.model_fields} - ELSEWHERE.get(message.DESCRIPTOR.name, set())
    assert members <= set(message.DESCRIPTOR.fields_by_name)


def test_every_setting_of_the_features_has_a_field() -> None:
    assert {field.name for field in fields(FeatureConfig)} <= set(mfn_pb2.FeatureConfig.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("rpc", UNARY)
def test_every_answer_has_its_fields(rpc: str) -> None:
    wire = mfn_pb2.DESCRIPTOR.services_by_name["MyceliumFractalNet"].methods_by_name[rpc].output_type
    model: Any = OPERATIONS[UNARY[rpc].operation].response
    assert {name.lower() for name in model.model_fields} <= set(wire.fields_by_name)


@pytest.mark.parametrize(
    ("message", "model"),
    [
        ("NernstRequest", NernstRequest),
        ("ValidateRequest", ValidateRequest),
        ("SimulationConfig", SimulationConfig),
        ("AggregateStart", AggregateRequest),
    ],
)
def test_the_interface_names_the_defaults_that_hold(message: str, model: type[BaseModel]) -> None:
    text = (Path(__file__).parents[3] / "proto" / "mfn" / "v1" / "mfn.proto").read_text(encoding="utf-8")
    body = text.split(f"message {message} {{")[1].split("\n}")[0]
    written = re.findall(r"// .*; (-?[0-9][0-9.]*)\.\n\s+optional \w+ (\w+) =", body)
    assert written
    defaults = {name: model.model_fields[name].default for _, name in written}
    assert {name: float(number) for number, name in written} == defaults
