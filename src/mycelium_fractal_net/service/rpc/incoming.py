"""Messages of callers: asked for in turn, for so long, and on the account of the one budget of memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.memory import MemoryBudget
from mycelium_fractal_net.service.core.turns import Turns
from mycelium_fractal_net.service.services import Services

__all__ = ["Incoming", "Receiving"]

_SHARE = 4  # of the budget, so many parts of it for what is on its way
_LEAST = 4
_STRANGER_S = 1.0
_LOOK_EVERY_S = 0.25


class Receiving:
    """How many messages may be on their way at a time.

    gRPC takes a message in as a whole before anybody sees it, and nobody says before how long it is: each that is
    asked for may become the longest there is. So only so many are asked for at a time as a quarter of the budget
    holds, half of them by one caller; what is not asked for stops in the window of its stream.

    Parameters
    ----------
    services : Services
        Of this application.
    """

    def __init__(self, services: Services) -> None:
        settings = services.settings
        places = max(_LEAST, settings.max_memory_bytes // _SHARE // settings.grpc_max_message_bytes)
        self.longest = settings.grpc_max_message_bytes
        self.memory: MemoryBudget = services.memory
        self.compute = services.compute
        self._turns = {False: Turns(places), True: Turns(max(_LEAST, places // _SHARE))}
        self._patience_s = {False: settings.stream_idle_seconds, True: _STRANGER_S}

    def of(self, requests: AsyncIterator[bytes], who: str, *, public: bool) -> Incoming:
        """Return the messages of a call; a stranger's wait for their turn beside, and not for long."""
        return Incoming(requests, who, self, self._turns[public], self._patience_s[public])


class Incoming:
    """The messages of a call, as bytes.

    Raises
    ------
    ServiceError
        REQUEST_TIMEOUT where none comes for long, SERVICE_UNAVAILABLE while draining.
    """

    def __init__(
        self, requests: AsyncIterator[bytes], who: str, receiving: Receiving, turns: Turns, patience_s: float
    ) -> None:
        self._requests, self._who, self._receiving = requests, who, receiving
        self._turns, self._patience_s = turns, patience_s

    def __aiter__(self) -> Incoming:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next message."""
        try:
            async with (
                asyncio.timeout(self._patience_s),
                self._turns.taken(self._who),
            ):
                content = await self._received()
        except TimeoutError:
            raise ServiceError("REQUEST_TIMEOUT", f"no message came for {self._patience_s:g} s") from None
        if content is None:
            raise StopAsyncIteration
        return content

    async def _received(self) -> bytes | None:
        """Return a message, None after the last; until it is there it counts as the longest that may come."""
        following = asyncio.ensure_future(anext(self._requests, None))
        with self._receiving.memory.hold() as held:
            held.settle(self._receiving.longest)
            try:
                while not (await asyncio.wait({following}, timeout=_LOOK_EVERY_S))[0]:
                    if self._receiving.compute.draining:
                        raise ServiceError("SERVICE_UNAVAILABLE", retry_after_s=1)
            finally:
                following.cancel()
        return following.result()
