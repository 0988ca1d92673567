"""uvicorn's WebSocket protocol, counted among the connections, bounded, and silent about what a peer does wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

__all__ = ["LONGEST_MESSAGE", "WebSocketProtocol"]

LONGEST_MESSAGE = 65_536
"""Most bytes of a message from a client."""

_SILENT = logging.getLogger("mycelium_fractal_net.websocket")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_UNREAD_S = 30.0
_SLICE = 2_048
_MOST_AFTER_CLOSE = 1 << 17
_MOST_FRAGMENTS = 1_000
_POLICY, _RESTART = 1008, 1012
_LINGER_S = 1.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """What a connection becomes after its handshake.

    Attributes
    ----------
    released : callable
        Called when the connection is gone.

    Notes
    -----
    uvicorn's own protocol makes messages of all that was read at once, 40,000 of 256 KiB, before it stops to read;
    answers pings however many answers nobody reads; and keeps any number of empty fragments, which have no bytes to
    bound. Here it is fed some bytes at a time, while no message waits.
    """

    released: Callable[[], object] = dict

    def __init__(self, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.logger = self.conn.logger = _SILENT  # its lines hold query strings, and a traceback for each bad frame
        self._unread, self._unread_since = 0, 0.0
        self._held = bytearray()
        self._after_close = 0
        self._restarts = self._said_so = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no longer."""
        super().connection_lost(exc)
        self._held.clear()
        self.released()

    def data_received(self, data: bytes) -> None:
        """Take bytes; those behind a message wait until that is taken."""
        self._after_close += len(data) if self.close_sent or self._said_so else 0
        if self._after_close > _MOST_AFTER_CLOSE:
            self.transport.abort()
        if self._said_so:
            self._pass_over(data)
            return
        self._held += data
        self._feed()

    async def receive(self) -> Any:
        """Return the next message; when that was the last one, read on after it was others' turn."""
        message = await super().receive()
        if self._held and self.queue.empty():
            self.loop.call_soon(self._feed)
        return message

    async def send(self, message: Any) -> None:
        """Send a message; after the last one, what still comes is read past."""
        await super().send(message)
        if self._restarts:
            self.shutdown()
        if self._held:
            self._feed()

    def shutdown(self) -> None:
        """Say that the service restarts, and close when that is answered: what nobody read would reset it away.

        Whose handshake is not answered yet hears it from the application.
        """
        self._restarts = True
        if self.close_sent:
            super().shutdown()
        elif self.handshake_complete and not self._said_so:
            self._said_so = True
            self.stop_keepalive()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": _RESTART})
            self.conn.send_close(_RESTART)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.resume_reading()
            self._pass_over(bytes(self._held))
            self._held.clear()
            self.loop.call_later(_LINGER_S, self.transport.close)

    def _pass_over(self, data: bytes) -> None:
        """Read on to the answer to a close."""
        self.conn.receive_data(data)
        if self.conn.close_rcvd is not None or self.conn.parser_exc is not None:
            self.transport.close()
        self.conn.events_received()

    def handle_ping(self) -> None:
        """Answer, unless nobody reads the answers: only the latest ping has to have one (RFC 6455)."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_cont(self, event: Frame) -> None:
        """Take a fragment; empty ones are bounded by their number."""
        if len(self.frames) >= _MOST_FRAGMENTS:
            self.conn.fail(_POLICY, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def drop_if_stalled(self, now: float) -> None:
        """Close the connection when its client has read nothing for long; a stream that is paused writes nothing."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread != self._unread:
            self._unread, self._unread_since = unread, now
        elif now - self._unread_since > 2 * _UNREAD_S:
            self.transport.abort()

    def _feed(self) -> None:
        """Parse what has come as far as no message waits, and read on if all is parsed."""
        while self._held and self._is_free():
            piece = bytes(self._held[:_SLICE])
            del self._held[:_SLICE]
            super().data_received(piece)
        if self.transport.is_closing():
            return
        if self._held:
            self.transport.pause_reading()
        elif not self.read_paused:
            self.transport.resume_reading()

    def _is_free(self) -> bool:
        return (self.queue.empty() or self.close_sent) and not self.transport.is_closing()
