"""The catalogue of errors: one code, and what each protocol says for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from mycelium_fractal_net.errors import MFNError, MissingExtraError, StabilityError
from mycelium_fractal_net.service.core.redaction import masked

__all__ = [
    "CATALOGUE",
    "Entry",
    "Problem",
    "ServiceError",
    "problem_of",
    "too_costly",
]

_MOST_DETAILS = 20
_NOT_AN_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})


class Entry(NamedTuple):
    """How a code is told: HTTP status, gRPC status, WebSocket close code, public text."""

    status: int
    grpc: str
    close: int
    text: str


CATALOGUE: Mapping[str, Entry] = {
    "BAD_REQUEST": Entry(400, "INVALID_ARGUMENT", 4400, "The request is malformed."),
    "AUTHENTICATION_REQUIRED": Entry(401, "UNAUTHENTICATED", 4401, "Send a key in X-API-Key or Authorization: Bearer."),
    "INVALID_API_KEY": Entry(401, "UNAUTHENTICATED", 4401, "The API key is unknown, revoked or expired."),
    "INSUFFICIENT_SCOPE": Entry(
        403, "PERMISSION_DENIED", 4403, "The API key lacks the scope that this operation needs."
    ),
    "NOT_FOUND": Entry(404, "NOT_FOUND", 4404, "Nothing exists at this path."),
    "METHOD_NOT_ALLOWED": Entry(405, "UNIMPLEMENTED", 4405, "This path does not support this method."),
    "NOT_ACCEPTABLE": Entry(406, "INVALID_ARGUMENT", 4406, "None of the accepted media types can be produced."),
    "REQUEST_TIMEOUT": Entry(408, "DEADLINE_EXCEEDED", 4408, "The request did not arrive in time."),
    "PAYLOAD_TOO_LARGE": Entry(413, "RESOURCE_EXHAUSTED", 1009, "The request is too large."),
    "URI_TOO_LONG": Entry(414, "INVALID_ARGUMENT", 4414, "The path and query string are too long."),
    "UNSUPPORTED_MEDIA_TYPE": Entry(415, "INVALID_ARGUMENT", 4415, "Send JSON with Content-Type: application/json."),
    "VALIDATION_ERROR": Entry(422, "INVALID_ARGUMENT", 4422, "The request is not valid."),
    "INVALID_INPUT": Entry(422, "INVALID_ARGUMENT", 4422, "The input cannot be used."),
    "UNSTABLE_PARAMETERS": Entry(422, "INVALID_ARGUMENT", 4422, "The parameters make the time step unstable."),
    "COST_LIMIT_EXCEEDED": Entry(422, "RESOURCE_EXHAUSTED", 4422, "The request costs more than one request may."),
    "NUMERICAL_DIVERGENCE": Entry(
        422, "FAILED_PRECONDITION", 4422, "The simulation diverged: its field is no longer finite."
    ),
    "AGGREGATION_FAILED": Entry(422, "FAILED_PRECONDITION", 4422, "The aggregation rule's requirements are not met."),
    "INVALID_CHECKPOINT": Entry(422, "FAILED_PRECONDITION", 4422, "The checkpoint cannot be used."),
    "RATE_LIMIT_EXCEEDED": Entry(429, "RESOURCE_EXHAUSTED", 4429, "Too many requests."),
    "QUEUE_FULL": Entry(429, "RESOURCE_EXHAUSTED", 4429, "All compute threads are busy and the queue is full."),
    "HEADERS_TOO_LARGE": Entry(431, "RESOURCE_EXHAUSTED", 4431, "The headers are too large."),
    "CANCELLED": Entry(499, "CANCELLED", 4499, "The client disconnected before the response."),
    "MFN_ERROR": Entry(500, "INTERNAL", 1011, "An internal error occurred."),
    "INTERNAL_ERROR": Entry(
        500, "INTERNAL", 1011, "An internal error occurred; find it in the logs by its request_id."
    ),
    "INVALID_CONFIGURATION": Entry(500, "INTERNAL", 1011, "The service is not configured for this."),
    "MISSING_EXTRA": Entry(
        501, "UNIMPLEMENTED", 1011, "This needs an optional package that is not installed on the server."
    ),
    "NOT_IMPLEMENTED": Entry(501, "UNIMPLEMENTED", 1011, "This is not available on this server."),
    "TOO_MANY_CONNECTIONS": Entry(503, "UNAVAILABLE", 1013, "Too many connections are open; try again soon."),
    "SERVICE_UNAVAILABLE": Entry(
        503, "UNAVAILABLE", 1012, "The service is not accepting requests now; try another instance."
    ),
    "HTTP_VERSION_NOT_SUPPORTED": Entry(
        505, "UNIMPLEMENTED", 4405, "This version of HTTP is not supported; use HTTP/1.1."
    ),
}
"""Every code the service can answer with."""


class ServiceError(MFNError):
    """A refusal with a code of the catalogue.

    Parameters
    ----------
    refusal : str
        Code in the catalogue.
    message : str
        What the client is told; by default the catalogue's text.
    details : iterable of mapping
        ``{field, message, value}`` each.
    **facts
        What a client can act on, for the doors to put into headers, trailing metadata or close frames:
        ``retry_after_s`` (seconds to wait), ``allowed`` (methods that the path takes), ``accepted_encoding``,
        ``closes`` (whether the connection ends with the answer).
    """

    code = "INTERNAL_ERROR"

    def __init__(
        self,
        refusal: str,
        message: str = "",
        *,
        details: Iterable[Mapping[str, Any]] = (),
        **facts: Any,
    ) -> None:
        super().__init__(message or CATALOGUE[refusal].text)
        self.refusal = refusal
        self.facts = facts
        self.items = [dict(item) for item in details]


def too_costly(message: str, field: str, value: Any) -> ServiceError:
    """Return the refusal of a request that would take too long, with the field that makes it long."""
    return ServiceError("COST_LIMIT_EXCEEDED", message, details=[{"field": field, "message": message, "value": value}])


class Problem(NamedTuple):
    """What a client is told of an error, before a door renders it."""

    code: str
    message: str
    details: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, Any] = {}

    @classmethod
    def of_code(cls, code: str) -> Problem:
        """Return what the catalogue says, without anything about the request."""
        return cls(code, CATALOGUE[code].text)

    @property
    def status(self) -> int:
        """HTTP status of the code."""
        return CATALOGUE[self.code].status

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the members of RFC 9457 and those the clients of this service rely on."""
        entry = CATALOGUE[self.code]
        return {
            "type": f"urn:mfn:error:{self.code.lower().replace('_', '-')}",
            "title": entry.text,
            "status": entry.status,
            "code": self.code,
            "message": self.message,
            "details": list(self.details),
            "request_id": request_id,
        }


