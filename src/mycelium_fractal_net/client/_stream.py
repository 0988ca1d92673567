"""Events of a run that is watched, and what can be done to it: one core for every transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Literal, Self

from mycelium_fractal_net.client._patience import Patience
from mycelium_fractal_net.client._problems import RemoteError, error_of
from mycelium_fractal_net.client._results import Completed, Framed, StreamEvent, event_of
from mycelium_fractal_net.errors import InvalidInputError, MFNError
from mycelium_fractal_net.fields import Change, SimulationConfig, Stimulus

__all__ = ["AsyncStream", "Link", "Shown"]

Shown = Literal["v", "activator", "inhibitor"]
"""Which field frames hold."""

_WINDOW = 2  # frames that the service computes beyond the last one that was taken


class Link:
    """What a connection can be told while it streams; ``say`` is None where the transport has no way to."""

    say: Callable[[Mapping[str, Any]], Awaitable[None]] | None = None


class AsyncStream:
    """Events of a run; after a lost connection it goes on where it was, with the same bits, steering included.

    An asynchronous iterator, made by :meth:`AsyncClient.stream`. Close it with ``aclose`` where it is left early. Over
    gRPC, which takes one request a call, ``pause``, ``set`` and ``steer`` end the call, and the run is computed again
    up to where it was.

    Attributes
    ----------
    config : SimulationConfig
        What is simulated, with everything that steering added.
    """

    def __init__(
        self, transport: Any, config: SimulationConfig, start: Mapping[str, Any], patience: Patience, known: int | None
    ) -> None:
        self.config = config
        self._transport, self._start, self._patience = transport, dict(start), patience
        self._known = known
        self._step: int = min((known or 0) * start["every"], config.steps)
        self._widest: int = start["every"]
        self._link = Link()
        self._again = self._paused = False
        self._resumed = asyncio.Event()
        self._events = self._generated()

    def __aiter__(self) -> Self:
        """Return the stream itself."""
        return self

    async def __anext__(self) -> StreamEvent:
        """Return the next event."""
        return await anext(self._events)

    async def aclose(self) -> None:
        """Leave; the service stops to compute."""
        await self._events.aclose()

    async def pause(self) -> None:
        """Let nothing be computed until :meth:`resume`; an event or two may still come."""
        self._paused = True
        self._resumed.clear()
        await self._say(type="pause")

    async def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._resumed.set()
        await self._say(type="resume")

    async def set(self, every: int | None = None, max_rate_hz: float | None = None, field: Shown | None = None) -> None:
        """Change stride, pace, and which field comes, from one of the next frames on.

        Raises
        ------
        InvalidInputError
            For another field of a stream without fields.
        """
        if field is not None and "field" not in self._start["include"]:
            raise InvalidInputError("field needs a stream with fields=True", field="field", value=field)
        given = {"every": every, "max_rate_hz": max_rate_hz, "field": field}
        changed = {name: value for name, value in given.items() if value is not None}
        self._start.update(changed)
        self._widest = max(self._widest, self._start["every"])
        await self._say(type="set", **changed)

    async def steer(self, changes: Sequence[Change] = (), stimuli: Sequence[Stimulus] = ()) -> None:
        """Change the run as it goes on.

        Parameters
        ----------
        changes : sequence of Change
            Parameters that take other values, at their ``step``.
        stimuli : sequence of Stimulus
            Discs that are set or raised, at their ``step``.

        Raises
        ------
        InvalidInputError
            For a step that the service may have computed already (see :meth:`next_step`) or beyond the last, and for a
            stream without fields: what is not acknowledged may be computed to its end before it is read.
        StabilityError
            When the run would become unstable.
        """
        if self._link.say is not None and "field" not in self._start["include"]:
            raise InvalidInputError("steering needs a stream with fields=True", field="fields", value=False)
        self.config = self.config.steered(self.next_step(), changes, stimuli)
        await self._say(
            type="steer",
            changes=[change.model_dump(mode="json") for change in changes],
            stimuli=[stimulus.model_dump(mode="json") for stimulus in stimuli],
        )

    def next_step(self) -> int:
        """Return the first step that can be steered: beyond what the service may have computed ahead."""
        return self._step + (0 if self._link.say is None else _WINDOW * self._widest)

    async def _say(self, **message: Any) -> None:
        """Tell the connection; where that is not possible, begin a new one in its place."""
        if self._link.say is None:
            self._again = True
        else:
            await self._link.say(message)

    async def _generated(self) -> AsyncGenerator[StreamEvent]:
        while True:
            self._again = False
            try:
                async with aclosing(self._connected()) as events:
                    async for event in events:
                        self._note(event)
                        yield event
                        if isinstance(event, Completed):
                            return
                if not (self._again or self._paused):
                    raise RemoteError("the service ended the stream early", unreachable=True)
            except MFNError as error:
                if error.code == "REQUEST_TIMEOUT" and self._known is not None:  # nobody has taken a frame for long
                    error.details["unreachable"] = True
                await self._patience.wait(error)
            if self._paused:
                await self._resumed.wait()

    async def _connected(self) -> AsyncGenerator[StreamEvent]:
        """Yield the events of one connection, until it ends or another one has to take its place."""
        self._link = link = Link()
        async with aclosing(self._transport.stream(self._told(), link)) as messages:
            while not self._is_left(link):
                found = await anext(messages, None)
                if found is None or self._is_left(link):
                    return
                message, field = found
                if message["type"] == "error":
                    raise error_of(message["problem"])
                if "sequence" in message:
                    yield event_of({**message, "sequence": message["sequence"] + self._ahead}, field)

    def _is_left(self, link: Link) -> bool:
        return self._again or (self._paused and link.say is None and self._known is not None)

    def _told(self) -> dict[str, Any]:
        """Return the start message: of a stream that is known in part, what follows that."""
        members = {**self._start, "config": self.config.model_dump(mode="json", exclude_none=True)}
        if self._known is None:
            self._ahead = 0
            return members
        every, is_last = members["every"], self._step >= self.config.steps
        known = -(-self._step // every) if is_last else self._step // every
        self._ahead = self._known - known
        return {**members, "resume_after": known}

    def _note(self, event: StreamEvent) -> None:
        self._known = event.sequence
        if isinstance(event, Framed):
            self._step = event.step
        self._patience.progressed()
