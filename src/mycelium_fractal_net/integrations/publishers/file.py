"""A JSON Lines file as a sink: on disk before ``publish`` returns, rotated by size."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr

from mycelium_fractal_net.integrations.messages import Event
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["FilePublisher"]


class FilePublisher(Connector):
    """Append events to a file, a structured CloudEvent a line.

    Several events that come at once are written with one ``fsync``. A line that a crash cut off is taken away at the
    next start: its event was not confirmed.
    """

    path: Path = Field(
        description="File to append to; full ones become PATH.1, PATH.2, ..., the highest number being the newest."
    )
    rotate_bytes: int = Field(256 * 2**20, ge=1024, description="Size at which a new file is begun, in bytes.")
    _stream: Any = PrivateAttr(None)
    _waiting: list[tuple[bytes, asyncio.Future[None]]] = PrivateAttr(default_factory=list)
    _writing: asyncio.Lock = PrivateAttr(default_factory=asyncio.Lock)

    async def publish(self, event: Event) -> None:
        """Return when the line is on disk."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((event.structured() + b"\n", done))
        async with self._writing:
            batch, self._waiting = self._waiting, []
            if batch:
                await self._write(batch)
        await done

    async def _write(self, batch: list[tuple[bytes, asyncio.Future[None]]]) -> None:
        fault: ConnectionFailedError | None = None
        try:
            await asyncio.to_thread(self._append, b"".join(line for line, _ in batch))
        except OSError as error:
            fault = ConnectionFailedError(f"cannot write {self.path}: {error.strerror}")
        for _, done in batch:
            if done.cancelled():
                continue
            if fault is None:
                done.set_result(None)
            else:
                done.set_exception(fault)

    def _append(self, lines: bytes) -> None:
        if self._stream is None:
            self._stream = self._opened()
        self._stream.write(lines)
        self._stream.flush()
        os.fsync(self._stream.fileno())
        if self._stream.tell() >= self.rotate_bytes:
            self._stream.close()
            self._stream = None
            number = 1 + len(list(self.path.parent.glob(f"{self.path.name}.[0-9]*")))
            self.path.replace(self.path.with_name(f"{self.path.name}.{number}"))

    def _opened(self) -> Any:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        stream = self.path.open("a+b")
        end = stream.seek(0, os.SEEK_END)
        stream.truncate(_end_of_last_line(stream, end))
        stream.seek(0, os.SEEK_END)
        return stream

    async def close(self) -> None:
        """Close the file."""
        async with self._writing:
            if self._stream is not None:
                self._stream.close()
                self._stream = None


def _end_of_last_line(stream: Any, end: int) -> int:
    """Return the position after the last line feed before ``end``."""
    piece = 1 << 16
    while end > 0:
        begin = max(0, end - piece)
        stream.seek(begin)
        found = stream.read(end - begin).rfind(b"\n")
        if found >= 0:
            return int(begin + found + 1)
        end = begin
    return 0
