"""Secrets in files, as Kubernetes, the CSI driver and Vault's agent put them: a link is swapped, no file is written."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

from watchfiles import watch

from mycelium_fractal_net._inputs import read_bytes
from mycelium_fractal_net.integrations.protocols import Secret, SecretUnavailableError

__all__ = ["DirectorySecrets"]

_LONGEST = 1 << 16
_POLL_MS = 30_000


class DirectorySecrets:
    """Read ``secret:file:PATH``; a new value is noticed within a second.

    The directories are watched, never the files: a watch on a file follows the old one when the ``..data`` link is
    swapped. Every 30 s they are looked at besides, for file systems that tell of no changes. Files that are mounted
    with ``subPath`` never change: mount the directory.
    """

    def __init__(self) -> None:
        self._directories: set[Path] = set()
        self._more, self._closed = threading.Event(), threading.Event()

    def get(self, name: str) -> Secret:
        """Return the file's text, without the line feed at its end."""
        path = Path(name)
        content = read_bytes(path, _LONGEST, SecretUnavailableError)
        try:
            text = content.decode().removesuffix("\n")
        except UnicodeDecodeError:
            raise SecretUnavailableError(f"the secret file {path} is not UTF-8") from None
        if not text:
            raise SecretUnavailableError(f"the secret file {path} is empty")
        if path.parent not in self._directories:
            self._directories.add(path.parent)
            self._more.set()
        return Secret(text, hashlib.sha256(content).hexdigest()[:12])

    def watch(self) -> Iterator[None]:
        """Yield after something changed in one of the directories that were read."""
        while not self._closed.is_set():
            self._more.clear()
            directories = [path for path in self._directories if path.is_dir()]
            if not directories:
                self._more.wait(1)
                continue
            stop = _Either(self._closed, self._more)
            changes = watch(
                *directories,
                stop_event=stop,
                rust_timeout=_POLL_MS,
                yield_on_timeout=True,
                debounce=200,
                raise_interrupt=False,
            )
            for _ in changes:
                yield
                if self._more.is_set():
                    break

    def close(self) -> None:
        """End ``watch``."""
        self._closed.set()
        self._more.set()


class _Either:
    """An event that is set when one of several is."""

    def __init__(self, *events: threading.Event) -> None:
        self._events = events

    def is_set(self) -> bool:
        return any(event.is_set() for event in self._events)
