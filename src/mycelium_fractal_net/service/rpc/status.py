"""Errors as gRPC tells them: a ``google.rpc.Status`` with details that a client can act on."""

from __future__ import annotations

import math
from typing import Any

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2

from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.service.core.errors import CATALOGUE, Problem
from mycelium_fractal_net.service.core.redaction import hidden_keys

__all__ = ["DETAILS", "DOMAIN", "end_with", "status_of"]

DOMAIN = "mycelium-fractal-net"
"""Whose reasons ErrorInfo names."""

DETAILS = "grpc-status-details-bin"
"""Trailing metadata that the status travels in."""

_MOST_BYTES = 6_000  # clients take 8 KiB of metadata in all
_LONGEST = 400


def status_of(problem: Problem, request_id: str) -> status_pb2.Status:
    """Return the status of a problem.

    Examples
    --------
    >>> status_of(Problem("QUEUE_FULL", "try again", facts={"retry_after_s": 3}), "id-1").code
    8
    """
    code = grpc.StatusCode[CATALOGUE[problem.code].grpc].value[0]
    status = status_pb2.Status(code=code, message=_short(problem.message))
    details = list(problem.details)
    _add(status, error_details_pb2.ErrorInfo(reason=problem.code, domain=DOMAIN, metadata={"request_id": request_id}))
    if "retry_after_s" in problem.facts:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromSeconds(int(problem.facts["retry_after_s"]))
        _add(status, retry)
    head = len(status.details)
    while True:
        _add_faults(status, problem, details, request_id)
        if status.ByteSize() <= _MOST_BYTES or not details:
            return status
        details.pop()
        del status.details[head:]


def _add_faults(status: status_pb2.Status, problem: Problem, details: list[Any], request_id: str) -> None:
    violations = [{"field": one["field"], "description": _short(one["message"])} for one in details]
    if violations:
        _add(status, error_details_pb2.BadRequest(field_violations=violations))
    body = problem._replace(details=details, message=_short(problem.message)).body(request_id)
    if problem.facts.get("resume_after") is not None:
        body["resume_after"] = problem.facts["resume_after"]
    _add(status, json_format.ParseDict(_plain(body), mfn_pb2.Problem()))


def _plain(value: Any) -> Any:
    """Return what JSON has a form for; whatever came in a request may be told back."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return hidden_keys(str(value))


def _short(text: str) -> str:
    text = hidden_keys(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _add(status: status_pb2.Status, detail: Any) -> None:
    status.details.add().Pack(detail)


async def end_with(context: Any, problem: Problem, request_id: str) -> None:
    """End an RPC with a problem; it raises, so that nothing follows."""
    status = status_of(problem, request_id)
    trailing = [("x-request-id", request_id), (DETAILS, status.SerializeToString())]
    if "retry_after_s" in problem.facts:
        trailing.append(("retry-after", str(problem.facts["retry_after_s"])))
    await context.abort(grpc.StatusCode[CATALOGUE[problem.code].grpc], status.message, tuple(trailing))
