"""uvicorn's WebSocket protocol, counted among the connections, and silent about what a peer does wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

__all__ = ["LONGEST_MESSAGE", "WebSocketProtocol"]

LONGEST_MESSAGE = 65_536
"""Most bytes of a message from a client."""

_SILENT = logging.getLogger("mycelium_fractal_net.websocket")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_UNREAD_S = 30.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """What a connection becomes after its handshake.

    Attributes
    ----------
    released : callable
        Called when the connection is gone.
    """

    released: Callable[[], object] = dict

    def __init__(self, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.logger = self.conn.logger = _SILENT  # its lines hold query strings, and a traceback for each bad frame
        self._unread, self._unread_since = 0, 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no longer."""
        super().connection_lost(exc)
        self.released()

    def drop_if_stalled(self, now: float) -> None:
        """Close the connection when its client has read nothing for long; a stream that is paused writes nothing."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread != self._unread:
            self._unread, self._unread_since = unread, now
        elif now - self._unread_since > 2 * _UNREAD_S:
            self.transport.abort()
