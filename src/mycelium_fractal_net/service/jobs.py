"""Jobs of a worker, done by the operations that every other door calls."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from mycelium_fractal_net._inputs import read_bytes
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.integrations.messages import EVENT_TYPES, Event, Job, event_id
from mycelium_fractal_net.integrations.worker import JobPostponedError, JobRefusedError
from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.record import Recorder, RequestRecord
from mycelium_fractal_net.service.http.body import LONGEST_ARRAY, parse_npy
from mycelium_fractal_net.service.http.representations import JSON, renderer
from mycelium_fractal_net.service.operations import OPERATIONS, Answer, Operation, perform
from mycelium_fractal_net.service.services import Services

__all__ = ["JOB_OPERATIONS", "JobRunner"]

JOB_OPERATIONS: tuple[str, ...] = ("simulate", "features", "aggregate")
"""Operations that a job may name."""

_PASSING = frozenset({"QUEUE_FULL", "INTERNAL_ERROR", "CANCELLED"})
_LONG = 2**16


class JobRunner:
    """Compute a job with the service's own operation, threads, limits, logs and traces.

    Parameters
    ----------
    services : Services
        Of the application beside which the worker runs.
    recorder : Recorder
        Where each job is written down.
    uri_prefixes : sequence of str
        Under which a job may name an array by its URI.
    """

    def __init__(self, services: Services, recorder: Recorder, uri_prefixes: Sequence[str] = ()) -> None:
        self._services, self._recorder, self._prefixes = services, recorder, tuple(uri_prefixes)

    async def __call__(self, job: Job) -> Event:
        """Return the event that a job ends in.

        Raises
        ------
        JobRefusedError
            With the problem that REST would answer.
        JobPostponedError
            When the service ends.
        """
        call = Call(
            request_id=job.id,
            method="JOB",
            path=job.operation,
            route=job.operation if job.operation in JOB_OPERATIONS else "unknown",
            client_ip="",
            traceparent=job.traceparent,
        )
        record = self._recorder.open(call)
        try:
            content, receipt = await self._computed(_operation(job.operation), job, record)
            record.status = 200
        except Exception as error:  # every one of them is told, in the words of the service
            raise self._refusal(record, error, job) from error
        finally:
            record.close()
        kind = EVENT_TYPES[job.operation]
        identity = event_id(job.id, kind, receipt)
        return Event(identity, kind, job.id, content, job.key, record.traceparent or job.traceparent)

    async def _computed(self, operation: Operation, job: Job, record: RequestRecord) -> tuple[bytes, bytes]:
        def read() -> Any:
            assert operation.request is not None  # noqa: S101 # each of the three has one
            return operation.request.model_validate(self._members(operation, job))

        is_long = len(job.request) > 0 and any(isinstance(value, list | str) for value in job.request.values())
        request = await self._services.read_aside(read) if is_long else read()
        write = renderer(operation, JSON, request)

        def render(answer: Answer) -> tuple[bytes, bytes]:
            content = write(answer).content
            if answer.receipt is not None:
                return content, orjson.dumps(answer.receipt.model_dump())
            return content, hashlib.sha256(content).digest()

        return await perform(operation, request, record, self._services, render)

    def _members(self, operation: Operation, job: Job) -> dict[str, Any]:
        """Return a request's members; an array may come as base64 of .npy, or as the URI of one."""
        members = dict(job.request)
        text, uri = members.pop("npy", None), members.pop("uri", None)
        if text is not None or uri is not None:
            array = parse_npy(_decoded(text) if text is not None else self._fetched(uri))
            name = operation.arrays.get(array.ndim)
            if name is None:
                wanted = " or ".join(map(str, operation.arrays)) or "no array"
                raise InvalidInputError(f"{operation.name} takes {wanted} axes; got {array.shape}", field="npy")
            members[name] = array
        if operation.name == "aggregate" and members.get("seed") is None:
            members["seed"] = _seed_of(job.id)
        return members

    def _fetched(self, uri: Any) -> bytes:
        """Read what a URI under one of the prefixes names."""
        text = str(uri)
        parts = urlsplit(text)
        if parts.scheme == "file" and not parts.netloc:
            path = os.path.realpath(unquote(parts.path))
            for prefix in self._prefixes:
                allowed = urlsplit(prefix)
                root = os.path.realpath(unquote(allowed.path))
                if allowed.scheme == "file" and os.path.commonpath([root, path]) == root:
                    return read_bytes(Path(path), LONGEST_ARRAY, InvalidInputError)
        raise InvalidInputError("uri must begin with one of this worker's uri_prefixes", field="uri")

    def _refusal(self, record: RequestRecord, error: Exception, job: Job) -> Exception:
        problem = record.fail(error)
        if self._services.compute.draining and problem.code in {"SERVICE_UNAVAILABLE", "CANCELLED"}:
            return JobPostponedError("the worker is shutting down")
        if problem.code in _PASSING or problem.code == "SERVICE_UNAVAILABLE":
            return error
        return JobRefusedError(_told(problem.body(job.id)))


def _operation(name: str) -> Operation:
    if name not in JOB_OPERATIONS:
        known = ", ".join(JOB_OPERATIONS)
        raise InvalidInputError(f"operation must be one of {known}; got {name!r}", field="operation", value=name)
    return OPERATIONS[name]


def _told(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in {"request_id", "type"}}


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise InvalidInputError("npy must be a .npy file in base64", field="npy") from None


def _seed_of(job_id: str) -> int:
    """Return a seed that repeats with the job: whoever asks has to choose ids that clients cannot foresee."""
    return int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:8], "big") >> 11
