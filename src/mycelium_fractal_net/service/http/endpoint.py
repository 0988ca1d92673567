"""An operation behind a path: a request is read and validated, the operation runs, its answer is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.memory import Held
from mycelium_fractal_net.service.core.record import RequestRecord
from mycelium_fractal_net.service.core.redaction import masked
from mycelium_fractal_net.service.http.body import (
    LONGEST_ARRAY,
    content_kind,
    members_of_query,
    parse_json,
    parse_npy,
    read_body,
    too_large,
)
from mycelium_fractal_net.service.http.representations import (
    JSON,
    choose_media_type,
    is_known,
    renderer,
    without_content,
)
from mycelium_fractal_net.service.operations import Operation, perform
from mycelium_fractal_net.service.operations.operation import LARGE_BODY
from mycelium_fractal_net.service.services import Services

__all__ = ["OperationEndpoint"]

_LONG = 2**16
_ROOM = {"json": 5, "npy": 5}  # bytes that a byte of a body becomes: "1," eight, a float16 eight too, and itself


class OperationEndpoint:
    """Serve an operation as an ASGI application.

    Parameters
    ----------
    operation : Operation
        What is served.
    services : Services
        Of this application.
    """

    def __init__(self, operation: Operation, services: Services) -> None:
        self._operation = operation
        self._services = services
        self._model: Any = operation.request
        properties = {} if self._model is None else self._model.model_json_schema()["properties"]
        self._lists = frozenset(name for name, schema in properties.items() if schema.get("type") == "array")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request that was admitted."""
        operation, record, headers = self._operation, scope["mfn.record"], scope["mfn.headers"]
        media = JSON if operation.array_answer is None else choose_media_type(_text(headers, b"accept"))
        with self._services.memory.hold() as held:
            request = None if self._model is None else await self._request(scope, receive, record, headers, held)
            render = renderer(operation, media, request)
            content, answered = await perform(operation, request, record, self._services, render)
            held.settle(len(content))
            if self._services.outbox is not None and media == JSON:
                self._services.outbox.note(operation.name, record, content, dict(answered).get(b"x-mfn-receipt", b""))
            status = 200
            if b"if-none-match" in headers and is_known(headers[b"if-none-match"], answered):
                status, content, answered = 304, b"", without_content(answered)
            await send({"type": "http.response.start", "status": status, "headers": answered})
            await send({"type": "http.response.body", "body": content})

    async def _request(
        self, scope: Any, receive: Any, record: RequestRecord, headers: Mapping[bytes, bytes], held: Held
    ) -> Any:
        """Read and validate a request; a long one in a thread, where it does not hold the event loop up."""
        announced = headers.get(b"content-length", b"0")
        length = int(announced[:20]) if announced.isdigit() else 0
        if length > self._longest("npy"):
            raise too_large(self._longest("npy"))
        kind = content_kind(headers, arrays=bool(self._operation.arrays))
        longest = self._longest(kind)
        if length > longest:
            raise too_large(longest)
        query = scope["query_string"].decode("latin-1")
        if query and kind == "json":
            message = "parameters belong in the body, not in the query string"
            raise ServiceError("VALIDATION_ERROR", message, details=[_detail("query", message)])
        held.resize(length)
        content = await read_body(receive, longest, held)
        if len(content) > _LONG:
            held.resize(len(content) * _ROOM[kind])

        def read() -> Any:
            return self._validated(self._members(kind, content, query), record)

        return await self._services.read_aside(read) if len(content) > _LONG else read()

    def _longest(self, kind: str) -> int:
        """Return the most bytes that a body of this kind may have."""
        operation = self._operation
        most = operation.body_limit if not operation.arrays else LONGEST_ARRAY if kind == "npy" else LARGE_BODY
        return min(most, self._services.settings.max_body_bytes)

    def _members(self, kind: str, content: bytes, query: str) -> Any:
        """Return the members of a request."""
        arrays = self._operation.arrays
        if kind == "npy":
            return {**members_of_query(query, self._lists), **self._of_array(parse_npy(content))}
        if len(content) > self._operation.body_limit and not any(
            name.encode() in content for name in (*arrays.values(), *self._operation.more_arrays)
        ):
            raise too_large(self._operation.body_limit)
        return parse_json(content)

    def _of_array(self, array: NDArray[Any]) -> dict[str, Any]:
        name = self._operation.arrays.get(array.ndim)
        if name is None:
            wanted = " or ".join(f"{axes} axes ({name})" for axes, name in self._operation.arrays.items())
            message = f"the array must have {wanted}; got shape {array.shape}"
            raise ServiceError("VALIDATION_ERROR", message, details=[_detail("body", message)])
        return {name: array}

    def _validated(self, members: Any, record: RequestRecord) -> Any:
        if self._services.logs_parameters:
            self._services.logger.debug("parameters", **record.facts(), parameters=masked(members))
        return self._operation.read(members)


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _detail(field: str, message: str) -> dict[str, Any]:
    return {"field": field, "message": message, "value": None}
