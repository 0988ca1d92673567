"""Files that are written: whole or not at all, by one process at a time, and nothing left of a run that was killed.

The order is that of a write-ahead log. What a file says is on the disk (``fsync``) before the file has its name; its
name is on the disk (``fsync`` of the directory) before anything that it replaces is taken away.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mycelium_fractal_net.errors import ConfigurationError

__all__ = ["locked", "remove", "sync", "whole_file"]


@contextmanager
def whole_file(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Yield a file to write to; it takes the place of ``path`` when the block ends without an error.

    It keeps the ending of ``path``'s name, by which libraries choose a format, and is locked while it is written:
    what an earlier process left there is locked by nobody, and removed.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"no directory to write {path.name} to; make it first", str(path.parent))
    _clear(path)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}-", suffix=f".tmp{path.suffix}", delete=False
    ) as file:
        scratch = Path(file.name)
        try:
            _lock(file.fileno())
            yield file  # type: ignore[misc] # a wrapper around a BinaryIO
            file.flush()
            os.fchmod(file.fileno(), mode)
            sync(file.fileno())
            rename(scratch, path)
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
    _sync_directory(path.parent)


def remove(path: Path) -> None:
    """Remove a file, and wait until the disk has forgotten it."""
    path.unlink(missing_ok=True)
    _sync_directory(path.parent)


def sync(descriptor: int) -> None:
    """Wait until a file is on the disk."""
    os.fsync(descriptor)


def rename(source: Path, target: Path) -> None:
    """Put a file in the place of another, in one step."""
    source.replace(target)


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold an existing file or directory for this process alone.

    Raises
    ------
    ConfigurationError
        At once, if another process holds it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not _lock(descriptor):
            raise ConfigurationError(f"another process is writing {what}; wait for it, or choose another name")
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock until the file is closed, or the process dies; a file system without locks has none to respect."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _clear(path: Path) -> None:
    """Remove what killed processes left beside ``path``."""
    for scratch in path.parent.glob(f".{_escaped(path.name)}-*.tmp{_escaped(path.suffix)}"):
        with suppress(OSError), scratch.open("rb") as file:
            if _lock(file.fileno()):
                scratch.unlink(missing_ok=True)


def _escaped(text: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in text)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some file systems cannot
            sync(descriptor)
    finally:
        os.close(descriptor)
