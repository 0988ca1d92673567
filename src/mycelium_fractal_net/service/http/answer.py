"""One request's way through the application, and how its answer goes out: uvicorn's cycle with what it lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["Cycle", "Exit"]

_BEGINNING = b"HTTP/1.1 "
_MOST_ZEROS = 8


class Cycle(RequestResponseCycle):
    """A request that can be refused while its body arrives, and an answer that may be the last of its connection.

    Attributes
    ----------
    fault : ServiceError or None
        Refusal that whoever reads the body gets.
    is_last : callable
        Asked when the answer begins: whether the connection closes after it.
    body_taken : callable
        Called when the application has taken what had come of the body.
    """

    def __init__(
        self, *, exit_: Exit, is_last: Callable[[], bool], body_taken: Callable[[], object], **uvicorn: Any
    ) -> None:
        super().__init__(transport=exit_, **uvicorn)  # type: ignore[arg-type] # all it asks for
        self.exit = exit_
        self.fault: ServiceError | None = None
        self.is_last = is_last
        self.body_taken = body_taken

    async def receive(self) -> Any:
        """Return the next part of the body, or that the client has left.

        Raises
        ------
        ServiceError
            When the rest of the body is refused.
        """
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not (self.disconnected or self.response_complete):
            await self.message_event.wait()
            self.message_event.clear()
        if self.fault is not None:
            raise self.fault
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = bytes(self.body), bytearray()
        self.body_taken()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Any) -> None:
        """Send a part of the answer; its head says whether the connection closes."""
        if message["type"] == "http.response.start" and not self.response_started:
            if self.is_last():
                self.keep_alive = False
            self.exit.begin(holds=self.scope["method"] != "HEAD")  # nothing follows the head of an answer to that
        await super().send(message)
        self.exit.chunked = bool(self.chunked_encoding)


class Exit:
    """What a cycle may do with the transport.

    The head of an answer waits for what follows it, as ASGI asks, and goes in one packet with it: the client wakes
    up once. Its first bytes may have gone already, to find out whether the client is there.

    Parameters
    ----------
    transport : asyncio.Transport
        Where bytes go.
    close : callable
        Called after the last answer of a connection.
    """

    __slots__ = ("_begins", "_begun", "_close", "_held", "_holds", "_sent_ahead", "_transport", "chunked", "is_closing")

    def __init__(self, transport: Any, close: Callable[[], None]) -> None:
        self._transport = transport
        self._close = close
        self._begins = self._begun = self._holds = self.chunked = False
        self._held = b""
        self._sent_ahead = 0
        self.is_closing: Callable[[], bool] = transport.is_closing

    def begin(self, *, holds: bool) -> None:
        """Say that the next bytes are the head of the answer, and whether they wait for what follows."""
        self._begins, self._holds = True, holds

    def send_ahead(self) -> None:
        """Send a byte that whatever comes next may begin with: a client that is gone resets the connection.

        An answer begins with its protocol's name, a chunk with its length, and zeros before that change nothing.
        """
        byte = b"" if self._begun else _BEGINNING[self._sent_ahead : self._sent_ahead + 1]
        if self.chunked and not self._held and self._sent_ahead < _MOST_ZEROS:
            byte = b"0"
        self._sent_ahead += len(byte)
        if byte:
            self._transport.write(byte)

    def write(self, data: bytes) -> None:
        """Send bytes, those of the head with the next ones."""
        if self._begins:
            data = data[self._sent_ahead :]
            self._begins, self._begun = False, True
        self._sent_ahead = 0
        if self._holds:
            self._held, self._holds = data, False
        elif self._held:
            self._transport.writelines((self._held, data))
            self._held = b""
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Send what is left, and close."""
        if self._held:
            self.write(b"")
        self._close()
