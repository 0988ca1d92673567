"""HTTP/1.1 as uvicorn speaks it, with bounds on what a client may hold open, and refusals in the one shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mycelium_fractal_net.service.core.call import Exchange
from mycelium_fractal_net.service.core.errors import CATALOGUE, Problem
from mycelium_fractal_net.service.core.record import Journal

__all__ = ["LONGEST_HEAD", "LONGEST_URL", "ProblemProtocol"]

LONGEST_HEAD = 65_536
"""Most bytes of request line and headers, and of a chunked body's trailers."""

LONGEST_URL = 8_192
"""Most bytes of path and query."""

_LINGER_S = 1.0
_LONGEST_LINGER_S = 30.0
_MOST_DISCARDED = 1 << 26


class ProblemProtocol(HttpToolsProtocol):
    """Bound heads in length and waits in time; answer what is not HTTP with a problem.

    Parameters
    ----------
    journal : Journal
        Where refusals are written down: the application never sees those of a head.
    **uvicorn
        What uvicorn gives its protocols.

    Notes
    -----
    uvicorn itself waits for ever for the rest of a request and keeps headers of any length. It also loses the body
    of a request that offers an upgrade to HTTP/2, as curl and Java's client do; here the offer is passed over.
    """

    _owed_since: float | None = None
    _in_head = True
    _moved = False
    _pending = 0
    _refused = False
    _fault = "BAD_REQUEST"
    _fault_to_tell: str | None = None
    _unread = 0
    _unread_since = 0.0
    _left = False
    _discarded = 0
    _gone = False

    def __init__(self, *, journal: Journal, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._journal = journal
        self._listeners: set[Callable[[], object]] = set()

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._owed_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the computations of this connection's requests, of all that were sent ahead too."""
        super().connection_lost(exc)
        self._gone = True
        for tell in list(self._listeners):
            tell()

    def departure(self, tell: Callable[[], object]) -> Callable[[], object]:
        """Call ``tell`` when the client leaves; see :data:`mycelium_fractal_net.service.core.compute.Departure`."""
        self._listeners.add(tell)
        if self._gone:
            tell()
        else:
            self.flow.resume_reading()  # who does not read does not see it
        return partial(self._listeners.discard, tell)

    def data_received(self, data: bytes) -> None:
        """Parse what came; bound what has not become part of a head or a body yet."""
        if self._left:
            self._discard(len(data))
            return
        self._unset_keepalive_if_required()
        if self._refused:
            return
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._pass_over_upgrade(data[upgrade.args[0] :])
        except HttpParserError:
            self.refuse(self._fault)
        if self._owed_since is not None:
            self._pending = 0 if self._moved else self._pending + len(data)
            self._moved = False
            if self._pending > LONGEST_HEAD:
                self.refuse("HEADERS_TOO_LARGE")

    def on_message_begin(self) -> None:
        """Note when a request began."""
        super().on_message_begin()
        self._in_head = True
        self._owed_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Check the head's length; start the request, unless it is to be read again without an upgrade.

        Whatever comes after the head is no header of it: trailers go where nobody looks.
        """
        self._check_lengths()
        if self.parser.should_upgrade() and not self._should_upgrade():
            return
        self._in_head = False
        self._progress()
        super().on_headers_complete()
        self.cycle.scope["mfn.departure"] = self.departure  # type: ignore[typeddict-unknown-key] # of our own
        self.cycle.transport = _Exit(self.cycle, self.transport, self.close)  # type: ignore[assignment] # all it asks for
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Note that the body grows."""
        self._progress()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that nothing is owed any more, and that what follows belongs to another request."""
        if self._in_head:
            return
        self._owed_since = None
        self._pending = 0
        super().on_message_complete()
        self._in_head = True
        self.url, self.headers = b"", []

    def drop_if_stalled(self, now: float, patience_s: float) -> None:
        """Close the connection if its client owes bytes, or leaves an answer unread, for too long."""
        if self._owed_since is not None and now - self._owed_since > patience_s and not self.flow.read_paused:
            self._time_out()
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread != self._unread:
            self._unread, self._unread_since = unread, now
        elif now - self._unread_since > patience_s:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Go on to the next request, or to a refusal whose turn it is; or nowhere, if this answer was the last."""
        if self._left:
            return
        super().on_response_complete()
        if self._fault_to_tell is not None and not self._others_wait():
            self._tell(self._fault_to_tell)

    def refuse(self, code: str) -> None:
        """Read no further, and answer with a problem as soon as earlier requests have their answers."""
        if self._refused:
            return
        self._refused = True
        if self._others_wait():
            self._fault_to_tell = code
        else:
            self._tell(code)

    def _others_wait(self) -> bool:
        """Tell whether an earlier request of this connection has no answer yet."""
        if self._in_head:
            return self.cycle is not None and not self.cycle.response_complete
        return bool(self.pipeline)

    def _tell(self, code: str) -> None:
        """Answer and close."""
        if self.transport.is_closing():
            return
        if not self._in_head and self.cycle.response_started:
            self.transport.close()  # the request has its answer already
            return
        problem = Problem(code, CATALOGUE[code].text, [], {})
        exchange = self._refuse_head(problem) if self._in_head else self._refuse_body(problem)
        self.transport.write(_answer(problem, exchange.request_id))
        self._linger()

    def close(self) -> None:
        """Close after an answer; a client that is still sending is heard out first."""
        if self._owed_since is None:
            self.transport.close()
        else:
            self._linger()

    def _linger(self) -> None:
        """Say no more, and read past what still comes: bytes that nobody read would reset the answer away."""
        self._refused = self._left = True
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._last_moment = self.loop.time() + _LONGEST_LINGER_S
        self._discard(0)

    def _discard(self, length: int) -> None:
        """Wait for the client to fall silent, but not for ever."""
        self._unset_keepalive_if_required()
        self._discarded += length
        rest_s = self._last_moment - self.loop.time()
        wait_s = min(_LINGER_S, rest_s) if self._discarded <= _MOST_DISCARDED else 0.0
        self.timeout_keep_alive_task = self.loop.call_later(max(0.0, wait_s), self.transport.close)

    def _refuse_head(self, problem: Problem) -> Exchange:
        method, path = self._request_line()
        scope = {"method": method, "path": path, "headers": self.headers or [], "client": self.client}
        return self._journal.refuse_head(scope, problem)

    def _refuse_body(self, problem: Problem) -> Exchange:
        """Leave it to the gateway to write down the refusal; nothing that the application says is sent any more."""
        exchange = self._journal.open(self.scope)
        exchange.refused = problem
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        return exchange

    def _request_line(self) -> tuple[str, str]:
        """Return method and path, empty where they were not read."""
        if not self.url:
            return "", ""
        method = self.parser.get_method().decode("latin-1")
        try:
            path = parse_url(self.url).path or b""
        except HttpParserError:
            path = b""
        return method, unquote(path.decode("latin-1"))

    def _progress(self) -> None:
        self._moved = True
        self._owed_since = self.loop.time()

    def _check_lengths(self) -> None:
        if len(self.url) > LONGEST_URL:
            self._fault = "URI_TOO_LONG"
        elif sum(len(name) + len(value) for name, value in self.headers) > LONGEST_HEAD:
            self._fault = "HEADERS_TOO_LARGE"
        else:
            return
        raise ValueError(self._fault)

    def _pass_over_upgrade(self, rest: bytes) -> None:
        """Read the request again as if it had not offered to change the protocol."""
        if self._should_upgrade():
            self.handle_websocket_upgrade()
            return
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.refuse("BAD_REQUEST")
            return
        lines = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        head = b"\r\n".join([method + b" " + self.url + b" HTTP/1.1", *lines, b"", b""])
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        self.data_received(head + rest)

    def _time_out(self) -> None:
        waiting = self.cycle is not None and not self.cycle.response_complete
        if self._in_head and waiting:
            return  # an earlier request of this connection is still being answered
        if self.headers is None or (not self._in_head and self.cycle.response_started):
            self.transport.close()
        else:
            self.refuse("REQUEST_TIMEOUT")


class _Exit:
    """What a cycle may do with the transport.

    The head of an answer waits for what follows it, as ASGI asks, and goes in one packet with it: the client wakes
    up once.
    """

    __slots__ = ("_close", "_cycle", "_held", "_holds", "_transport", "is_closing")

    def __init__(self, cycle: RequestResponseCycle, transport: Any, close: Callable[[], None]) -> None:
        self._cycle = cycle
        self._transport = transport
        self._close = close
        self._held = b""
        self._holds = cycle.scope["method"] != "HEAD"  # nothing follows the head of an answer to that
        self.is_closing: Callable[[], bool] = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send bytes, those of the head with the next ones."""
        if self._held:
            self._transport.writelines((self._held, data))
            self._held = b""
        elif self._holds and self._cycle.response_started:
            self._held, self._holds = data, False
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Send what is left, and close."""
        if self._held:
            self.write(b"")
        self._close()


def _answer(problem: Problem, request_id: str) -> bytes:
    body = json.dumps(problem.body(request_id)).encode()
    head = (
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
