"""Every door of the service as a function: what is asked, by whom, and what is told, in one form."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import httpx
import numpy as np
from google.protobuf import json_format
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import mycelium_fractal_net as mfn
from mycelium_fractal_net import federated
from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.cli import main
from mycelium_fractal_net.errors import MFNError
from mycelium_fractal_net.service.core.errors import CATALOGUE, problem_of
from mycelium_fractal_net.service.http.routes import PATHS
from mycelium_fractal_net.service.rpc.unary import UNARY
from tests.service.rpc.helpers import Caller, details_of

__all__ = ["Place", "Refused", "cli", "facts_of", "python", "rest", "rpc", "sse", "websocket"]

_PATH = {name: (method, path) for (method, path), name in PATHS.items()}
_RPC = {row.operation: rpc for rpc, row in UNARY.items()}


class Place(NamedTuple):
    """Where the service is, and a directory."""

    url: str
    grpc: str
    directory: Path


class Refused(Exception):  # noqa: N818 # what a door refused with
    """A problem: code, message, details, whatever the door."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        details = [
            (one["field"].removeprefix("config."), one["message"], one.get("value"))
            for one in problem.get("details", ())
        ]
        self.told = (problem["code"], problem["message"].removeprefix("config."), details)
        super().__init__(self.told)


def rest(place: Place, operation: str, members: dict[str, Any], key: str | None) -> Any:
    """Ask over HTTP."""
    method, path = _PATH[operation]
    body = None if method == "GET" else members
    answer = httpx.request(method, place.url + path, json=body, headers=_headers(key), timeout=300)
    if answer.status_code != 200:
        problem = answer.json()
        assert answer.status_code == problem["status"] == CATALOGUE[problem["code"]].status
        raise Refused(problem)
    return answer.json()


def websocket(place: Place, _operation: str, members: dict[str, Any], key: str | None) -> Any:
    """Ask over a WebSocket."""
    url = f"ws{place.url.removeprefix('http')}/ws/simulate"
    try:
        with connect(url, additional_headers=_headers(key), open_timeout=60) as socket:
            socket.send(json.dumps({"type": "start", "config": members, "every": 8}))
            while True:
                message = json.loads(socket.recv(timeout=300))
                if message["type"] == "error":
                    raise Refused(message["problem"])
                if message["type"] == "completed":
                    return {**message["result"], "receipt": message["receipt"]}
    except InvalidStatus as refused:
        raise Refused(json.loads(refused.response.body)) from None
    except ConnectionClosed as end:
        raise Refused(_closed(end.rcvd)) from None


def sse(place: Place, _operation: str, members: dict[str, Any], key: str | None) -> Any:
    """Ask for Server-Sent Events."""
    start = {"config": members, "every": 8}
    answer = httpx.post(f"{place.url}/stream/simulate", json=start, headers=_headers(key), timeout=300)
    if answer.status_code != 200:
        raise Refused(answer.json())
    last = json.loads(answer.text.rstrip().rpartition("data: ")[2])
    if last["type"] == "error":
        raise Refused(last["problem"])
    return {**last["result"], "receipt": last["receipt"]}


def rpc(place: Place, operation: str, members: dict[str, Any], key: str | None) -> Any:
    """Ask over gRPC."""
    caller = Caller(place.grpc, () if key is None else (("x-api-key", key),))
    try:
        if operation == "simulate":
            request = json_format.ParseDict({"config": members, "every": 8}, mfn_pb2.SimulateRequest())
            *_, last = caller.simulate(**{field.name: value for field, value in request.ListFields()})
            return {**_members(last.completed.result), "receipt": _members(last.completed.receipt)}
        if operation == "aggregate":
            return _aggregated(caller, members)
        name = _RPC[operation]
        row = UNARY[name]
        response = mfn_pb2.DESCRIPTOR.services_by_name["MyceliumFractalNet"].methods_by_name[name].output_type
        answer = caller.unary(name, _wire(row.request, members), getattr(mfn_pb2, response.name))
        return _members(answer)
    except grpc.RpcError as error:
        raise Refused(_problem(error)) from None
    finally:
        caller.channel.close()


def cli(place: Place, operation: str, members: dict[str, Any], _key: str | None) -> Any:
    """Ask the command."""
    command = _COMMANDS[operation](place, members)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([*command, "--json"])
    if code:
        text = err.getvalue().strip().removeprefix("mfn: ")
        message, _, name = text.rpartition(" [")
        raise Refused({"code": name.rstrip("]"), "message": message})
    told = json.loads(out.getvalue())
    if operation == "simulate":
        told["receipt"] = {"result_digest": told["digest"], "parameters_digest": told["config_digest"]}
    return told


def python(_place: Place, operation: str, members: dict[str, Any], _key: str | None) -> Any:
    """Ask the library."""
    try:
        return _CALLS[operation](members)
    except (MFNError, ValueError) as error:
        raise Refused(problem_of(error)._asdict()) from None


def facts_of(operation: str, told: Any) -> dict[str, Any]:
    """Return what every door tells of an operation, in one form."""
    return {name: _plain(_found(told, name)) for name in _FACTS[operation]}


_FACTS = {
    "health": ("status", "version"),
    "nernst": ("potential_mV",),
    "features": ("features",),
    "stability": ("kinetics", "turing_unstable", "wavelength_lattice_cells", "max_growth_rate"),
    "simulate": ("receipt.result_digest", "receipt.parameters_digest", "growth_events", "turing_activations"),
    "aggregate": ("aggregated_gradient", "selected", "rejected", "rule", "f", "failure_probability", "assumption"),
    "validate": ("passed", "loss_final", "r2_held_out", "lyapunov_exponent", "growth_events"),
}


