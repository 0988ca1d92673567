"""A directory as a source: a file is a job, or with ``.jsonl`` a job a line; writers rename into place."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr
from watchfiles import awatch

from mycelium_fractal_net._inputs import read_bytes
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.integrations.messages import LONGEST_MESSAGE, Delivery
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Connector

__all__ = ["FileSource"]

_SUFFIXES = frozenset({".json", ".jsonl"})
_LOOK_EVERY_MS = 5_000  # where the system tells of no changes, as on network file systems


class FileSource(Connector):
    """Take jobs from the files of a directory, in the order of their names.

    A writer makes ``NAME.json`` (one job) or ``NAME.jsonl`` (a job a line) under another suffix and renames it, so that
    no half file is read. A file all of whose jobs are acknowledged moves to ``done/``. How far a ``.jsonl`` file is
    done stands beside it in ``NAME.jsonl.acked``: after a crash only lines that were in flight come again. One worker
    a directory.
    """

    directory: Path = Field(description="Directory of the jobs.")
    follow: bool = Field(True, description="Whether to wait for more files; otherwise the worker ends with the last.")
    _started: set[str] = PrivateAttr(default_factory=set)
    _stop: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages; see :class:`Source`."""
        if not self.directory.is_dir():
            raise ConnectionFailedError(f"there is no directory {self.directory}")
        changes: Any = awatch(
            self.directory, stop_event=self._stop, rust_timeout=_LOOK_EVERY_MS, yield_on_timeout=True, recursive=False
        )
        while True:
            for path in self._waiting():
                self._started.add(path.name)
                for delivery in self._of(path):
                    yield delivery
            if not self.follow or self._stop.is_set():
                return
            if not self._waiting():
                await anext(changes, None)

    def _waiting(self) -> list[Path]:
        found = (path for path in self.directory.iterdir() if path.suffix in _SUFFIXES and path.is_file())
        return sorted(path for path in found if path.name not in self._started)

    def _of(self, path: Path) -> Iterator[Delivery]:
        try:
            content = read_bytes(path, 64 * LONGEST_MESSAGE, InvalidInputError)
        except InvalidInputError as error:
            raise ConnectionFailedError(error.message) from None
        lines = content.splitlines() if path.suffix == ".jsonl" else [content]
        done = _Done(path, [number for number, line in enumerate(lines) if line.strip()])
        for number in list(done.left):
            yield Delivery(lines[number], {"file": path.name}, ack=partial(self._acknowledge, path, done, number))

    async def _acknowledge(self, path: Path, done: _Done, number: int) -> None:
        await asyncio.to_thread(done.acknowledge, number)
        if not done.left:
            self._started.discard(path.name)

    async def close(self) -> None:
        """Watch no longer."""
        self._stop.set()


class _Done:
    """Which lines of a file are done, kept on disk."""

    def __init__(self, path: Path, numbers: list[int]) -> None:
        self._path, self._beside = path, path.with_name(f"{path.name}.acked")
        text = read_bytes(self._beside, 64 * LONGEST_MESSAGE, InvalidInputError) if self._beside.exists() else b""
        acknowledged = set(text.decode("ascii", "replace").split())
        self.left = [number for number in numbers if f"{number};" not in acknowledged]
        if not self.left:
            self._finish()

    def acknowledge(self, number: int) -> None:
        self.left.remove(number)
        if self.left:
            with self._beside.open("a") as stream:
                stream.write(f"\n{number};")  # a crash may cut it anywhere
                stream.flush()
                os.fsync(stream.fileno())
        else:
            self._finish()

    def _finish(self) -> None:
        target = self._path.parent / "done"
        target.mkdir(exist_ok=True)
        self._path.replace(target / self._path.name)
        self._beside.unlink(missing_ok=True)
