"""What stands around every RPC: it becomes a call, is admitted and recorded, and its errors are told."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

import grpc

from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.core.call import Call, request_id_of
from mycelium_fractal_net.service.core.errors import Problem, ServiceError
from mycelium_fractal_net.service.core.record import CLIENT_GONE, RequestRecord
from mycelium_fractal_net.service.core.redaction import masked
from mycelium_fractal_net.service.core.streams import Streams
from mycelium_fractal_net.service.rpc.incoming import Receiving
from mycelium_fractal_net.service.rpc.status import end_with
from mycelium_fractal_net.service.services import Services

__all__ = ["METHOD", "Door", "current_record"]

METHOD = "GRPC"
"""How metrics, spans and log lines name the transport."""

Serve = Callable[[AsyncIterator[bytes], Any], Awaitable[None]]

_UNMATCHED = "unmatched"
_CALLS_A_STREAM = 2
_MOST_WATCHES = 256
_RECORD: ContextVar[RequestRecord] = ContextVar("mfn_rpc_record")


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

    Attributes
    ----------
    latest : float
        When a call came last, in s of the event loop's clock.

    Notes
    -----
    On the wire an RPC of one message is a stream of one. All are served as streams, so that each call is admitted and
    counted before its request is read, and none waits unseen for one that never comes.
    """

    def __init__(self, services: Services, accesses: Mapping[str, Access]) -> None:
        self._services = services
        self._accesses = accesses
        self.latest = 0.0
        self._receiving = Receiving(services)
        self._calls, self._watches = Streams(_CALLS_A_STREAM * services.settings.streams), Streams(_MOST_WATCHES)

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Return a handler that does all this around the one that was found."""
        handler = await continuation(details)
        known = handler is not None and details.method in self._accesses
        inner = _streamed(handler) if known else _nothing
        behaviour = self._around(details.method, inner, known and handler.response_streaming)
        return grpc.stream_stream_rpc_method_handler(behaviour, None, handler.response_serializer if known else None)

    def _around(self, method: str, inner: Serve, streams: bool) -> Any:
        async def behaviour(requests: Any, context: Any) -> None:
            record = self._services.recorder.open(self._call(method, context))
            try:
                async with self._told(record, context):
                    access = await self._let_in(record, context)
                    with self._counted(record.call.who, access, streams):
                        incoming = self._receiving.of(requests, record.call.who, public=access.public)
                        await inner(incoming, context)
            finally:
                record.close()

        return behaviour

    @contextmanager
    def _counted(self, who: str, access: Access, streams: bool) -> Iterator[None]:
        """Count a call while it is open; what everybody may ask counts beside, and only where it goes on."""
        if access.public and not streams:
            yield
            return
        places = self._watches if access.public else self._calls
        places.enter(who)
        try:
            yield
        finally:
            places.leave(who)

    async def _let_in(self, record: RequestRecord, context: Any) -> Access:
        """Admit a call before a byte of its request is asked for."""
        call = record.call
        access = self._accesses.get(call.path)
        if access is None:
            raise ServiceError("METHOD_NOT_ALLOWED", "there is no such RPC; mfn.proto lists them")
        await self._services.admission.admit(call, access)
        if not access.public:
            self.latest = asyncio.get_running_loop().time()
            if self._services.compute.draining:
                raise ServiceError("SERVICE_UNAVAILABLE", retry_after_s=1)
        await context.send_initial_metadata(_head(record))
        _RECORD.set(record)
        return access

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


async def _nothing(_requests: Any, _context: Any) -> None:
    """Stand where there is no RPC; nobody is let in here."""


def _streamed(handler: Any) -> Serve:
    """Return what serves a handler of any shape as one of streams."""
    read = handler.request_deserializer or _as_it_is
    inner = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

    async def serve(requests: AsyncIterator[bytes], context: Any) -> None:
        several = (read(content) async for content in requests)
        answer = inner(several if handler.request_streaming else await anext(several), context)
        if inspect.isasyncgen(answer):
            async for message in answer:
                await context.write(message)
        elif handler.response_streaming:
            await answer
        else:
            await context.write(await answer)

    return serve


def _as_it_is(content: Any) -> Any:
    return content


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
