"""What has come of requests and is not parsed yet: cut into pieces that end one request at most, and counted."""

from __future__ import annotations

from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["LONGEST_HEAD", "SLICE", "Arrivals"]

LONGEST_HEAD = 65_536
"""Most bytes of request line and headers, and of a chunked body's trailers or one chunk's extensions."""

SLICE = 16_384
"""Most bytes that are parsed before it is others' turn."""

_EMPTY_LINE = b"\r\n\r\n"
_COST_OF_A_PIECE = 32
_FRAMING = 65_536


class Arrivals:
    r"""Bytes in their order.

    Attributes
    ----------
    body_left : int or None
        Bytes that are missing of a body whose length is known.

    Examples
    --------
    >>> arrivals = Arrivals()
    >>> arrivals.add(b"GET / HTTP/1.1\r\n\r\nGET /two")
    >>> arrivals.piece(), arrivals.piece()
    (b'GET / HTTP/1.1\r\n\r\n', b'GET /two')
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self.begin_body(None)
        self.begin_head()

    def __len__(self) -> int:
        return len(self._held)

    def add(self, data: bytes) -> None:
        """Take what has come."""
        self._held += data

    def take_all(self) -> bytes:
        """Return all of it, and forget it."""
        held = bytes(self._held)
        self._held.clear()
        return held

    def begin_head(self) -> None:
        """Count anew: the next bytes are those of a head."""
        self.body_left: int | None = None
        self._in_body = False
        self._head = 0

    def begin_body(self, length: int | None) -> None:
        """Count anew: the next bytes are those of a body, of a length or, None, in chunks."""
        self.body_left = length
        self._in_body = True
        self._wire = self._content = self._since_content = 0

    def count_content(self, length: int) -> None:
        """Note that so much of what was parsed is the content of a body."""
        self._content += length
        self._since_content = 0

    def piece(self) -> bytes:
        """Cut off what is parsed next: up to the next empty line, where a head ends, or a body in chunks."""
        if self.body_left is not None:
            length = min(self.body_left, len(self._held))
            self.body_left -= length
        else:
            found = self._held.find(_EMPTY_LINE, 0, SLICE)
            length = found + 4 if found >= 0 else self._without_beginning(min(len(self._held), SLICE))
            self._count(length, _COST_OF_A_PIECE if found >= 0 else 0)
        piece = bytes(self._held[:length])
        del self._held[:length]
        return piece

    def fault(self) -> ServiceError | None:
        """Return why no more is taken: a head, trailers, or the framing of chunks are too long."""
        if not self._in_body:
            return ServiceError("HEADERS_TOO_LARGE") if self._head > LONGEST_HEAD else None
        if self._since_content > LONGEST_HEAD:
            return ServiceError("HEADERS_TOO_LARGE", "a chunk's extensions, or the trailers, are too long")
        if self.body_left is None and self._wire > 2 * self._content + _FRAMING:
            return ServiceError("BAD_REQUEST", "the chunks are too small: most of the body is framing")
        return None

    def _without_beginning(self, length: int) -> int:
        """Return a length without what may be the beginning of an empty line."""
        end = bytes(self._held[max(0, length - 3) : length])
        return length - len(end) + len(end.rstrip(b"\r\n"))

    def _count(self, length: int, cost: int) -> None:
        if self._in_body:
            self._wire += length + cost
            self._since_content += length
        else:
            self._head += length
