"""The catalogue of errors: one code, and what each protocol says for it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, AnyStr, NamedTuple

from pydantic import ValidationError

from mycelium_fractal_net.errors import MFNError, MissingExtraError, StabilityError

__all__ = [
    "CATALOGUE",
    "CUT",
    "Entry",
    "Problem",
    "ServiceError",
    "hidden_keys",
    "is_secret_name",
    "masked",
    "problem_of",
    "too_costly",
]

_MOST_DETAILS = 20
_LONGEST_VALUE = 200
_DEEPEST = 4
_NOT_AN_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})
_KEY = r"(mfn_(?:dev|staging|prod)_[a-z0-9]{12})_[A-Za-z0-9_-]+"
_KEY_IN_TEXT, _KEY_IN_BYTES = re.compile(_KEY), re.compile(_KEY.encode())
_SECRET = re.compile(r"key|secret|token|password|passwd|pepper|authorization|credential", re.IGNORECASE)


CUT = "... <"
"""What stands where a long text was cut off."""


class Entry(NamedTuple):
    """How a code is told: HTTP status, gRPC status, WebSocket close code, public text."""

    status: int
    grpc: str
    close: int
    text: str


CATALOGUE: Mapping[str, Entry] = {
    "BAD_REQUEST": Entry(400, "INVALID_ARGUMENT", 4400, "The request cannot be taken."),
    "AUTHENTICATION_REQUIRED": Entry(401, "UNAUTHENTICATED", 4401, "Send a key in X-API-Key or Authorization: Bearer."),
    "INVALID_API_KEY": Entry(401, "UNAUTHENTICATED", 4401, "The key is not known here."),
    "INSUFFICIENT_SCOPE": Entry(403, "PERMISSION_DENIED", 4403, "The key may not do this."),
    "NOT_FOUND": Entry(404, "NOT_FOUND", 4404, "There is nothing at this path."),
    "METHOD_NOT_ALLOWED": Entry(405, "UNIMPLEMENTED", 4405, "This path does not take this method."),
    "NOT_ACCEPTABLE": Entry(406, "INVALID_ARGUMENT", 4406, "None of the accepted media types can be given."),
    "REQUEST_TIMEOUT": Entry(408, "DEADLINE_EXCEEDED", 4408, "The request did not arrive in time."),
    "PAYLOAD_TOO_LARGE": Entry(413, "RESOURCE_EXHAUSTED", 1009, "The request is too large."),
    "URI_TOO_LONG": Entry(414, "INVALID_ARGUMENT", 4414, "The path is too long."),
    "UNSUPPORTED_MEDIA_TYPE": Entry(415, "INVALID_ARGUMENT", 4415, "Send JSON with Content-Type: application/json."),
    "VALIDATION_ERROR": Entry(422, "INVALID_ARGUMENT", 4422, "The request is not valid."),
    "INVALID_INPUT": Entry(422, "INVALID_ARGUMENT", 4422, "The input is not usable."),
    "UNSTABLE_PARAMETERS": Entry(422, "INVALID_ARGUMENT", 4422, "The parameters make the time step unstable."),
    "COST_LIMIT_EXCEEDED": Entry(
        422, "RESOURCE_EXHAUSTED", 4422, "The request asks for more than is computed at once."
    ),
    "NUMERICAL_DIVERGENCE": Entry(422, "FAILED_PRECONDITION", 4422, "The field left the finite numbers."),
    "AGGREGATION_FAILED": Entry(422, "FAILED_PRECONDITION", 4422, "The rule's conditions do not hold."),
    "INVALID_CHECKPOINT": Entry(422, "FAILED_PRECONDITION", 4422, "The checkpoint cannot be used."),
    "RATE_LIMIT_EXCEEDED": Entry(429, "RESOURCE_EXHAUSTED", 4429, "Too many requests."),
    "QUEUE_FULL": Entry(429, "RESOURCE_EXHAUSTED", 4429, "All compute threads are busy and the queue is full."),
    "HEADERS_TOO_LARGE": Entry(431, "RESOURCE_EXHAUSTED", 4431, "The headers are too large."),
    "CANCELLED": Entry(499, "CANCELLED", 4499, "The caller left before the answer."),
    "MFN_ERROR": Entry(500, "INTERNAL", 1011, "Something went wrong here."),
    "INTERNAL_ERROR": Entry(500, "INTERNAL", 1011, "Something went wrong here; the request_id finds it in the logs."),
    "INVALID_CONFIGURATION": Entry(500, "INTERNAL", 1011, "The service is not configured for this."),
    "MISSING_EXTRA": Entry(501, "UNIMPLEMENTED", 1011, "An optional package for this is not installed here."),
    "NOT_IMPLEMENTED": Entry(501, "UNIMPLEMENTED", 1011, "This is not available here."),
    "TOO_MANY_CONNECTIONS": Entry(503, "UNAVAILABLE", 1013, "Too many connections are open; try again soon."),
    "SERVICE_UNAVAILABLE": Entry(503, "UNAVAILABLE", 1012, "The service takes no requests now; ask another instance."),
    "HTTP_VERSION_NOT_SUPPORTED": Entry(505, "UNIMPLEMENTED", 4405, "This version of HTTP is not spoken here."),
}
"""Every code the service can answer with."""

_CODE_OF_STATUS = {
    400: "BAD_REQUEST",
    401: "AUTHENTICATION_REQUIRED",
    403: "INSUFFICIENT_SCOPE",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    408: "REQUEST_TIMEOUT",
    413: "PAYLOAD_TOO_LARGE",
    414: "URI_TOO_LONG",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMIT_EXCEEDED",
    431: "HEADERS_TOO_LARGE",
    503: "SERVICE_UNAVAILABLE",
}


class ServiceError(MFNError):
    """A refusal with a code of the catalogue.

    Parameters
    ----------
    refusal : str
        Code in the catalogue.
    message : str
        What the client is told; by default the catalogue's text.
    headers : mapping
        Headers of the HTTP answer.
    details : iterable of mapping
        ``{field, message, value}`` each.
    """

    code = "INTERNAL_ERROR"

    def __init__(
        self,
        refusal: str,
        message: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        details: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(message or CATALOGUE[refusal].text)
        self.refusal = refusal
        self.headers = dict(headers or {})
        self.items = [dict(item) for item in details]


def too_costly(message: str, field: str, value: Any) -> ServiceError:
    """Return the refusal of a request that would take too long, with the field that makes it long."""
    return ServiceError("COST_LIMIT_EXCEEDED", message, details=[{"field": field, "message": message, "value": value}])


class Problem(NamedTuple):
    """An answer of type ``application/problem+json``, before it knows its request."""

    code: str
    message: str
    details: list[dict[str, Any]]
    headers: dict[str, str]

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
            "details": self.details,
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
    'Something went wrong here; the request_id finds it in the logs.'
    """
    if isinstance(error, ServiceError):
        return Problem(error.refusal, error.message, error.items, error.headers)
    if isinstance(error, ValidationError):
        return _of_validation(error)
    if isinstance(error, MFNError):
        return _of_library(error)
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status in _CODE_OF_STATUS:
        code = _CODE_OF_STATUS[status]
        return Problem(code, CATALOGUE[code].text, [], dict(getattr(error, "headers", None) or {}))
    return Problem("INTERNAL_ERROR", CATALOGUE["INTERNAL_ERROR"].text, [], {})


