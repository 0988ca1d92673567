"""Read long JSON in pieces: between two of them the interpreter is free for everybody else."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from mycelium_fractal_net.errors import CancelledError
from mycelium_fractal_net.service.http.rows import Rows, as_row

__all__ = ["Pieces"]

_WINDOW = 1 << 15
_SMALLEST_WINDOW = 1 << 6
_LONGEST_SCALAR = 1 << 16
# Fewer than wake the garbage collector, whose longest walk is one piece too.
_MOST_CONTAINERS = 500
_MOST_STRAY = 1 << 17
_MOST_FIELDS = 10_000
_MOST_MEMBERS = 1000
_DEEPEST = 64

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_WORD = re.compile(r"[^ \t\n\r,\]}]*")
_ENDS = {"[": "],", "{": "},", '"': '",'}


class Pieces:
    """A cursor in a text that is long, and JSON as a decoder takes it.

    Arrays are walked here, and the decoder gets of them what fits into a window: as many elements as end inside it.
    What it finds there, it would have found in the whole text, for reading goes from left to right.

    Parameters
    ----------
    text : str
        The whole text.
    decoder : json.JSONDecoder
        Reads what is short; its hooks say what is refused.
    arrays : mapping of str to int
        Members of the outermost object that hold fields, 2, or a list of fields, 3: these become :class:`Rows`. Of
        what else is long, the first 128 KiB are kept, and None stands for the rest: no model takes it anyway.
    cancel : threading.Event, optional
        Ends the reading with CancelledError.
    window : int
        Characters that are decoded at once.
    """

    def __init__(
        self,
        text: str,
        decoder: json.JSONDecoder,
        arrays: Mapping[str, int],
        cancel: threading.Event | None = None,
        window: int = _WINDOW,
    ) -> None:
        self._text = text
        self._scan = decoder.scan_once  # type: ignore[attr-defined] # what JSONDecoder.raw_decode calls
        plain = json.JSONDecoder(object_pairs_hook=decoder.object_pairs_hook, parse_constant=decoder.parse_constant)
        self._scan_plain = plain.scan_once  # type: ignore[attr-defined] # as above
        self._once = decoder.object_pairs_hook
        self._arrays = arrays
        self._cancel = cancel
        self._window = window
        self._at = 0
        self._stray = 0

    def read(self) -> Any:
        """Return what the text says.

        Raises
        ------
        json.JSONDecodeError
            As the decoder raises it.
        ValueError
            From its hooks, or when a text or a number is too long.
        RecursionError
            When long arrays or objects are nested more than 64 deep.
        """
        self._skip()
        value = self._value(0, 0)
        if self._next():
            raise self._fault("Extra data")
        return value

    def _value(self, depth: int, rank: int) -> Any:
        """Read a value; ``rank`` says how many levels of arrays are fields or their rows."""
        head = self._text[self._at : self._at + 1]
        if head not in {"[", "{"}:
            return self._scalar(head)
        if depth == _DEEPEST:
            raise RecursionError
        self._at += 1
        if head == "{":
            return self._object(depth)
        return (self._list, self._row, self._field, self._fields)[rank](depth)

    def _object(self, depth: int) -> Any:
        pairs: list[tuple[str, Any]] = []
        head = self._next()
        while head != "}" or pairs:
            if head != '"':
                raise self._fault("Expecting property name enclosed in double quotes")
            if len(pairs) == _MOST_MEMBERS:
                raise ValueError(f"an object has more than {_MOST_MEMBERS} members; {_MOST_MEMBERS} are taken")
            pairs.append(self._member(depth))
            if not self._goes_on("}"):
                return self._once(pairs)
            head = self._next()
        self._at += 1
        return self._once(pairs)

    def _member(self, depth: int) -> tuple[str, Any]:
        name = self._scalar('"')
        if self._next() != ":":
            raise self._fault("Expecting ':' delimiter")
        self._at += 1
        self._skip()
        return name, self._value(depth + 1, self._arrays.get(name, 0) if depth == 0 else 0)

    def _list(self, depth: int) -> list[Any]:
        items: list[Any] = []
        for batch in self._batches(depth, 0):
            items += batch if self._stray < _MOST_STRAY else [None] * len(batch)
        return items

    def _fields(self, depth: int) -> list[Any]:
        """Read a list of fields; once one of them holds a fault nobody looks at the next, nor at the 10,000th."""
        items: list[Any] = []
        for batch in self._batches(depth, 3):
            for item in batch:
                sound = len(items) < _MOST_FIELDS and not (items and getattr(items[-1], "stray", items[-1]))
                items.append((Rows.of(item) if isinstance(item, list) else item) if sound else None)
        return items

    def _field(self, depth: int) -> Rows:
        rows = Rows()
        for batch in self._batches(depth, 2):
            rows.add(batch)
        return rows

    def _row(self, depth: int) -> Any:
        return as_row(self._batches(depth, 0))

    def _batches(self, depth: int, rank: int) -> Iterator[list[Any]]:
        """Yield the elements of an array, whose bracket is behind the cursor, some at a time."""
        if self._next() == "]":
            self._at += 1
            return
        width = self._window
        while True:
            if self._cancel is not None and self._cancel.is_set():
                raise CancelledError("cancelled while the body was read")
            begin = self._at
            batch, closed = self._decode(width)
            if batch is None and width > _SMALLEST_WINDOW:
                width //= 2
                continue
            yield [self._value(depth + 1, max(rank - 1, 0))] if batch is None else batch
            width = min(2 * width, self._window)
            self._stray += 0 if rank else self._at - begin
            if closed or not self._goes_on("]"):
                return
            if self._next() == "]":
                raise self._fault("Expecting value")

    def _decode(self, width: int) -> tuple[list[Any] | None, bool]:
        """Decode the elements that end inside a window, and say whether the array does; None where none is found."""
        window = self._text[self._at : self._at + width]
        cut = len(window)
        if self._at + width < len(self._text):
            cut = window.rfind(_ENDS.get(window[0], ",")) + (window[0] in _ENDS)
        piece = f"[{window[:cut]}]"
        opened = piece.count("[")
        if cut <= 0 or opened > piece.count("]") or opened + piece.count("{") > _MOST_CONTAINERS:
            return None, False
        try:
            batch, end = (self._scan if _has_long_number(piece) else self._scan_plain)(piece, 0)
        except (json.JSONDecodeError, StopIteration):
            return None, False
        closed = end < len(piece)
        self._at += end - 1 if closed else cut
        return batch, closed

    def _scalar(self, head: str) -> Any:
        shape = _STRING if head == '"' else _WORD
        found = shape.match(self._text, self._at, self._at + _LONGEST_SCALAR)
        whole = found is not None and found.end() - found.start() < _LONGEST_SCALAR
        if not whole and self._at + _LONGEST_SCALAR < len(self._text):
            raise ValueError(f"a text or a number of {_LONGEST_SCALAR:,} characters is too long")
        try:
            value, self._at = self._scan(self._text, self._at)
        except StopIteration:
            raise self._fault("Expecting value") from None
        return value

    def _goes_on(self, end: str) -> bool:
        """Pass over a comma, and the space behind it, or over the end."""
        found = self._next()
        if found not in {",", end} or not found:
            raise self._fault("Expecting ',' delimiter")
        self._at += 1
        self._skip()
        return found == ","

    def _next(self) -> str:
        self._skip()
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        """Pass over space."""
        while True:
            end = self._at + self._window
            self._at = _SPACE.match(self._text, self._at, end).end()  # type: ignore[union-attr] # matches nothing too
            if self._at < end:
                return

    def _fault(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)


def _has_long_number(piece: str) -> bool:
    """Tell whether a number may have 300 digits, so that the decoder's hook has a say, which is slow for the others."""
    return any(piece[k : k + 100].isdigit() for k in range(0, len(piece), 200))