def _found(told: Any, name: str) -> Any:
    for part in name.split("."):
        told = told[part] if part in told else told[part.lower()]
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if not isinstance(value, str) and isinstance(value, np.ndarray | Sequence):
        return [_plain(inner) for inner in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _closed(close: Any) -> dict[str, Any]:
    """Return the problem that a close frame tells."""
    code = next(code for code, entry in CATALOGUE.items() if entry.text == close.reason)
    assert CATALOGUE[code].close == close.code
    return {"code": code, "message": close.reason}


def _problem(error: Any) -> dict[str, Any]:
    """Return the problem of a status, all of whose details agree."""
    found = details_of(error.trailing_metadata())
    problem: dict[str, Any] = json_format.MessageToDict(found["Problem"], preserving_proto_field_name=True)
    assert error.code().name == CATALOGUE[problem["code"]].grpc
    assert found["ErrorInfo"].reason == problem["code"]
    violations = found["BadRequest"].field_violations if "BadRequest" in found else ()
    assert [one.field for one in violations] == [one["field"] for one in problem.get("details", ())]
    return problem


def _headers(key: str | None) -> dict[str, str]:
    return {} if key is None else {"X-API-Key": key}


def _members(message: Any) -> dict[str, Any]:
    """Return a message's fields as they are; None for one that is not set where that is told apart."""
    return {field.name: _value(message, field) for field in message.DESCRIPTOR.fields}


def _value(message: Any, field: Any) -> Any:
    if field.has_presence and not message.HasField(field.name):
        return None
    value = getattr(message, field.name)
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    return dict(value) if is_map else value


def _wire(kind: Any, members: dict[str, Any]) -> Any:
    told = {name: value for name, value in members.items() if name != "field"}
    request = json_format.ParseDict(told, kind())
    if "field" in members:
        array = np.asarray(members["field"], "<f8")
        request.array.MergeFrom(mfn_pb2.Array(shape=array.shape, data=array.tobytes()))
    return request


def _aggregated(caller: Caller, members: dict[str, Any]) -> dict[str, Any]:
    rows = np.asarray(members["gradients"], "<f8")
    start = {name: value for name, value in members.items() if name != "gradients"}
    requests = [mfn_pb2.AggregateRequest(start={"length": rows.shape[1], **start})]
    requests += [
        mfn_pb2.AggregateRequest(chunk={"client": f"c{number}", "values": row.tobytes(), "last": True})
        for number, row in enumerate(rows)
    ]
    parts, result = [], None
    for answer in caller.aggregate(requests):
        if answer.HasField("chunk"):
            parts.append(np.frombuffer(answer.chunk.values))
        elif answer.HasField("result"):
            result = answer.result
    return {**_members(result), "aggregated_gradient": np.concatenate(parts)}


def _of_simulation(_place: Place, members: dict[str, Any]) -> list[str]:
    told = ["simulate"]
    for name, value in members.items():
        if name == "kinetics_parameters":
            told += [part for each in value.items() for part in ("-p", f"{each[0]}={each[1]}")]
        else:
            told += [f"--{name.replace('_', '-')}", str(value)]
    return told


def _of_array(place: Place, members: dict[str, Any], name: str) -> str:
    array = np.asarray(members[name], np.float64)
    path = place.directory / f"{hashlib.sha256(array.tobytes()).hexdigest()[:12]}.npy"
    np.save(path, array)
    return str(path)


_COMMANDS: dict[str, Any] = {
    "nernst": lambda _place, members: [
        "nernst",
        str(members.get("z_valence", 1)),
        str(members["concentration_out_molar"]),
        str(members["concentration_in_molar"]),
        "--temperature-k",
        str(members.get("temperature_k", 310.15)),
    ],
    "features": lambda place, members: ["features", _of_array(place, members, "field"), "--as-mv", "--periodic"],
    "stability": lambda _place, members: [
        "stability",
        members.get("kinetics", "mycelium"),
        *[part for each in members.get("kinetics_parameters", {}).items() for part in ("-p", f"{each[0]}={each[1]}")],
    ],
    "simulate": _of_simulation,
    "aggregate": lambda place, members: [
        "aggregate", _of_array(place, members, "gradients"), "--rule", members["rule"],
    ],
    "validate": lambda _place, members: [
        "validate", *[part for name, value in members.items() for part in (f"--{name.replace('_', '-')}", str(value))],
    ],
}  # fmt: skip


def _simulated(members: dict[str, Any]) -> dict[str, Any]:
    config = mfn.SimulationConfig(**members)
    result = mfn.simulate(config)
    digests = {"result_digest": result.digest, "parameters_digest": config.digest()}
    counts = {"growth_events": result.growth_events, "turing_activations": result.turing_activations}
    return {**counts, "receipt": digests}


def _aggregate(members: dict[str, Any]) -> dict[str, Any]:
    gradients = np.asarray(members["gradients"])
    found = federated.make_rule(members["rule"], len(gradients)).aggregate(gradients)
    return found.to_dict()


def _stability(members: dict[str, Any]) -> dict[str, Any]:
    found = mfn.linear_stability(members.get("kinetics", "mycelium"), **members.get("kinetics_parameters", {}))
    return {name: getattr(found, name) for name in _FACTS["stability"]}


_CALLS: dict[str, Any] = {
    "nernst": lambda members: {
        "potential_mV": mfn.nernst_potential_mv(
            members.get("z_valence", 1),
            members["concentration_out_molar"],
            members["concentration_in_molar"],
            members.get("temperature_k", 310.15),
        )
    },
    "features": lambda members: {"features": mfn.extract_features(np.asarray(members["field"])).to_dict()},
    "stability": _stability,
    "simulate": _simulated,
    "aggregate": _aggregate,
    "validate": lambda members: mfn.validate(**members).to_dict(),
}
