"""Signatures of webhooks as Standard Webhooks 1.0.0 has them, symmetric form."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Iterable, Mapping

from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError

__all__ = ["TOLERANCE_S", "signed_headers", "signing_key", "verify"]

TOLERANCE_S = 300
"""How far the clocks of sender and receiver may differ, in s."""

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64


def signing_key(secret: str) -> bytes:
    """Return the bytes of a secret: base64 of 24 to 64 bytes, after ``whsec_``.

    Raises
    ------
    ConfigurationError
        That does not tell the secret.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ConfigurationError(f"a signing secret is {_PREFIX} and base64 of {_SHORTEST} to {_LONGEST} bytes")
    return key


def _signature(key: bytes, identity: str, timestamp: str, body: bytes) -> str:
    content = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def signed_headers(keys: Iterable[bytes], identity: str, body: bytes, timestamp: int | None = None) -> dict[str, str]:
    """Return the headers that go with a body: one signature for each key in force.

    Examples
    --------
    >>> key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> signed_headers([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330)["webhook-signature"]
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    signatures = " ".join(_signature(key, identity, stamp, body) for key in keys)
    return {"webhook-id": identity, "webhook-timestamp": stamp, "webhook-signature": signatures}


def verify(keys: Iterable[bytes], headers: Mapping[str, str], body: bytes, now: float | None = None) -> None:
    """Check the signature of a webhook that came in; for receivers, and for webhooks as jobs.

    Raises
    ------
    InvalidInputError
        When a header is missing, the time is off by more than five minutes, or no signature fits.
    """
    try:
        identity, stamp, given = (headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        sent = int(stamp)
    except (KeyError, ValueError):
        raise InvalidInputError("webhook-id, webhook-timestamp and webhook-signature are needed") from None
    if abs((time.time() if now is None else now) - sent) > TOLERANCE_S:
        raise InvalidInputError(f"webhook-timestamp is off by more than {TOLERANCE_S} s")
    expected = [_signature(key, identity, stamp, body).encode() for key in keys]
    signatures = [text.encode() for text in given.split(" ")]
    if not any([hmac.compare_digest(one, other) for one in expected for other in signatures]):  # noqa: C419 # no early end
        raise InvalidInputError("webhook-signature does not match the body")
