"""What the service refuses, as the library's own errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mycelium_fractal_net import errors

__all__ = ["RemoteError", "error_of", "is_passing"]

_PASSING = frozenset({"RATE_LIMIT_EXCEEDED", "QUEUE_FULL", "SERVICE_UNAVAILABLE", "TOO_MANY_CONNECTIONS"})
_OWN: Mapping[str, type[errors.MFNError]] = {
    "VALIDATION_ERROR": errors.InvalidInputError,
    "INVALID_INPUT": errors.InvalidInputError,
    "UNSTABLE_PARAMETERS": errors.StabilityError,
    "AGGREGATION_FAILED": errors.AggregationError,
    "CANCELLED": errors.CancelledError,
}


class RemoteError(errors.MFNError):
    """The service refused a call, or could not be reached, and the library has no error of its own for that.

    Attributes
    ----------
    code : str
        The code of the service's catalogue.
    """

    code = "REMOTE_ERROR"


def error_of(problem: Mapping[str, Any]) -> errors.MFNError:
    """Return the error that a problem is; ``details["problem"]`` holds all that was told.

    Examples
    --------
    >>> error_of({"code": "UNSTABLE_PARAMETERS", "message": "alpha is too much", "details": []})
    StabilityError('alpha is too much')
    >>> error_of({"code": "QUEUE_FULL", "message": "try again"}).code
    'QUEUE_FULL'
    """
    code, message = str(problem.get("code", "INTERNAL_ERROR")), str(problem.get("message", "the call failed"))
    first: Mapping[str, Any] = next(iter(problem.get("details") or ()), {})
    facts = {name: first[name] for name in ("field", "value") if name in first}
    error = _OWN.get(code, RemoteError)(message, problem=dict(problem), **facts)
    if isinstance(error, RemoteError):
        error.code = code  # type: ignore[misc] # one class for all codes without an error in the library
    return error


def is_passing(error: errors.MFNError) -> bool:
    """Tell whether the same call may succeed in a moment."""
    return error.code in _PASSING
