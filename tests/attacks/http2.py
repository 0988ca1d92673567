"""HTTP/2 as an attacker writes it: frames by hand, over a plain socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tests.service.helpers import KEY

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7, 0x8, 0x9
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CALL = "/mfn.v1.MyceliumFractalNet/"
WINDOW = 65_535
ATTACKER = "127.0.0.2"
"""Where attackers call from, so that others have another address."""


def frame(kind: int, stream: int = 0, content: bytes = b"", flags: int = 0) -> bytes:
    """Return a frame (RFC 9113, section 4.1)."""
    return struct.pack("!I", len(content))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + content


def literal(name: str, value: str) -> bytes:
    """Return a header field that no table takes in (RFC 7541, section 6.2.2)."""
    return b"\0" + b"".join(_length(len(text)) + text.encode() for text in (name, value))


def _length(size: int) -> bytes:
    if size < 127:
        return bytes([size])
    rest, octets = size - 127, bytearray([127])
    while rest >= 128:
        octets.append(rest % 128 | 128)
        rest //= 128
    return bytes([*octets, rest])


def head(stream: int, path: str, key: str | None = KEY, **more: str) -> bytes:
    """Return the frame that begins a call; its request stays open."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "x"}
    fields |= {"content-type": "application/grpc", "te": "trailers"} | ({"x-api-key": key} if key else {}) | more
    block = b"".join(literal(name, value) for name, value in fields.items())
    return frame(HEADERS, stream, block, END_HEADERS)


def message(stream: int, content: bytes, *, announced: int | None = None) -> bytes:
    """Return the frame of a message, or the beginning of one that is announced to be longer."""
    size = len(content) if announced is None else announced
    return frame(DATA, stream, b"\0" + struct.pack("!I", size) + content, 0 if announced else END_STREAM)


@contextmanager
def opened(port: int, said: bytes = PREFACE + frame(SETTINGS)) -> Iterator[socket.socket]:
    """Connect as an attacker, and say what every client says first."""
    with socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(ATTACKER, 0)) as connection:
        connection.sendall(said)
        yield connection


def answered(connection: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    """Yield what comes, as kind, stream and content, until the server closes; settings are acknowledged."""
    held = b""
    while True:
        while len(held) >= 9 and len(held) >= 9 + (size := int.from_bytes(held[:3])):
            kind, flags, stream = held[3], held[4], int.from_bytes(held[5:9])
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, flags=ACK))
            yield kind, stream, held[9 : 9 + size]
            held = held[9 + size :]
        try:
            came = connection.recv(65_536)
        except ConnectionError:
            return
        if not came:
            return
        held += came


class Upload:
    """Calls on one connection that each announce a message of some size and never send the last of it."""

    def __init__(self, connection: socket.socket, rpc: str, calls: int, size: int) -> None:
        self._connection, self._size = connection, size
        self._window = dict.fromkeys(range(1, 2 * calls, 2), WINDOW)
        self._left = dict.fromkeys(self._window, size - 1)
        self._whole = WINDOW
        connection.sendall(b"".join(head(stream, CALL + rpc) for stream in self._left))

    @property
    def sent(self) -> int:
        """Bytes that the server has let in."""
        return sum(self._size - 1 - left for left in self._left.values())

    def send(self, silence_s: float) -> None:
        """Send whatever the server gives room for, until it gives none for some time."""
        self._connection.settimeout(silence_s)
        for stream in self._left:
            self._push(stream)
        try:
            for kind, stream, content in answered(self._connection):
                self._take(kind, stream, content)
        except TimeoutError:
            pass

    def _take(self, kind: int, stream: int, content: bytes) -> None:
        if kind == SETTINGS:
            for name, value in struct.iter_unpack("!HI", content):
                if name == 0x4:
                    self._window = {stream: room + value - WINDOW for stream, room in self._window.items()}
        elif kind == WINDOW_UPDATE and stream:
            self._window[stream] += int.from_bytes(content)
        elif kind == WINDOW_UPDATE:
            self._whole += int.from_bytes(content)
        for each in [stream] if stream else list(self._left):
            self._push(each)

    def _push(self, stream: int) -> None:
        while (size := min(16_384, self._left[stream], self._whole, self._window[stream])) > 0:
            data = bytes(size)
            if self._left[stream] == self._size - 1:
                data = (b"\0" + struct.pack("!I", self._size) + data)[:size]
            self._left[stream] -= size
            self._whole -= size
            self._window[stream] -= size
            self._connection.sendall(frame(DATA, stream, data))
