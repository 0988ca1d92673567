"""HTTP/1.1 as uvicorn speaks it, one request at a time, with bounds on what a client may send, hold open and leave."""

from __future__ import annotations

import re
import socket
from asyncio import Event
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.http.answer import Cycle, Exit
from mycelium_fractal_net.service.http.arrivals import SLICE, Arrivals
from mycelium_fractal_net.service.http.connections import Connections

__all__ = ["LONGEST_URL", "MOST_HEADERS", "BoundedProtocol", "Phase"]

LONGEST_URL = 8_192
"""Most bytes of path and query."""

MOST_HEADERS = 100
"""Most headers of a request."""

_MOST_AHEAD = 65_536
_LEAST_RATE = 500.0
_STALLS = 20
_LINGER_S = 1.0
_LONGEST_LINGER_S = 10.0
_MOST_DISCARDED = 1 << 25
_GRACE_S = 1.0
_LOOK_EVERY_S = 0.025
_CLOSED = 7  # of the kernel's states of a TCP connection
_NEVER = float("inf")
_PROBES = frozenset({"/health/live", "/health/ready"})
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


class Phase(Enum):
    """Where a connection stands."""

    IDLE = "no request has begun"
    HEAD = "the head of a request arrives"
    BODY = "its body arrives, the application runs"
    ANSWERING = "nothing more is read of it, the application runs"
    LINGERING = "the last answer is written, what still comes is read past"


_READING = frozenset({Phase.IDLE, Phase.HEAD, Phase.BODY})


