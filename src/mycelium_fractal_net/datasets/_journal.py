"""What is done so far, one line each, so that a run killed at any moment can go on."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from mycelium_fractal_net._outputs import remove, sync
from mycelium_fractal_net.errors import ConfigurationError

__all__ = ["Journal"]

_LONGEST_LINE = 1 << 22


class Journal:
    """Append-only file beside the dataset: a header, then a line with a checksum for every row.

    A line that was cut short by a crash fails its checksum; it and what follows are dropped when the journal is
    opened again. The file is locked while it is open.

    Parameters
    ----------
    path : Path
        Of the journal.
    header : dict
        What the rows belong to.
    differs : callable
        ``differs(header found)`` returns why a journal that is there cannot be gone on with, or nothing.
    resume : bool
        Whether a journal that is there is wanted.

    Raises
    ------
    ConfigurationError
        When another process writes the dataset, or the file belongs to another one.
    """

    def __init__(
        self, path: Path, header: dict[str, Any], differs: Callable[[dict[str, Any]], str], *, resume: bool
    ) -> None:
        self.path = path
        self.rows: dict[int, dict[str, Any]] = {}
        self._count = int(header["rows"])
        self._file = _open_locked(path)
        try:
            self._read(header, differs, resume)
        except BaseException:
            self._file.close()
            raise

    def _read(self, header: dict[str, Any], differs: Callable[[dict[str, Any]], str], resume: bool) -> None:
        end = 0
        found = _decode(self._file.readline(_LONGEST_LINE))
        if found is not None:
            if not resume:
                raise ConfigurationError(
                    f"{self.path} holds rows of an interrupted run; continue it with resume (--resume), or delete it"
                )
            if found != header:
                raise ConfigurationError(
                    f"{self.path} {differs(found)}; finish that run with its own settings, or delete it"
                )
            end = self._file.tell()
            while (record := _decode(self._file.readline(_LONGEST_LINE))) is not None and self._keep(record):
                end = self._file.tell()
        elif os.fstat(self._file.fileno()).st_size > 0 and not resume:
            raise ConfigurationError(f"{self.path} already exists; continue it with resume (--resume), or delete it")
        self._file.seek(end)
        self._file.truncate()
        if end == 0:
            self._write(header)

    def _keep(self, record: dict[str, Any]) -> bool:
        sim_id, numbers = record.get("sim_id"), record.get("numbers")
        if not (isinstance(sim_id, int) and 0 <= sim_id < self._count):
            return False
        if not (isinstance(numbers, dict) and "error" in numbers):
            return False
        self.rows[sim_id] = numbers
        return True

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(_encode(record))
        self._file.flush()

    def add(self, sim_id: int, numbers: dict[str, Any]) -> None:
        """Keep a row."""
        self._write({"sim_id": sim_id, "numbers": numbers})
        self.rows[sim_id] = numbers

    def close(self) -> None:
        """Bring the rows to the disk, close the file, and let others have it."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            sync(self._file.fileno())
        finally:
            self._file.close()

    def remove(self) -> None:
        """Take the file away, when all that it holds stands elsewhere."""
        remove(self.path)


def _open_locked(path: Path) -> BinaryIO:
    """Open the journal, or make it, and lock it; one that its owner takes away meanwhile is not meant."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
        file = os.fdopen(descriptor, "r+b")
        state = os.fstat(descriptor)
        try:
            _require_regular(path, state)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == state.st_ino:
                return file
        except BlockingIOError:
            file.close()
            name = path.name.removesuffix(".journal")
            raise ConfigurationError(
                f"another process is writing {name}; wait for it, or choose another name"
            ) from None
        except BaseException:
            file.close()
            raise
        file.close()


def _require_regular(path: Path, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise ConfigurationError(f"{path} is not a regular file; delete it, or choose another name")


def _encode(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _decode(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    text = line[9:-1]
    try:
        if int(line[:8], 16) != zlib.crc32(text):
            return None
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
