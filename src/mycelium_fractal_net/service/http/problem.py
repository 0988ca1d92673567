"""Errors as HTTP tells them: a body of RFC 9457, and the headers that a client can act on."""

from __future__ import annotations

from typing import Any

import orjson

from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.errors import Problem
from mycelium_fractal_net.service.core.redaction import hidden_keys

__all__ = ["problem_headers", "quota_headers", "send_problem"]

_MEDIA = (b"content-type", b"application/problem+json")
_OF_CODE = {
    "AUTHENTICATION_REQUIRED": (b"www-authenticate", b'Bearer realm="mfn"'),
    "INVALID_API_KEY": (b"www-authenticate", b'Bearer realm="mfn"'),
    "NOT_ACCEPTABLE": (b"vary", b"Accept"),
}

Headers = list[tuple[bytes, bytes]]


def problem_headers(problem: Problem) -> Headers:
    """Return the headers that a problem's facts make.

    Examples
    --------
    >>> problem_headers(Problem("QUEUE_FULL", "try again", facts={"retry_after_s": 3}))
    [(b'retry-after', b'3')]
    """
    facts, headers = problem.facts, []
    if problem.code in _OF_CODE:
        headers.append(_OF_CODE[problem.code])
    if "retry_after_s" in facts:
        headers.append((b"retry-after", b"%d" % facts["retry_after_s"]))
    if "allowed" in facts:
        headers.append((b"allow", ", ".join(facts["allowed"]).encode()))
    if "accepted_encoding" in facts:
        headers.append((b"accept-encoding", str(facts["accepted_encoding"]).encode()))
    if facts.get("closes"):
        headers.append((b"connection", b"close"))
    return headers


def quota_headers(call: Call) -> Headers:
    """Return what is left of a call's rate limit, where it has one."""
    quota = call.quota
    if quota is None:
        return []
    return [
        (b"x-ratelimit-limit", b"%d" % quota.limit),
        (b"x-ratelimit-remaining", b"%d" % quota.remaining),
        (b"x-ratelimit-reset", b"%d" % quota.reset_s),
    ]


async def send_problem(send: Any, problem: Problem, request_id: str) -> None:
    """Answer with a problem."""
    body = hidden_keys(orjson.dumps(problem.body(request_id)))
    headers = [_MEDIA, (b"content-length", b"%d" % len(body)), *problem_headers(problem)]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
