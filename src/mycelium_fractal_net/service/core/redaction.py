"""What must not leave the process in a log line or a span, and the one place where it is cut out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from mycelium_fractal_net.service.core.errors import CUT, hidden_keys
from mycelium_fractal_net.service.settings import Settings

__all__ = ["Veil"]

_SHORTEST = 8
_SHORTEST_CUT = 4
_HIDDEN = b"***"
_CUT = CUT.encode()
_COLLECTOR_URL = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_COLLECTOR_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")


class Veil:
    """Cut out secrets: keys of our own form, and what the settings hold, wherever it stands and however it got there.

    It works on the bytes that are written, after values, messages and stacks have become text. A secret of the
    settings counts from 8 characters on; a shorter one would be found in words.

    Parameters
    ----------
    settings : Settings
        Plain keys, pepper, and URLs with passwords or queries.

    Examples
    --------
    >>> from mycelium_fractal_net.service.settings import load_settings
    >>> veil = Veil(load_settings(env="dev", api_key="tell-nobody"))
    >>> veil.text("tell-nobody of mfn_dev_0123456789ab_verysecret")
    '*** of mfn_dev_0123456789ab_***'
    """

    def __init__(self, settings: Settings) -> None:
        secrets = {text for text in _secrets(settings) if len(text) >= _SHORTEST}
        forms = {form for secret in secrets for form in _forms(secret)}
        self._secrets = tuple(sorted(forms, key=len, reverse=True))
        self._cut = tuple(
            form[:length] + _CUT for form in self._secrets for length in range(len(form) - 1, _SHORTEST_CUT, -1)
        )

    def line(self, line: bytes) -> bytes:
        """Return a line as it may be written."""
        line = hidden_keys(line)
        for secret in self._secrets:
            if secret in line:
                line = line.replace(secret, _HIDDEN)
        if self._cut and _CUT in line:
            for beginning in self._cut:
                line = line.replace(beginning, _HIDDEN + _CUT)
        return line

    def text(self, text: str) -> str:
        """Return a text as it may be told."""
        return self.line(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def _secrets(settings: Settings) -> Iterator[str]:
    for secret in (settings.api_key, *settings.api_keys, settings.api_key_pepper):
        if secret is not None:
            yield secret.get_secret_value()
    urls = (settings.rate_limit_storage_url, settings.otlp_endpoint, settings.zipkin_endpoint)
    for url in (*urls, os.environ.get(_COLLECTOR_URL)):
        yield from _of_url(url or "")
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
