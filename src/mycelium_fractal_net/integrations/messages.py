"""Jobs that come in, deliveries they come in, and events that go out: CloudEvents 1.0, plain JSON taken too."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from mycelium_fractal_net.errors import InvalidInputError

__all__ = [
    "EVENT_TYPES",
    "FAILED_TYPE",
    "JOB_TYPE",
    "LONGEST_ID",
    "LONGEST_MESSAGE",
    "SIGNAL_TYPE",
    "Delivery",
    "Event",
    "Job",
    "event_id",
    "read_job",
]

LONGEST_ID = 256
"""Most characters of a job's id or key."""

LONGEST_MESSAGE = 16 * 2**20
"""Most bytes of a job."""

_PREFIX = "net.mycelium.mfn"
JOB_TYPE = f"{_PREFIX}.job.requested.v1"
FAILED_TYPE = f"{_PREFIX}.job.failed.v1"
SIGNAL_TYPE = f"{_PREFIX}.signal.raised.v1"
EVENT_TYPES: Mapping[str, str] = {
    "simulate": f"{_PREFIX}.simulation.completed.v1",
    "features": f"{_PREFIX}.features.extracted.v1",
    "aggregate": f"{_PREFIX}.aggregation.completed.v1",
    "signals": SIGNAL_TYPE,
}
"""The type of the event that a job's operation ends in."""

_JSON = "application/json"
_HEADERS = ("ce-", "ce_", "cloudevents:", "cloudevents_")
_MEMBERS = {"id", "operation", "request", "key"}


async def _nothing() -> None:
    return