def problem_of(error: BaseException) -> Problem:
    """Say what the client is told about an error; of one that nobody foresaw, nothing.

    Examples
    --------
    >>> from mycelium_fractal_net.errors import InvalidInputError
    >>> problem_of(InvalidInputError("alpha is 3", field="alpha", value=3)).details
    [{'field': 'alpha', 'message': 'alpha is 3', 'value': 3}]
    >>> problem_of(ZeroDivisionError("secret")).message
    'An internal error occurred; find it in the logs by its request_id.'
    """
    if isinstance(error, ServiceError):
        return Problem(error.refusal, error.message, error.items, error.facts)
    if isinstance(error, ValidationError):
        return _of_validation(error)
    if isinstance(error, MFNError):
        return _of_library(error)
    return Problem.of_code("INTERNAL_ERROR")


def _of_library(error: MFNError) -> Problem:
    code = error.code if error.code in CATALOGUE else "MFN_ERROR"
    if CATALOGUE[code].status >= 500 and not isinstance(error, MissingExtraError):
        return Problem.of_code(code)
    facts = error.details
    field = str(facts.get("field", ""))
    details = [{"field": field, "message": error.message, "value": masked(facts.get("value"), field)}] if field else []
    return Problem(code, error.message, details)


def _of_validation(error: ValidationError) -> Problem:
    found = error.errors(include_url=False)
    for item in found:
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, StabilityError):
            return _of_library(cause)
    details = [_detail(item) for item in found[:_MOST_DETAILS]]
    first = details[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    named = first["message"].startswith(first["field"])
    where = "" if named else f"{first['field']}: "
    return Problem("VALIDATION_ERROR", f"{where}{first['message']}{more}", details)


def _detail(item: Any) -> dict[str, Any]:
    field = ".".join(masked(str(part)) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    missing = item["type"] == "missing" or not field
    if item["type"] in _NOT_AN_OBJECT:
        field, message = field or "body", "must be a JSON object"
    cause = item.get("ctx", {}).get("error")
    if isinstance(cause, MFNError) and "field" in cause.details:
        inner = str(cause.details["field"])
        if inner != field.rpartition(".")[2]:
            field = f"{field}.{inner}" if field else inner
        return {"field": field, "message": message, "value": masked(cause.details.get("value"), inner)}
    return {"field": field, "message": message, "value": None if missing else masked(item["input"], field)}
