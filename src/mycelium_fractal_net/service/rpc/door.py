"""What stands around every RPC: it becomes a call, is admitted and recorded, and its errors are told."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import grpc

from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.core.call import Call, request_id_of
from mycelium_fractal_net.service.core.errors import Problem, ServiceError
from mycelium_fractal_net.service.core.record import CLIENT_GONE, RequestRecord
from mycelium_fractal_net.service.core.redaction import masked
from mycelium_fractal_net.service.rpc.status import end_with
from mycelium_fractal_net.service.services import Services

__all__ = ["METHOD", "Door", "current_record"]

METHOD = "GRPC"
"""How metrics, spans and log lines name the transport."""

_UNMATCHED = "unmatched"
_RECORD: ContextVar[RequestRecord] = ContextVar("mfn_rpc_record")
_SHAPES: Mapping[tuple[bool, bool], Any] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def current_record() -> RequestRecord:
    """Return the record of the RPC that runs."""
    return _RECORD.get()


class Door(grpc.aio.ServerInterceptor):  # type: ignore[misc] # grpc carries no types
    """Let RPCs in; one that nobody declared is refused.

    Parameters
    ----------
    services : Services
        Of this application.
    accesses : mapping of str to Access
        What each RPC, by its full name, asks of its caller.
    """

    def __init__(self, services: Services, accesses: Mapping[str, Access]) -> None:
        self._services = services
        self._accesses = accesses

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Return a handler that does all this around the one that was found."""
        handler = await continuation(details)
        if handler is None or details.method not in self._accesses:
            return grpc.stream_stream_rpc_method_handler(self._around(details.method, _nothing))
        shape = (handler.request_streaming, handler.response_streaming)
        inner = next(
            found
            for found in (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream)
            if found is not None
        )
        return _SHAPES[shape](
            self._around(details.method, inner), handler.request_deserializer, handler.response_serializer
        )

    def _around(self, method: str, inner: Any) -> Any:
        async def behaviour(request: Any, context: Any) -> Any:
            record = self._services.recorder.open(self._call(method, context))
            try:
                async with self._told(record, context):
                    return await self._let_in(record, inner, request, context)
            finally:
                record.close()

        return behaviour

    async def _let_in(self, record: RequestRecord, inner: Any, request: Any, context: Any) -> Any:
        """Admit a call before a byte of its request is asked for, and hand it on."""
        call = record.call
        access = self._accesses.get(call.path)
        if access is None:
            raise ServiceError("METHOD_NOT_ALLOWED", "there is no such RPC; the file mfn.proto lists them")
        await self._services.admission.admit(call, access)
        await context.send_initial_metadata(_head(record))
        _RECORD.set(record)
        answer = inner(request, context)
        if not inspect.isasyncgen(answer):
            return await answer
        async for message in answer:
            await context.write(message)
        return None

    @asynccontextmanager
    async def _told(self, record: RequestRecord, context: Any) -> AsyncIterator[None]:
        """Tell how the call ended; a caller who has left hears nothing, and nothing is logged of it but the line."""
        try:
            yield
        except asyncio.CancelledError:
            record.status = CLIENT_GONE
            raise
        except Exception as error:  # noqa: BLE001 # one stop for every error
            if context.cancelled() or context.done():  # also what a write raises when nobody reads any more
                record.status = CLIENT_GONE
                raise asyncio.CancelledError from None
            problem: Problem = record.fail(error)
            record.status = problem.status
            await end_with(context, problem, record.call.request_id)
        else:
            record.status = 200

    def _call(self, method: str, context: Any) -> Call:
        metadata = context.invocation_metadata() or ()

        def text(name: str) -> str:
            return ", ".join(value for given, value in metadata if given == name and isinstance(value, str))

        known = method in self._accesses
        return Call(
            request_id=request_id_of(text("x-request-id")),
            method=METHOD,
            path=method if known else masked(method),
            route=method if known else _UNMATCHED,
            client_ip=self._services.addresses.client(_address(context.peer()), text("x-forwarded-for")),
            token=_token(text("x-api-key"), text("authorization")),
            traceparent=text("traceparent"),
            tracestate=text("tracestate"),
        )


async def _nothing(_request: Any, _context: Any) -> None:
    """Stand where there is no RPC; nobody is let in here."""


def _head(record: RequestRecord) -> tuple[tuple[str, str], ...]:
    """Return the metadata that an answer begins with."""
    call = record.call
    told = [("x-request-id", call.request_id)]
    if record.traceparent is not None:
        told.append(("traceparent", record.traceparent))
    if call.quota is not None:
        told += [
            ("x-ratelimit-limit", str(call.quota.limit)),
            ("x-ratelimit-remaining", str(call.quota.remaining)),
            ("x-ratelimit-reset", str(call.quota.reset_s)),
        ]
    return tuple(told)


def _address(peer: str) -> str:
    """Return the address in ``ipv4:10.0.0.1:4711`` or ``ipv6:[::1]:4711``, which may be percent-encoded.

    Examples
    --------
    >>> _address("ipv4:10.0.0.1:4711"), _address("ipv6:%5B::1%5D:4711"), _address("unix:")
    ('10.0.0.1', '::1', 'unknown')
    """
    kind, _, rest = peer.replace("%5B", "[").replace("%5D", "]").partition(":")
    host = rest.rpartition(":")[0].strip("[]")
    return host if kind in {"ipv4", "ipv6"} and host else "unknown"


def _token(key: str, authorization: str) -> bytes | None:
    if key:
        return key.strip().encode("utf-8", "replace")
    if authorization[:7].lower() == "bearer ":
        return authorization[7:].strip().encode("utf-8", "replace")
    return None
