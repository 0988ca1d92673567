"""Structured logs: one JSON object a line, or colours for people."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import MutableMapping
from functools import lru_cache, partial
from typing import Any

import orjson
import structlog

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.service.core.redaction import Redact, is_secret_name, masked, redaction
from mycelium_fractal_net.service.settings import Settings

__all__ = ["Logger", "adopt_standard_logging", "make_logger"]

Event = MutableMapping[str, Any]
Logger = Any
"""A structlog logger with ``debug``, ``info``, ``warning`` and ``error``."""

_QUIET_S = 60.0


def make_logger(settings: Settings, stream: Any = None) -> Logger:
    """Make the logger of one application.

    Parameters
    ----------
    settings : Settings
        Level, format and environment.
    stream : binary file, optional
        Where lines go; standard output by default.
    """
    target = sys.stdout.buffer if stream is None else stream
    level = logging.getLevelNamesMapping()[settings.log_level]
    unbound = structlog.wrap_logger(
        structlog.BytesLogger(target),
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            _hide,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_to_json) if settings.log_format == "json" else _Console(),
            _redacted(redaction(settings)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return unbound.bind(logger="mfn.service", env=settings.env, version=__version__)


@lru_cache(maxsize=256)  # the names of members are few, and every line has fifteen
def _is_masked(name: str) -> bool:
    return name != "key_id" and is_secret_name(name)


def _hide(_logger: Any, _method: str, event: Event) -> Event:
    """Mask members that are named like secrets."""
    for name, value in event.items():
        if value is not None and _is_masked(name):
            event[name] = "***"
    return event


def _to_json(event: Event, **_: Any) -> bytes:
    try:
        return orjson.dumps(event)
    except TypeError:
        return orjson.dumps({str(name): masked(value) for name, value in event.items()})


def _redacted(redact: Redact) -> Any:
    return lambda _logger, _method, line: redact(line)


class _Console:
    """Lines for people: nothing a client sends moves their cursor or changes what they see."""

    def __init__(self) -> None:
        self._render = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())

    def __call__(self, logger: Any, method: str, event: Event) -> bytes:
        for name, value in event.items():
            if isinstance(value, str) and not value.isprintable():
                event[name] = _printable(value, keep="\n\t" if name == "exception" else "")
        return str(self._render(logger, method, event)).encode("utf-8", "replace")


def _printable(text: str, keep: str) -> str:
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )


class _Forward(logging.Handler):
    """Hand records of the standard library over to the structured logger."""

    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else record.levelname.lower()
        say = getattr(self._logger, level, self._logger.info)
        say(record.getMessage().strip(), logger=record.name, exc_info=record.exc_info)


class _Seldom(logging.Filter):
    """Let each message of OpenTelemetry pass once a minute: an exporter complains of every batch and every attempt."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("opentelemetry."):
            return True
        message, now = (record.name, str(record.msg)), time.monotonic()
        if now - self._last.get(message, -_QUIET_S) < _QUIET_S:
            return False
        self._last[message] = now
        return True


def adopt_standard_logging(logger: Logger, level: str) -> None:
    """Send through the structured logger what libraries log, what Python warns of, and what nobody caught.

    For a process that serves and does nothing else; to be called before anything else is made.
    """
    root = logging.getLogger()
    forward = _Forward(logger)
    forward.addFilter(_Seldom())
    root.handlers = [forward]
    root.setLevel(max(logging.getLevelNamesMapping()[level], logging.INFO))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        other = logging.getLogger(name)
        other.handlers, other.propagate = [], True
    logging.captureWarnings(True)
    threading.excepthook = partial(_thread_died, logger)
    sys.unraisablehook = partial(_nobody_caught, logger)


def _thread_died(logger: Logger, end: threading.ExceptHookArgs) -> None:
    if not issubclass(end.exc_type, SystemExit):
        name = end.thread.name if end.thread is not None else None
        logger.error("a thread failed", logger="threading", thread=name, exc_info=end.exc_value or end.exc_type())


def _nobody_caught(logger: Logger, end: Any) -> None:
    about = f"{end.err_msg or 'exception ignored in'}: {end.object!r}"
    logger.error("unhandled exception", logger="python", about=about, exc_info=end.exc_value or end.exc_type())