@dataclass(frozen=True)
class Delivery:
    """One message of a source.

    Attributes
    ----------
    body : bytes
        As it came.
    headers : mapping of str to str
        Names in small letters.
    key : str
        What the source orders messages by; empty where it does not.
    attempt : int
        How often the source has delivered this message, this time included; 1 where it does not count.
    ack : callable
        Tells the source that the message is done with, for good.
    nack : callable
        Gives the message back, to be delivered again.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    attempt: int = 1
    ack: Callable[[], Awaitable[None]] = field(default=_nothing, repr=False)
    nack: Callable[[], Awaitable[None]] = field(default=_nothing, repr=False)


@dataclass(frozen=True)
class Job:
    """What a message asks for.

    Attributes
    ----------
    id : str
        Chosen by whoever asks; the result's ``subject``.
    operation : str
        Name of an operation, for example ``simulate``.
    request : dict
        What ``POST`` takes for that operation.
    key : str
        Jobs of one key are done in the order in which they came; empty for no order.
    traceparent : str
        W3C trace context of whoever asked, empty where there is none.
    """

    id: str
    operation: str
    request: dict[str, Any]
    key: str = ""
    traceparent: str = ""


@dataclass(frozen=True)
class Event:
    """A CloudEvent; ``data`` is JSON.

    Attributes
    ----------
    id : str
        The same whenever the same thing is said again: brokers and consumers drop duplicates by it.
    type : str
        For example ``net.mycelium.mfn.simulation.completed.v1``.
    subject : str
        The job's id.
    data : bytes
        JSON.
    key : str
        Consumers see events of one key in order, where the broker keeps an order.
    traceparent : str
        Goes beside the event, in headers: it differs between repeats, and the event must not.
    source : str
        URI reference of what says it.
    """

    id: str
    type: str
    subject: str
    data: bytes
    key: str = ""
    traceparent: str = ""
    source: str = "/mfn"

    def attributes(self) -> dict[str, str]:
        """Return the context attributes, all text."""
        found = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "datacontenttype": _JSON,
        }
        return found | ({"partitionkey": self.key} if self.key else {})

    def structured(self) -> bytes:
        """Return the event as one JSON object, ``application/cloudevents+json``; equal events give equal bytes."""
        return orjson.dumps(self.attributes() | {"data": orjson.Fragment(self.data)})

    def headers(self, prefix: str = "ce-") -> dict[str, str]:
        """Return what travels beside a structured event: its id and type for routing, and the trace context."""
        found = {f"{prefix}id": self.id, f"{prefix}type": self.type, f"{prefix}subject": self.subject}
        return found | ({"traceparent": self.traceparent} if self.traceparent else {})

    @classmethod
    def from_structured(cls, text: bytes) -> Event:
        """Read what :meth:`structured` wrote."""
        found = orjson.loads(text)
        data = orjson.dumps(found["data"])
        names = {"id": "id", "type": "type", "subject": "subject", "key": "partitionkey", "source": "source"}
        return cls(data=data, **{name: str(found.get(member, "")) for name, member in names.items()})


def event_id(job_id: str, kind: str, receipt: bytes) -> str:
    """Return the id of a job's result: a digest of the job's id, the event's type, and what identifies the result.

    Examples
    --------
    >>> event_id("a", "t", b"{}") == event_id("a", "t", b"{}") != event_id("b", "t", b"{}")
    True
    """
    parts = (job_id.encode(), kind.encode(), receipt)
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()


def read_job(body: bytes, headers: Mapping[str, str] | None = None) -> Job:
    r"""Read a job from a message: plain JSON, a structured or a binary CloudEvent.

    Parameters
    ----------
    body : bytes
        ``{"id": ..., "operation": ..., "request": {...}}``, or a CloudEvent whose data is that. Its ``id`` stands in
        for a job without one, its ``partitionkey`` for the key.
    headers : mapping of str to str, optional
        Those of the message, names in small letters.

    Raises
    ------
    InvalidInputError
        That says what is wrong with the message.

    Examples
    --------
    >>> read_job(b'{"id": "a", "operation": "simulate", "request": {"steps": 8}}').operation
    'simulate'
    """
    beside = headers or {}
    content = _parsed("the message", body)
    attributes = _attributes(beside)
    if isinstance(content, dict) and "specversion" in content:
        attributes, content = content, _data_of(content)
    if not isinstance(content, dict):
        raise InvalidInputError(f"a job must be a JSON object; got {type(content).__name__}", field="body")
    if strange := sorted(set(content) - _MEMBERS):
        known = ", ".join(sorted(_MEMBERS))
        raise InvalidInputError(
            f"a job may have the members {known}; got {', '.join(strange)[:200]} too", field=strange[0]
        )
    request = content.get("request", {})
    if not isinstance(request, dict):
        raise InvalidInputError(f"request must be a JSON object; got {type(request).__name__}", field="request")
    return Job(
        id=_text("id", content.get("id", attributes.get("id"))),
        operation=_text("operation", content.get("operation")),
        request=request,
        key=_text("key", content.get("key", attributes.get("partitionkey")) or "", least=0),
        traceparent=str(attributes.get("traceparent") or beside.get("traceparent") or ""),
    )


def _attributes(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the attributes of a binary CloudEvent, whose headers each protocol prefixes in its own way."""
    return {
        name[len(prefix) :]: value for name, value in headers.items() for prefix in _HEADERS if name.startswith(prefix)
    }


def _data_of(event: dict[str, Any]) -> Any:
    if "data_base64" in event:
        try:
            content = base64.b64decode(str(event["data_base64"]), validate=True)
        except binascii.Error:
            raise InvalidInputError("data_base64 of the CloudEvent is not base64", field="data_base64") from None
        return _parsed("data_base64 of the CloudEvent", content)
    data = event.get("data")
    return _parsed("data of the CloudEvent", data.encode()) if isinstance(data, str) else data


def _parsed(what: str, text: bytes) -> Any:
    if len(text) > LONGEST_MESSAGE:
        raise InvalidInputError(
            f"{what} has {len(text):,} bytes; at most {LONGEST_MESSAGE:,} are allowed", field="body"
        )
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"{what} is not JSON: {error}", field="body") from None


def _text(name: str, value: Any, least: int = 1) -> str:
    if not isinstance(value, str) or not least <= len(value) <= LONGEST_ID or not value.isprintable():
        got = f"{len(value)} characters" if isinstance(value, str) else type(value).__name__
        raise InvalidInputError(f"{name} must be {least} to {LONGEST_ID} printable characters; got {got}", field=name)
    return value
