"""Log lines on their way out: a bounded queue and a thread that writes, so that a pipe nobody reads stops nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import BinaryIO

__all__ = ["Sink"]

_MOST_BYTES = 8 << 20
_AT_ONCE = 1 << 16
_LOOK_EVERY_S = 0.005


class Sink:
    """A file to which a thread of its own writes.

    Lines that find ``most_bytes`` waiting are dropped and counted; when there is room again, ``tell`` says how many.

    Parameters
    ----------
    stream : binary file
        Where lines go; it may block, or break.
    most_bytes : int
        Bytes that may wait.

    Attributes
    ----------
    dropped : int
        Lines that were not written.
    tell : callable
        Called in the thread that writes, with the number of ``lines`` dropped since the last call.
    """

    def __init__(self, stream: BinaryIO, most_bytes: int = _MOST_BYTES) -> None:
        self._stream = stream
        self._most = most_bytes
        self._lines: SimpleQueue[bytes] = SimpleQueue()  # a signal's handler may put too
        self._put = self._taken = self._told = 0
        self.dropped = 0
        self.tell: Callable[..., object] = dict
        threading.Thread(target=self._write_all, name="mfn-log", daemon=True).start()

    def write(self, line: bytes) -> int:
        """Queue a line, or drop it; callers take turns."""
        if self._put - self._taken + len(line) > self._most:
            self.dropped += 1
        else:
            self._put += len(line)
            self._lines.put(line)
        return len(line)

    def flush(self) -> None:
        """Do nothing: the thread writes as soon as it can."""

    def drain(self, longest_s: float = 2.0) -> None:
        """Wait until all is written, or for so long."""
        end = time.monotonic() + longest_s
        while self._taken < self._put and time.monotonic() < end:
            time.sleep(_LOOK_EVERY_S)

    def _write_all(self) -> None:
        while True:
            lines = self._some_lines()
            text = b"".join(lines)
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):  # the pipe's other end, or the file, was closed
                self.dropped += len(lines)
            self._taken += len(text)
            missing = self.dropped - self._told
            if missing and self._put - self._taken < self._most // 2:
                self._told += missing
                self.tell(lines=missing)

    def _some_lines(self) -> list[bytes]:
        """Return the lines that wait, some at a time."""
        lines = [self._lines.get()]
        length = len(lines[0])
        try:
            while length < _AT_ONCE:
                lines.append(self._lines.get_nowait())
                length += len(lines[-1])
        except Empty:
            pass
        return lines