def _of_library(error: MFNError) -> Problem:
    code = error.code if error.code in CATALOGUE else "MFN_ERROR"
    if CATALOGUE[code].status >= 500 and not isinstance(error, MissingExtraError):
        return Problem(code, CATALOGUE[code].text, [], {})
    facts = error.details
    field = str(facts.get("field", ""))
    details = [{"field": field, "message": error.message, "value": masked(facts.get("value"), field)}] if field else []
    return Problem(code, error.message, details, {})


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
    return Problem("VALIDATION_ERROR", f"{where}{first['message']}{more}", details, {})


def _detail(item: Any) -> dict[str, Any]:
    field = ".".join(masked(str(part)) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    missing = item["type"] == "missing" or not field
    if item["type"] in _NOT_AN_OBJECT:
        field, message = field or "body", "must be a JSON object"
    cause = item.get("ctx", {}).get("error")
    if not field and isinstance(cause, MFNError):
        field = str(cause.details.get("field", ""))
        return {"field": field, "message": message, "value": masked(cause.details.get("value"), field)}
    return {"field": field, "message": message, "value": None if missing else masked(item["input"], field)}


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
        members = list(value.items())[:_MOST_DETAILS]
        shown = {_short(str(key)): masked(item, str(key), depth + 1) for key, item in members}
        return shown if len(value) <= _MOST_DETAILS else {**shown, "...": f"<{len(value)} members>"}
    return _short(repr(value))


def _masked_list(value: Any) -> Any:
    if len(value) <= 8 and not any(isinstance(item, list | tuple | Mapping) for item in value):
        return [masked(item) for item in value]
    inner = f" x {len(value[0])}" if value and isinstance(value[0], list | tuple) else ""
    return f"<{len(value)}{inner} values>"


def _short(text: str) -> str:
    clean = hidden_keys(text.encode("utf-8", "replace").decode())
    return clean if len(clean) <= _LONGEST_VALUE else f"{clean[:_LONGEST_VALUE]}{CUT}{len(clean)} characters>"
