"""A publisher for ``mfn worker``: ``publisher: {kind: print, prefix: "event "}``."""

from __future__ import annotations

import sys

from mycelium_fractal_net.integrations import Connector, Event

__all__ = ["PrintPublisher"]


class PrintPublisher(Connector):
    """Write each event as a line; durable as far as whoever reads the lines is."""

    prefix: str = ""

    async def publish(self, event: Event) -> None:
        """Return when the line has been handed to the system."""
        sys.stdout.write(f"{self.prefix}{event.structured().decode()}\n")
        sys.stdout.flush()

    async def close(self) -> None:
        """Nothing is held."""
