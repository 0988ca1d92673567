"""The rows done so far, one line each, so that a run killed at any moment can go on."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from mycelium_fractal_net.errors import ConfigurationError

__all__ = ["Journal"]


class Journal:
    """Append-only file beside the dataset: a header, then a line with a checksum for every row.

    A line that was cut short by a crash fails its checksum; it and what follows are dropped when the journal is
    opened again.

    Parameters
    ----------
    path : Path
        Of the journal.
    header : dict
        What the rows belong to; a journal with another header is refused.

    Raises
    ------
    ConfigurationError
        When the file belongs to another dataset.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        self.rows: dict[int, dict[str, Any]] = {}
        self._file: BinaryIO = path.open("r+b" if path.exists() else "x+b")
        try:
            self._read(header)
        except BaseException:
            self._file.close()
            raise

    def _read(self, header: dict[str, Any]) -> None:
        end = 0
        for number, line in enumerate(self._file):
            record = _decode(line)
            if record is None:
                break
            if number == 0 and record != header:
                raise ConfigurationError(
                    f"{self.path} holds rows of another scenario, seed or version; finish that run, or delete the file"
                )
            if number > 0:
                self.rows[record["sim_id"]] = record["numbers"]
            end += len(line)
        self._file.seek(end)
        self._file.truncate()
        if end == 0:
            self._write(header)

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(_encode(record))
        self._file.flush()

    def add(self, sim_id: int, numbers: dict[str, Any]) -> None:
        """Keep a row."""
        self._write({"sim_id": sim_id, "numbers": numbers})
        self.rows[sim_id] = numbers

    def close(self) -> None:
        """Bring the rows to the disk and close the file."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()


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
        record: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return record