class BoundedProtocol(HttpToolsProtocol):
    """Parse one request, answer it, then parse the next.

    Parameters
    ----------
    connections : Connections
        Counts this connection among the others, and holds the bounds.
    **uvicorn
        What uvicorn gives its protocols.

    Notes
    -----
    uvicorn's own protocol parses whatever comes, however many requests wait for their answers; waits for ever for the
    rest of one; keeps headers of any length; takes a client that has only finished sending for one that has left; and
    loses the body of a request that offers an upgrade to HTTP/2, as curl and Java's client do.

    What cannot be taken is refused by the application, as all else is: it finds the error in ``scope["mfn.refused"]``,
    or gets it from ``receive`` where the body is at fault.
    """

    def __init__(self, *, connections: Connections, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._connections = connections
        self._bounds = connections.bounds
        self._phase = Phase.IDLE
        self._deadline = self._body_deadline = 0.0
        self._listeners: set[Callable[[], object]] = set()
        self._held = Arrivals()
        self._scheduled = self._looking = False
        self._crowded = self._ended = self._gone = self._last = False
        self._fault = ServiceError("BAD_REQUEST")
        self._discarded, self._last_moment = 0, 0.0
        self._unread, self._unread_since, self._unread_progress = 0, 0.0, 0.0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._deadline = self.loop.time() + self._bounds.stall_s
        self._unread_since = self.loop.time()
        self._crowded = not self._connections.enter(self, self.client[0] if self.client else "")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever works for this client that it has left."""
        super().connection_lost(exc)
        self._connections.leave(self)
        self._gone = True
        self._held.take_all()
        for tell in list(self._listeners):
            tell()

    def on_disconnect(self, tell: Callable[[], object]) -> Callable[[], object]:
        """Call ``tell`` when the client leaves, or now if it has left; what is returned puts an end to that."""
        self._listeners.add(tell)
        if self._gone:
            tell()
        return partial(self._listeners.discard, tell)

    def drop(self) -> None:
        """Close at once."""
        self.transport.abort()

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio takes an answer
        """Answer what was asked: the client may have closed its own side only."""
        self._ended = True
        asked = self._phase is Phase.ANSWERING or (self._phase is Phase.IDLE and self._scheduled)
        if not asked or self.scheme == "https":
            return False
        self._pace()
        return True

    def data_received(self, data: bytes) -> None:
        """Take bytes; those behind a request wait for its answer."""
        if self._phase is Phase.LINGERING:
            self._discard(len(data))
            return
        self._held.add(data)
        if self._phase in _READING and not self._scheduled:
            self._parse()
        self._pace()

    def shutdown(self) -> None:
        """Close soon if no request is there; one that is on its way is still answered."""
        if self._phase is Phase.IDLE:
            self._deadline = min(self._deadline, self.loop.time() + _GRACE_S)

    def drop_if_stalled(self, now: float) -> None:
        """Refuse a request, or close the connection, when its time is over."""
        if now > self._deadline and not self.flow.read_paused:
            self._time_out()
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread != self._unread:
            self._unread, self._unread_progress = unread, now
        if unread == 0:
            self._unread_since = now
        stalled = now - self._unread_progress > self._bounds.stall_s
        if stalled or now - self._unread_since > self._bounds.answer_s:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Note when a request begins."""
        super().on_message_begin()
        self._connections.work(self)
        self._phase = Phase.HEAD
        self._deadline = self.loop.time() + self._bounds.stall_s

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after the head is none."""
        if self._phase is not Phase.HEAD:
            return
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS:
            raise self._because("HEADERS_TOO_LARGE", f"a request may have at most {MOST_HEADERS} headers")

    def on_headers_complete(self) -> None:
        """Check the head and start the application, unless it is to be read again without an upgrade."""
        self._check_head()
        if not self.parser.should_upgrade():
            url = parse_url(self.url)
            self._start((url.path or b"/").decode("ascii"), url.query or b"")

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; each byte buys a little time, and silence is bounded beside."""
        self._held.count_content(len(body))
        self._body_deadline += len(body) / _LEAST_RATE
        self._deadline = min(self.loop.time() + self._bounds.stall_s, self._body_deadline)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Read no further before the answer is given."""
        if self._phase is Phase.BODY:
            self._phase, self._deadline = Phase.ANSWERING, _NEVER
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, if that was not the last one."""
        self.server_state.total_requests += 1
        if self._phase is Phase.LINGERING or self.transport.is_closing():
            return
        self._phase, self._deadline = Phase.IDLE, self.loop.time() + self._bounds.idle_s
        self._held.begin_head()
        if self._held or self._ended:
            self._parse_soon()
        else:
            self._connections.rest(self)

    def _parse(self) -> None:
        """Feed the parser what has come, in pieces that end one request at most; after a slice it is others' turn."""
        fed = 0
        while self._held and self._phase in _READING and not self._is_full():
            piece = self._held.piece()
            if not piece:
                return
            self._feed(piece)
            fed += len(piece)
            if fed >= SLICE and self._held.body_left is None:
                self._parse_soon()
                return

    def _parse_soon(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._scheduled = False
        if self._gone or self.transport.is_closing():
            return
        self._parse()
        self._pace()
        if self._ended and self._phase is not Phase.ANSWERING and not self._scheduled:
            self.transport.close()

    def _pace(self) -> None:
        """Read on, unless enough has come."""
        if self._gone:
            return
        if len(self._held) <= _MOST_AHEAD and not self._is_full():
            self.flow.resume_reading()
        else:
            self.flow.pause_reading()
        if self._phase is Phase.ANSWERING and (self._ended or self.flow.read_paused):
            self._look_soon()

    def _is_full(self) -> bool:
        return self._phase is Phase.BODY and len(self.cycle.body) > HIGH_WATER_LIMIT

    def _body_taken(self) -> None:
        """Read on when the application has taken what came of the body; while it did not, nobody owed any."""
        if self._phase is Phase.BODY:
            if self.flow.read_paused:
                now = self.loop.time()
                self._deadline, self._body_deadline = now + self._bounds.stall_s, now + _STALLS * self._bounds.stall_s
            if self._held:
                self._parse_soon()
        self._pace()

    def _feed(self, piece: bytes) -> None:
        """Let the parser read, and bound what is not content."""
        self._fault = ServiceError("BAD_REQUEST")
        fault = self._held.fault()
        if fault is None:
            try:
                self.parser.feed_data(piece)
                fault = self._held.fault() if self._phase is Phase.BODY else None
            except HttpParserUpgrade:
                self._upgrade()
            except HttpParserError:
                fault = self._fault
        if fault is not None:
            self._refuse(fault)

    def _because(self, code: str, message: str = "") -> ServiceError:
        """Remember what is at fault: the parser says only that something is."""
        self._fault = ServiceError(code, message)
        return self._fault

    def _check_head(self) -> None:
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            raise self._because("HTTP_VERSION_NOT_SUPPORTED", f"HTTP/{version} is not supported; use HTTP/1.1")
        if len(self.url) > LONGEST_URL:
            raise self._because("URI_TOO_LONG")
        for name, value in self.headers:
            if name == b"host" and not _HOST.fullmatch(value):
                raise self._because(
                    "BAD_REQUEST", "the header Host must be a host name or address, with an optional port"
                )

    def _start(self, raw_path: str, query: bytes, refusal: ServiceError | None = None) -> None:
        """Let the application answer."""
        scope: dict[str, Any] = self.scope  # type: ignore[assignment] # with members of our own
        method = self.parser.get_method().decode("latin-1") if raw_path else ""
        scope["method"], scope["http_version"] = method, self.parser.get_http_version()
        scope["path"], scope["raw_path"] = unquote(raw_path), raw_path.encode("ascii")
        scope["query_string"] = query
        scope["mfn.on_disconnect"] = self.on_disconnect
        if self._crowded and scope["path"] not in _PROBES:
            refusal = refusal or ServiceError("TOO_MANY_CONNECTIONS", retry_after_s=1)
        if refusal is not None:
            scope["mfn.refused"] = refusal
        self.cycle = Cycle(
            scope=scope,
            exit_=Exit(self.transport, self._linger),
            is_last=self._is_last,
            body_taken=self._body_taken,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=scope["http_version"] == "1.1" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        self._phase = Phase.BODY
        length = next((value for name, value in self.headers if name == b"content-length"), None)
        self._held.begin_body(None if length is None else int(length))
        now = self.loop.time()
        self._deadline, self._body_deadline = now + self._bounds.stall_s, now + _STALLS * self._bounds.stall_s
        self._start_asgi_task(self.cycle, self.app)

    def _is_last(self) -> bool:
        """Tell whether the connection closes after the answer that begins now."""
        return self._last or self._crowded or self._phase is Phase.BODY or self._connections.draining

    def _refuse(self, error: ServiceError) -> None:
        """Read no further; the application answers with the error."""
        self._held.take_all()
        self._last = True
        if self._phase is Phase.BODY:
            cycle: Any = self.cycle
            cycle.fault = error
            cycle.message_event.set()
        else:
            if self._phase is Phase.IDLE:
                super().on_message_begin()
            self._connections.work(self)
            self._start(self._path(), b"", error)
        self._phase, self._deadline = Phase.ANSWERING, _NEVER

    def _path(self) -> str:
        """Return the path as far as it was read, empty where it was not."""
        try:
            return (parse_url(self.url).path or b"").decode("ascii")
        except (HttpParserError, UnicodeDecodeError):
            return ""

    def _time_out(self) -> None:
        if self._phase in {Phase.IDLE, Phase.LINGERING}:
            self.transport.close()
        elif self._phase is Phase.BODY and self.cycle.response_started:
            self.transport.abort()
        else:
            self._refuse(ServiceError("REQUEST_TIMEOUT"))

    def _linger(self) -> None:
        """Say no more, and read past what still comes: bytes that nobody read would reset the answer away."""
        self._phase = Phase.LINGERING
        self._held.take_all()
        if self._ended:
            self.transport.close()
            return
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._last_moment = self.loop.time() + _LONGEST_LINGER_S
        self._discard(0)

    def _discard(self, length: int) -> None:
        """Wait for the client to fall silent, but not for ever."""
        self._discarded += length
        self._deadline = min(self.loop.time() + _LINGER_S, self._last_moment)
        if self._discarded > _MOST_DISCARDED:
            self.transport.abort()

    def _look_soon(self) -> None:
        """Look whether the client is there, of whom nothing is read any more."""
        if not self._looking:
            self._looking = True
            self.loop.call_later(_LOOK_EVERY_S, self._look, 1)

    def _look(self, times: int) -> None:
        deaf = self._ended or self.flow.read_paused
        self._looking = deaf and self._phase is Phase.ANSWERING and not self._gone
        if not self._looking:
            return
        if times & (times - 1) == 0:
            cycle: Any = self.cycle
            cycle.waiting_for_100_continue = False  # its answer begins now
            cycle.exit.send_ahead()
        if _is_reset(self.transport):
            self.transport.abort()
        else:
            self.loop.call_later(_LOOK_EVERY_S, self._look, times + 1)

    def _should_upgrade(self) -> bool:
        """Tell whether the request opens a WebSocket; every other offer is passed over."""
        names = {name for name, _ in self.headers}
        asks = self.parser.get_method() == b"GET" and b"sec-websocket-key" in names
        return asks and not self._crowded and super()._should_upgrade()

    def _upgrade(self) -> None:
        """Hand a WebSocket over; read any other request again as if it had not offered to change the protocol."""
        method = self.parser.get_method()
        if self._should_upgrade():
            self._open_websocket()
            return
        if method == b"CONNECT":
            self._refuse(ServiceError("BAD_REQUEST"))
            return
        lines = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        head = b"\r\n".join([method + b" " + self.url + b" HTTP/1.1", *lines, b"", b""])
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        self._feed(head)

    def _open_websocket(self) -> None:
        self.scope["method"] = "GET"
        self.handle_websocket_upgrade()
        websocket: Any = self.transport.get_protocol()
        websocket.released = partial(self._connections.leave, self)
        if self._held:
            websocket.data_received(self._held.take_all())


def _is_reset(transport: Any) -> bool:
    """Tell whether the connection is closed from the other side, of which nobody hears who does not read."""
    if not hasattr(socket, "TCP_INFO"):
        return False
    try:
        return bool(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSED)
    except OSError:
        return True
