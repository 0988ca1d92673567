"""A FastAPI route with a short way through it: strict JSON in, the model's own serializer out."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from fastapi.routing import APIRoute
from starlette.requests import Request

from mycelium_fractal_net.service.core.call import Exchange, exchange_of
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.http.body import parse_json, parse_long_json, read_body, require_json
from mycelium_fractal_net.service.services import Services, services_of

__all__ = ["Answer", "JsonRoute"]

_LONG = 65_536


class Answer(NamedTuple):
    """The bytes of an answer."""

    payload: bytes
    media_type: bytes = b"application/json"
    headers: Sequence[tuple[bytes, bytes]] = ()


class JsonRoute(APIRoute):
    """Serve ``async def endpoint(request, body)``; FastAPI describes it, and this class runs it.

    The endpoint returns a pydantic model, or its bytes as an :class:`Answer`. FastAPI's own way would parse NaN and
    doubled names without a word, and costs more than all that the service does beside it.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = self.runner = _Runner(endpoint)


class _Runner:
    def __init__(self, endpoint: Callable[..., Any]) -> None:
        signature = inspect.signature(endpoint, eval_str=True)
        body = signature.parameters.get("body")
        self._endpoint = endpoint
        self._arrays = {} if body is None else getattr(body.annotation, "arrays", {})
        self._model: Any = None if body is None else body.annotation

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        if self._model is None:
            answer = await self._endpoint(request)
        else:
            answer = await self._endpoint(request, await self._body(request))
        if not isinstance(answer, Answer):
            answer = Answer(answer.__pydantic_serializer__.to_json(answer))
        length = b"%d" % len(answer.payload)
        headers = [(b"content-type", answer.media_type), (b"content-length", length), *answer.headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer.payload})

    async def _body(self, request: Request) -> Any:
        scope, services = request.scope, services_of(request.scope)
        exchange = exchange_of(scope)
        if scope["query_string"]:
            raise _query_refused()
        require_json(exchange.headers)
        guard = services.guard
        text = await read_body(request.receive, guard.longest_body, guard.too_large)
        if len(text) > _LONG:
            return await services.read_for(request, partial(self._read_long, text, services, exchange))
        content = parse_json(text)
        if services.logs_parameters:
            services.log_parameters(exchange, content)
        return self._validated(content)

    def _read_long(self, text: bytes, services: Services, exchange: Exchange, cancel: threading.Event) -> Any:
        """Parse and validate in a thread what would hold the event loop up."""
        content = parse_long_json(text, self._arrays, cancel)
        if services.logs_parameters:
            services.log_parameters(exchange, content)
        return self._validated(content)

    def _validated(self, content: Any) -> Any:
        """Make the model as pydantic's constructor does; SimulationConfig's only changes the error, and costs more."""
        blank = self._model.__new__(self._model)
        return self._model.__pydantic_validator__.validate_python(content, self_instance=blank)


def _query_refused() -> ServiceError:
    message = "parameters belong into the body, not behind the path"
    return ServiceError("VALIDATION_ERROR", message, details=[{"field": "query", "message": message, "value": None}])
