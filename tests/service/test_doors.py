"""The same bits and the same errors from every door: each operation of the table, each code of the catalogue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from google.protobuf import json_format
from websockets.sync.client import connect

import mycelium_fractal_net as mfn
from mycelium_fractal_net.client._problems import error_of
from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.errors import CATALOGUE, ServiceError, problem_of
from mycelium_fractal_net.service.core.keys import add_key, make_key
from mycelium_fractal_net.service.http.problem import send_problem
from mycelium_fractal_net.service.http.routes import PATHS
from mycelium_fractal_net.service.operations import OPERATIONS
from mycelium_fractal_net.service.operations.stream_messages import StreamStart
from mycelium_fractal_net.service.operations.streaming import Stream
from mycelium_fractal_net.service.rpc.status import status_of
from mycelium_fractal_net.service.rpc.unary import UNARY
from tests.service import doors
from tests.service.doors import Place, Refused, facts_of
from tests.service.helpers import KEY, make_app
from tests.service.rpc.helpers import details_of, grpc_server

CONFIG: dict[str, Any] = {"grid_size": 16, "steps": 20, "seed": 7}
FIELD = mfn.simulate(mfn.SimulationConfig(**CONFIG)).field_mv
GRADIENTS = np.random.default_rng(0).normal(size=(12, 5))
ASKED: dict[str, dict[str, Any]] = {
    "health": {},
    "nernst": {"concentration_out_molar": 0.005, "concentration_in_molar": 0.14, "temperature_k": 300.0},
    "features": {"field": FIELD.tolist()},
    "stability": {"kinetics": "schnakenberg", "kinetics_parameters": {"D_h": 19.0}},
    "simulate": CONFIG,
    "aggregate": {"gradients": GRADIENTS.tolist(), "rule": "krum"},
    "validate": {"grid_size": 16, "steps": 16},
}
OF_HTTP_ALONE = {"live", "ready", "metrics", "clip", "tickets"}  # probes, pages and what a browser needs
STREAMED = {"simulate": {"websocket": doors.websocket, "sse": doors.sse}}
PEPPER = b"a pepper of sixteen bytes"
LIMIT = 150


def _doors(operation: str) -> dict[str, Callable[..., Any]]:
    """Return the doors that the tables give an operation."""
    found: dict[str, Callable[..., Any]] = {}
    if operation in PATHS.values():
        found["rest"] = doors.rest
    if operation in {row.operation for row in UNARY.values()} | {"simulate", "aggregate"}:
        found["grpc"] = doors.rpc
    found |= STREAMED.get(operation, {})
    return found if operation == "health" else {**found, "cli": doors.cli, "python": doors.python}


ROWS = [
    pytest.param(name, door, marks=pytest.mark.long if name == "validate" else (), id=f"{name}-{door}")
    for name in ASKED
    for door in _doors(name)
    if door != "rest"
]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Who asks: a key for all, none, one nobody knows, one without the scope, one that has asked too often."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    made = {}
    for name, scope in (("narrow", "metrics"), ("spent", "simulate"), ("other", "simulate")):
        made[name], key = make_key(name, "prod", PEPPER, [scope])
        add_key(path, key)
    return {"file": str(path), "known": KEY, "none": None, "unknown": "nobody-knows-this-key", **made}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("doors")
    limits = json.dumps(dict.fromkeys(("simulate", "aggregate", "nernst", "health"), LIMIT))
    guarded = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMITS": limits, "COST_LIMIT": str(10**15)}
    with grpc_server(directory, API_KEY_FILE=keys["file"], API_KEY_PEPPER=PEPPER.decode(), **guarded) as (
        server,
        where,
    ):
        yield Place(server.url, where, directory)


@pytest.fixture(scope="module")
def told(place: Place) -> Callable[[str], Any]:
    """Return what REST tells, which the others are compared with."""
    known: dict[str, Any] = {}

    def ask(operation: str) -> Any:
        if operation not in known:
            known[operation] = facts_of(operation, doors.rest(place, operation, ASKED[operation], KEY))
        return known[operation]

    return ask


def test_every_operation_is_asked_at_every_door() -> None:
    assert set(ASKED) == set(OPERATIONS) - OF_HTTP_ALONE
    assert {row.operation for row in UNARY.values()} <= set(ASKED)


@pytest.mark.slow
@pytest.mark.parametrize(("operation", "door"), ROWS)
def test_the_bits_are_the_same(place: Place, told: Callable[[str], Any], operation: str, door: str) -> None:
    answer = _doors(operation)[door](place, operation, ASKED[operation], KEY)
    assert facts_of(operation, answer) == told(operation)


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "VALIDATION_ERROR": ("simulate", {**CONFIG, "steps": 0}, "known"),
    "UNSTABLE_PARAMETERS": ("simulate", {**CONFIG, "alpha": 9.0}, "known"),
    "NUMERICAL_DIVERGENCE": ("simulate", {**CONFIG, "kinetics_parameters": {"r_a": 1e6, "r_h": 1e-9}}, "known"),
    "COST_LIMIT_EXCEEDED": ("simulate", {"grid_size": 512, "steps": 10_000}, "known"),
    "AUTHENTICATION_REQUIRED": ("simulate", CONFIG, "none"),
    "INVALID_API_KEY": ("simulate", CONFIG, "unknown"),
    "INSUFFICIENT_SCOPE": ("simulate", CONFIG, "narrow"),
    "RATE_LIMIT_EXCEEDED": ("simulate", CONFIG, "spent"),
    "INVALID_INPUT": ("stability", {"kinetics": "mycelium", "kinetics_parameters": {"nothing": 1.0}}, "known"),
    "AGGREGATION_FAILED": ("aggregate", {"gradients": GRADIENTS[:1].tolist(), "rule": "krum"}, "known"),
}
OF_THE_SERVICE = {
    "COST_LIMIT_EXCEEDED", "AUTHENTICATION_REQUIRED", "INVALID_API_KEY", "INSUFFICIENT_SCOPE", "RATE_LIMIT_EXCEEDED",
}  # fmt: skip
REFUSALS = [
    pytest.param(code, door, id=f"{code}-{door}")
    for code, (operation, _, _) in WRONG.items()
    for door in _doors(operation)
    if door != "rest" and not (door in {"cli", "python"} and code in OF_THE_SERVICE)
]


def _got(code: str) -> str:
    return "; got 0" if code == "VALIDATION_ERROR" else ""


def _refusal(place: Place, door: Callable[..., Any], code: str, keys: dict[str, str | None]) -> Any:
    operation, members, who = WRONG[code]
    with pytest.raises(Refused) as refused:
        door(place, operation, members, keys[who])
    return refused.value.told


@pytest.fixture(scope="module")
def refusals(place: Place, keys: dict[str, str | None]) -> Callable[[str], Any]:
    known: dict[str, Any] = {}

    def ask(code: str) -> Any:
        if code == "RATE_LIMIT_EXCEEDED" and code not in known:
            with httpx.Client(base_url=place.url, headers={"X-API-Key": str(keys["spent"])}, timeout=120) as client:
                while client.post("/simulate", content=b"").status_code != 429:
                    pass
        if code not in known:
            known[code] = _refusal(place, doors.rest, code, keys)
        return known[code]

    return ask


@pytest.mark.slow
@pytest.mark.parametrize(("code", "door"), REFUSALS)
def test_an_error_is_told_the_same(
    place: Place, keys: dict[str, str | None], refusals: Callable[[str], Any], code: str, door: str
) -> None:
    wanted = refusals(code)
    found = _refusal(place, _doors(WRONG[code][0])[door], code, keys)
    assert wanted[0] == code
    if code == "RATE_LIMIT_EXCEEDED":
        assert found[0] == code
        assert found[1].partition("try again")[0] == wanted[1].partition("try again")[0]
    elif door in {"cli", "python"}:  # no door: the library's own words where pydantic found the fault
        assert found[0] == {"VALIDATION_ERROR": "INVALID_INPUT"}.get(code, code)
        assert found[1] == wanted[1].replace("steps: Input should", "steps must") + _got(code)
    else:
        assert found == wanted


TOUCHES: list[dict[str, Any]] = [
    {"type": "ack", "sequence": 1},
    {"type": "pause"},
    {"type": "set", "every": 1},
    {"type": "steer", "changes": [{"parameter": "alpha", "value": 0.1}]},
    {"type": "cancel"},
]


@pytest.mark.slow
def test_a_stream_is_not_touched_by_another_key(place: Place, keys: dict[str, str | None]) -> None:
    url = f"ws{place.url.removeprefix('http')}/ws/simulate"
    start = {"type": "start", "config": CONFIG, "every": 8, "include": ["field"]}
    with (
        connect(url, additional_headers={"X-API-Key": KEY}, open_timeout=60) as mine,
        connect(url, additional_headers={"X-API-Key": str(keys["other"])}, open_timeout=60) as theirs,
    ):
        mine.send(json.dumps(start))
        assert [_sequence(mine.recv(timeout=120)) for _ in range(5)] == [0, 1, None, 2, None]
        for message in TOUCHES:
            theirs.send(json.dumps({**message, "stream": "s1"}))
            assert json.loads(theirs.recv(timeout=120))["problem"]["code"] == "NOT_FOUND"
        theirs.send(json.dumps({**start, "resume_after": 2, "include": []}))  # what it resumes is a run of its own
        assert [_sequence(theirs.recv(timeout=120)) for _ in range(2)] == [3, 4]
        mine.send(json.dumps({"type": "ack", "sequence": 2}))
        assert [_sequence(mine.recv(timeout=120)) for _ in range(2)] == [3, None]
        completed = json.loads(mine.recv(timeout=120))
    assert completed["config"]["schedule"] == []
    assert completed["receipt"]["result_digest"] == mfn.simulate(mfn.SimulationConfig(**CONFIG)).digest


def _sequence(message: str | bytes) -> int | None:
    return json.loads(message)["sequence"] if isinstance(message, str) else None


@pytest.mark.anyio
@pytest.mark.parametrize("code", CATALOGUE)
async def test_every_code_is_rendered_with_the_same_members(code: str) -> None:
    detail = {"field": "alpha", "message": "too much", "value": [1, 2.5, None, "x"]}
    error = ServiceError(code, "told", details=[detail], retry_after_s=3)
    wanted = problem_of(error).body("id-1")
    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    await send_problem(send, problem_of(error), "id-1")
    assert orjson.loads(sent[1]["body"]) == wanted
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"retry-after"]) == (CATALOGUE[code].status, b"3")
    call = Call(request_id="id-1", method="WEBSOCKET", path="/", route="/", client_ip="")
    message = Stream(StreamStart(), call, make_app().state.services).error(error)
    assert orjson.loads(message.text)["problem"] == wanted
    status = status_of(problem_of(error), "id-1")
    found = details_of([("grpc-status-details-bin", status.SerializeToString())])
    problem = json_format.MessageToDict(found["Problem"], preserving_proto_field_name=True)
    assert problem == wanted
    assert found["RetryInfo"].retry_delay.seconds == 3
    library = error_of(wanted)
    assert (library.message, library.details["field"]) == ("told", "alpha")
    assert library.code in {code, "INVALID_INPUT"}
