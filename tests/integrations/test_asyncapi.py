"""The AsyncAPI description: valid, as committed, and true of what is sent."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from mycelium_fractal_net.integrations import Delivery, Event, Job
from mycelium_fractal_net.integrations.worker import failure_of
from mycelium_fractal_net.service.asyncapi import asyncapi_text, describe_messages
from mycelium_fractal_net.signals import raise_signal

ROOT = Path(__file__).parents[2]
META = json.loads(gzip.decompress((Path(__file__).parent / "data/asyncapi-3.0.0.json.gz").read_bytes()))


@pytest.mark.usefixtures("built_in_kinetics")
def test_the_committed_description_is_the_one_of_the_code() -> None:
    assert (ROOT / "docs/asyncapi.json").read_text() == asyncapi_text()


def test_the_description_is_asyncapi_and_what_is_none_is_not() -> None:
    validator = Draft7Validator(META)
    description = describe_messages()
    assert [error.message for error in validator.iter_errors(description)] == []
    description["operations"]["takeJob"]["action"] = "take"
    assert list(validator.iter_errors(description))


def _validate(name: str, message: Any) -> None:
    document = {**describe_messages(), "$ref": f"#/components/schemas/{name}"}
    Draft202012Validator(document).validate(message)


def test_jobs_and_events_are_as_described() -> None:
    _validate("simulate.job", {"id": "a", "operation": "simulate", "request": {"grid_size": 16, "steps": 8}})
    letter = failure_of(Delivery(b"x"), Job("a", "simulate", {}), {"code": "X", "message": "y"}, 1)
    _validate("failure.event", json.loads(letter.structured()))
    values = [float(number % 7) for number in range(64)]
    signal = raise_signal("V_mean", values, surrogates=19)._asdict()
    event = Event("i", "net.mycelium.mfn.signal.raised.v1", "a", json.dumps(signal).encode())
    _validate("signal.event", json.loads(event.structured()))


@pytest.mark.parametrize("job", [{"operation": "simulate"}, {"id": "a", "operation": "simulate", "more": 1}])
def test_what_is_no_job_is_not_described_as_one(job: dict[str, Any]) -> None:
    document = {**describe_messages(), "$ref": "#/components/schemas/simulate.job"}
    assert not Draft202012Validator(document).is_valid(job)
