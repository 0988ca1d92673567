"""Failed jobs back to where they came from."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError
from mycelium_fractal_net.integrations.messages import FAILED_TYPE, JOB_TYPE, Event

__all__ = ["back_to", "job_event"]

_SHARED: Mapping[str, tuple[str, ...]] = {
    "kafka": ("servers", "topic", "options"),
    "mqtt": ("url", "topic"),
    "nats": ("url", "subject", "stream", "credentials_file"),
    "rabbitmq": ("url", "queue"),
    "redis": ("url", "stream"),
}


def back_to(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a publisher that writes where a source reads.

    Raises
    ------
    ConfigurationError
        For a source that nothing can be put back to, as HTTP or a directory.

    Examples
    --------
    >>> back_to({"kind": "redis", "url": "redis://127.0.0.1", "group": "g"})
    {'kind': 'redis', 'url': 'redis://127.0.0.1', 'stream': 'mfn.jobs'}
    """
    kind = str(source.get("kind"))
    if kind not in _SHARED:
        raise ConfigurationError(f"jobs cannot be put back to a source of kind {kind!r}; send them to it again")
    found = {"kind": kind, **{name: source[name] for name in _SHARED[kind] if name in source}}
    place = {"kafka": "topic", "mqtt": "topic", "nats": "subject", "rabbitmq": "queue", "redis": "stream"}[kind]
    return {**found, place: source.get(place, "mfn/jobs" if kind == "mqtt" else "mfn.jobs")}


def job_event(letter: Event) -> Event:
    """Return the job of a dead letter, as a CloudEvent that a source reads.

    Raises
    ------
    InvalidInputError
        When the event is no failed job, or the message is no JSON: nothing but a person can mend it.
    """
    content = orjson.loads(letter.data)
    if letter.type != FAILED_TYPE:
        raise InvalidInputError(f"{letter.id} is not a failed job but {letter.type}", field="id")
    body = content["body"].encode() if "body" in content else base64.b64decode(content["body_base64"])
    try:
        job = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidInputError(f"the message of {letter.id} is not JSON; send a corrected one", field="id") from None
    data = job.get("data", job) if isinstance(job, dict) and "specversion" in job else job
    return Event(f"replay-{letter.id}", JOB_TYPE, letter.subject, orjson.dumps(data), letter.key)
