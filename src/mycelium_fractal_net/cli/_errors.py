"""Exit codes, and errors in one line."""

from __future__ import annotations

import sys
from typing import Any

import click

from mycelium_fractal_net.errors import CancelledError, DivergedError, MFNError

__all__ = [
    "EXIT_BROKEN_PIPE",
    "EXIT_FAILED",
    "EXIT_FAULT",
    "EXIT_INTERRUPTED",
    "EXIT_USAGE",
    "describe",
    "exit_code",
]

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def exit_code(error: BaseException) -> int:
    """Return the exit code for an error.

    Examples
    --------
    >>> from mycelium_fractal_net.errors import InvalidInputError
    >>> exit_code(InvalidInputError("no")), exit_code(ZeroDivisionError())
    (2, 70)
    """
    if isinstance(error, CancelledError):
        return EXIT_INTERRUPTED
    if isinstance(error, DivergedError):
        return EXIT_FAILED
    if isinstance(error, MFNError | click.ClickException | OSError | MemoryError) or _is_validation_error(error):
        return EXIT_USAGE
    return EXIT_FAULT


def describe(error: BaseException) -> str:
    """Return the line that the user reads.

    Examples
    --------
    >>> from mycelium_fractal_net.errors import InvalidInputError
    >>> describe(InvalidInputError("alpha must be at most 0.2375; got 3"))
    'mfn: alpha must be at most 0.2375; got 3 [INVALID_INPUT]'
    """
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "mfn"
        return f"{path}: {_one_line(error.format_message())} (see {path} --help)"
    if isinstance(error, click.ClickException):
        return f"mfn: {_one_line(error.format_message())}"
    if isinstance(error, MFNError):
        return f"mfn: {_one_line(str(error))} [{error.code}]"
    if _is_validation_error(error):
        return f"mfn: {_validation_text(error)} [INVALID_INPUT]"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"mfn: {where}{error.strerror or _one_line(str(error))}"
    if isinstance(error, MemoryError):
        return f"mfn: there is not enough memory: {_one_line(str(error)) or 'the system gave none'}; use a smaller grid"
    fault = _one_line(f"{type(error).__name__}: {error}")
    return f"mfn: internal error, please report it: {fault} (mfn --traceback shows where)"


def _is_validation_error(error: BaseException) -> bool:
    """Tell pydantic's validation error without importing pydantic for it."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(error, pydantic.ValidationError)


def _validation_text(error: Any) -> str:
    parts = []
    for item in error.errors(include_url=False):
        where = ".".join(str(part) for part in item["loc"])
        came = "" if isinstance(item["input"], dict) else f"; got {item['input']!r}"
        parts.append(f"{where}: {item['msg']}{came}" if where else f"{item['msg']}{came}")
    return _one_line("; ".join(parts))


def _one_line(text: str) -> str:
    return " ".join(text.split())
