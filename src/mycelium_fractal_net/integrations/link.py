"""A publisher that is opened again after a fault, and the waits between attempts."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

from mycelium_fractal_net.integrations.messages import Delivery, Event
from mycelium_fractal_net.integrations.protocols import ConnectionFailedError, Publisher, PublishRefusedError, Source

__all__ = ["Link", "Waits", "closed", "generator_of"]

_LONGEST_WAIT_S = 15.0


class Waits:
    """Seconds to wait before the next attempt: they double, with jitter, up to 15.

    Examples
    --------
    >>> waits = Waits(1.0)
    >>> 0.5 <= waits.next() <= 1.0 <= waits.next() <= 2.0
    True
    """

    def __init__(self, first_s: float) -> None:
        self._first_s = self._next_s = first_s

    def next(self) -> float:
        """Return the next wait in seconds."""
        wait_s, self._next_s = self._next_s, min(2 * self._next_s, _LONGEST_WAIT_S)
        return wait_s * random.uniform(0.5, 1.0)  # noqa: S311 # no secret

    def reset(self) -> None:
        """Begin with the first wait again."""
        self._next_s = self._first_s


class Link:
    """A publisher that is made when it is needed, and made again after a fault.

    Parameters
    ----------
    open_publisher : callable
        Makes one.

    Attributes
    ----------
    stale : bool
        Whether the next event goes through a new connection.
    """

    def __init__(self, open_publisher: Callable[[], Publisher]) -> None:
        self._open = open_publisher
        self._publisher: Publisher | None = None
        self.stale = False

    async def publish(self, event: Event) -> None:
        """Publish through what is open, or through a new connection; see :meth:`Publisher.publish`."""
        if self.stale:
            self.stale = False
            await self.close()
        publisher = self._publisher = self._publisher or self._open()
        try:
            await publisher.publish(event)
        except PublishRefusedError:
            raise
        except BaseException as error:
            if self._publisher is publisher:  # others that are publishing meanwhile see the same fault
                await self.close()
            if isinstance(error, ConnectionFailedError) or not isinstance(error, Exception):
                raise
            raise ConnectionFailedError(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Let go of the connection; the next event opens one."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await closed(publisher)


async def closed(connection: Source | Publisher) -> None:
    """Close a connection, however broken it is."""
    with suppress(Exception):
        await connection.close()


async def generator_of(source: Source) -> AsyncGenerator[Delivery, None]:
    """Yield what a source delivers; every fault of its client is a connection that failed."""
    stream: Any = source.deliveries()
    try:
        async for delivery in stream:
            yield delivery
    except ConnectionFailedError:
        raise
    except Exception as error:
        raise ConnectionFailedError(f"{type(error).__name__}: {error}") from error
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            with suppress(Exception):
                await close()
