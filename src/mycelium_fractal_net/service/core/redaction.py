"""What must not leave the process in a log line or a span, and the one place where it is cut out."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, AnyStr, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from mycelium_fractal_net.service.settings import Settings

__all__ = ["CUT", "Redact", "hidden_keys", "is_secret_name", "masked", "redaction"]

CUT = "... <"
"""What stands where a long text was cut off."""

_MOST_MEMBERS = 20
_LONGEST_VALUE = 200
_DEEPEST = 4
_KEY = r"(mfn_(?:dev|staging|prod)_[a-z0-9]{12})_[A-Za-z0-9_-]+"
_KEY_IN_TEXT, _KEY_IN_BYTES = re.compile(_KEY), re.compile(_KEY.encode())
_SECRET = re.compile(r"key|secret|token|password|passwd|pepper|authorization|credential", re.IGNORECASE)
_SHORTEST = 8
_SHORTEST_CUT = 4
_HIDDEN = b"***"
_CUT = CUT.encode()
_COLLECTOR_URL = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_COLLECTOR_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")


class Redact(Protocol):
    """Cut secrets out of a text or a line."""

    def __call__(self, text: AnyStr, /) -> AnyStr:
        """Return what may be written."""
        ...


def redaction(settings: Settings) -> Redact:
    """Return the function that cuts out secrets: keys of our own form, and what the settings hold, wherever it stands.

    It is for what is written, after values, messages and stacks have become text. A secret of the settings counts from
    8 characters on; a shorter one would be found in words.

    Parameters
    ----------
    settings : Settings
        Plain keys, pepper, and URLs with passwords or queries.

    Examples
    --------
    >>> from mycelium_fractal_net.service.settings import load_settings
    >>> redact = redaction(load_settings(env="dev", api_key="tell-nobody"))
    >>> redact("tell-nobody of mfn_dev_0123456789ab_verysecret")
    '*** of mfn_dev_0123456789ab_***'
    """
    wanted = {text for text in _secrets(settings) if len(text) >= _SHORTEST}
    secrets = sorted({form for secret in wanted for form in _forms(secret)}, key=len, reverse=True)
    cut = [form[:length] + _CUT for form in secrets for length in range(len(form) - 1, _SHORTEST_CUT, -1)]

    def redact(text: AnyStr) -> AnyStr:
        if isinstance(text, str):
            return redact(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        line = hidden_keys(text)
        for secret in secrets:
            if secret in line:
                line = line.replace(secret, _HIDDEN)
        if cut and _CUT in line:
            for beginning in cut:
                line = line.replace(beginning, _HIDDEN + _CUT)
        return line

    return redact


def _secrets(settings: Settings) -> Iterator[str]:
    for secret in (settings.api_key, *settings.api_keys, settings.api_key_pepper):
        if secret is not None:
            yield secret.get_secret_value()
    urls = (settings.rate_limit_storage_url, settings.otlp_endpoint, settings.zipkin_endpoint)
    for url in (*urls, os.environ.get(_COLLECTOR_URL)):
        yield from _of_url(url or "")
    for value in (settings.events_publisher or {}).values():
        if isinstance(value, str):
            yield from _of_url(value)
    for name in _COLLECTOR_HEADERS:
        yield from _of_headers(os.environ.get(name, ""))


def _of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    yield parts.query
    yield from (value for _, value in parse_qsl(parts.query))
    userinfo, at, _ = parts.netloc.rpartition("@")
    if at:
        yield from (userinfo, userinfo.partition(":")[2], unquote(userinfo.partition(":")[2]))


def _of_headers(text: str) -> Iterator[str]:
    for header in text.split(","):
        value = header.partition("=")[2].strip() or header.strip()
        yield from (value, unquote(value), unquote(value).rpartition(" ")[2])


def _forms(secret: str) -> set[bytes]:
    """Return what a secret looks like as it is, and quoted by Python or JSON, or by one after the other."""
    texts = {secret}
    for _ in range(2):
        texts |= {quoted[1:-1] for text in texts for quoted in (repr(text), orjson.dumps(text).decode())}
    return {text.encode() for text in texts}


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name is not to be shown.

    Examples
    --------
    >>> is_secret_name("api_key"), is_secret_name("alpha")
    (True, False)
    """
    return _SECRET.search(name) is not None


def hidden_keys(text: AnyStr) -> AnyStr:
    """Cut the secret part off keys in a text.

    Examples
    --------
    >>> hidden_keys("/x/mfn_dev_0123456789ab_verysecret")
    '/x/mfn_dev_0123456789ab_***'
    """
    if isinstance(text, bytes):
        return _KEY_IN_BYTES.sub(rb"\1_***", text) if b"mfn_" in text else text
    return _KEY_IN_TEXT.sub(r"\1_***", text) if "mfn_" in text else text


def masked(value: Any, name: str = "", depth: int = 0) -> Any:
    """Return a value as it may be shown: short, without secrets, JSON whatever it was.

    Examples
    --------
    >>> masked({"alpha": 0.1, "api_key": "x", "field_mv": [[0.0] * 64] * 64})
    {'alpha': 0.1, 'api_key': '***', 'field_mv': '<64 x 64 values>'}
    """
    if name and _SECRET.search(name):
        return "***"
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else f"<integer of {value.bit_length()} bits>"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, list | tuple):
        return _masked_list(value)
    if isinstance(value, Mapping):
        if depth == _DEEPEST:
            return f"<{len(value)} members>"
        members = list(value.items())[:_MOST_MEMBERS]
        shown = {_short(str(key)): masked(item, str(key), depth + 1) for key, item in members}
        return shown if len(value) <= _MOST_MEMBERS else {**shown, "...": f"<{len(value)} members>"}
    return _short(repr(value))


def _masked_list(value: Any) -> Any:
    if len(value) <= 8 and not any(isinstance(item, list | tuple | Mapping) for item in value):
        return [masked(item) for item in value]
    inner = f" x {len(value[0])}" if value and isinstance(value[0], list | tuple) else ""
    return f"<{len(value)}{inner} values>"


def _short(text: str) -> str:
    clean = hidden_keys(text.encode("utf-8", "replace").decode())
    return clean if len(clean) <= _LONGEST_VALUE else f"{clean[:_LONGEST_VALUE]}{CUT}{len(clean)} characters>"
