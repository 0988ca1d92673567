"""Secrets in variables of the environment, which never change while a process runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from mycelium_fractal_net.integrations.protocols import Secret, SecretUnavailableError

__all__ = ["EnvironmentSecrets"]


class EnvironmentSecrets:
    """Read ``secret:env:NAME``."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def get(self, name: str) -> Secret:
        """Return the variable's value."""
        value = os.environ.get(name)
        if not value:
            raise SecretUnavailableError(f"the variable {name} is not set, or empty")
        return Secret(value, "")

    def watch(self) -> Iterator[None]:
        """Yield nothing: an environment does not change."""
        self._closed.wait()
        yield from ()

    def close(self) -> None:
        """End ``watch``."""
        self._closed.set()
