"""``stream``: a simulation as messages, pulled by whoever reads them; every door that streams hands these on."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from time import perf_counter
from typing import Any

from mycelium_fractal_net.events import PIECE_S, Completed, Event, Framed, Run, Started
from mycelium_fractal_net.fields import Change, Stimulus
from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.errors import ServiceError, problem_of, too_costly
from mycelium_fractal_net.service.operations.receipt import receipt_of
from mycelium_fractal_net.service.operations.simulate import Show, response_of, simulation_cost
from mycelium_fractal_net.service.operations.stream_messages import (
    Message,
    Render,
    StreamStart,
    as_json,
    field_of,
    statistics_of,
)
from mycelium_fractal_net.service.services import Services

__all__ = ["Stream"]

_WINDOW = 2
_AT_ONCE = 16  # messages without a field that one piece may bring
_LOOK_EVERY_S = 0.25
_DOORS = {"WEBSOCKET": "websocket", "GRPC": "grpc"}
_MOST_STEERING = 64
_ARRAYS_OF_A_RUN = 10


class Stream:
    """One run and its reader.

    Parameters
    ----------
    start : StreamStart
        What was asked for.
    call : Call
        Whose it is.
    services : Services
        Of this application.
    render : callable
        Writes messages down.
    acked : bool
        Whether its reader can acknowledge frames.
    """

    def __init__(
        self, start: StreamStart, call: Call, services: Services, render: Render = as_json, *, acked: bool = False
    ) -> None:
        self.name = start.stream
        self.last = start.resume_after
        self.frames = 0
        self._start, self._call, self._services, self._render = start, call, services, render
        self._windowed = acked and start.flow == "ack" and "field" in start.include
        self._config = start.config.config()
        self._acked = start.resume_after or 0
        self._every: int | None = None
        self._rate, self._variable = start.max_rate_hz, start.field
        self._steering: list[tuple[Sequence[Any], Sequence[Any]]] = []
        self._paused = self._over = False
        self._wake = asyncio.Event()
        self._tell: set[Callable[[], object]] = set()
        self._next_at, self._ends_at = 0.0, math.inf
        self._owed = self._paid = self._outstanding = 0
        self._failure: Exception | None = None

    async def check(self) -> None:
        """Refuse what costs too much, or would never be an event of this run, before anything is answered."""
        cost, most = simulation_cost(self._start.config), self._services.settings.max_cell_steps
        if cost.cell_steps > most:
            text = f"{cost.text} are more than the {most:,} that one request may take (MFN_MAX_CELL_STEPS)"
            raise too_costly(text, "config.steps", self._config.steps)
        last = -(-self._config.steps // self._start.every) + 1
        if self.last is not None and self.last >= last:
            message = f"resume_after must be below {last}, the sequence of the last message; got {self.last}"
            detail = {"field": "resume_after", "message": message, "value": self.last}
            raise ServiceError("VALIDATION_ERROR", message, details=[detail])
        self._owed = cost.cell_steps
        await self._charge()

    async def _charge(self) -> None:
        """Charge the caller what is owed: for the run, and for what steering adds to it."""
        owed, self._owed = self._owed, 0
        self._paid += owed
        await self._services.charge(self._call, owed)

    def is_known(self) -> bool:
        """Tell whether the reader knows all messages already."""
        return self.last is not None and self.last > -(-self._config.steps // self._start.every)

    async def batches(self) -> AsyncGenerator[list[Message]]:
        """Yield messages that are ready together, counted; one log line tells how they ended.

        See :meth:`_computed` for what is raised.
        """
        metrics, door = self._services.metrics, _DOORS.get(self._call.method, "sse")
        begin, sent, ended = perf_counter(), 0, "CANCELLED"
        try:
            async with aclosing(self._computed()) as batches:
                async for batch in batches:
                    frames = self._take_note(batch)
                    size = sum(len(message.text) + len(message.binary or b"") for message in batch)
                    sent += size
                    metrics.streamed(door, frames, size)
                    yield batch
            ended = "COMPLETED"
        except Exception as error:
            ended = problem_of(error).code
            raise
        finally:
            metrics.stream_ended(door, ended)
            facts = {"stream": self.name, "frames": self.frames, "bytes": sent, "ended": ended}
            duration_ms = round((perf_counter() - begin) * 1e3, 3)
            self._services.logger.info("stream", door=door, **self._facts(), **facts, duration_ms=duration_ms)

    def _facts(self) -> dict[str, Any]:
        call = self._call
        key_id = None if call.key is None else call.key.id
        return {
            "request_id": call.request_id,
            "route": call.route,
            "client_ip": call.client_ip,
            "key_id": key_id,
        }

    async def _computed(self) -> AsyncGenerator[list[Message]]:
        """Yield messages; the next ones are computed when those before have been handed over.

        A piece of 20 ms brings as many as there is room for: what the window leaves of frames with a field.

        Raises
        ------
        ServiceError
            SERVICE_UNAVAILABLE while draining, REQUEST_TIMEOUT when nobody acknowledges, CANCELLED, and what a run
            raises; :meth:`error` makes the last message of it.
        """
        services, who, size = self._services, self._call.who, math.prod(self._config.shape) * 8 * _ARRAYS_OF_A_RUN
        services.streams.enter(who)
        try:
            with services.memory.hold(size):
                await services.compiled_for(self._call, self._config, self._on_leaving)
                lane = services.compute.lane(who, f"stream:{self._config.kinetics}", self._on_leaving)
                run: list[Run] = []
                loop = asyncio.get_running_loop()
                self._ends_at = loop.time() + services.settings.stream_seconds
                spoken = loop.time()
                while not (run and run[0].is_over):
                    async for _ in self._until_wanted(spoken):
                        yield [self._said("heartbeat")]
                        spoken = loop.time()
                    batch = await lane.run(partial(self._piece, run, self._room()))
                    if self._owed:
                        await self._charge()
                    if batch:
                        yield batch
                        spoken = loop.time()
                    elif loop.time() - spoken > services.settings.stream_heartbeat_seconds:
                        yield [self._said("heartbeat")]
                        spoken = loop.time()
        finally:
            services.streams.leave(who)
            services.streams.outstanding -= self._outstanding

    def acknowledge(self, sequence: int) -> None:
        """Note what the reader has drawn."""
        if sequence > (self.last or 0):
            raise ServiceError("VALIDATION_ERROR", f"sequence {sequence} has not been sent yet")
        if sequence > self._acked:
            drawn = min(sequence - self._acked, self._outstanding)
            self._outstanding -= drawn
            self._services.streams.outstanding -= drawn
            self._acked = sequence
        self._wake.set()

    def pause(self) -> None:
        """Compute nothing until :meth:`resume`."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._wake.set()

    def set(self, every: int | None, max_rate_hz: float | None, field: Show | None = None) -> None:
        """Change stride, pace and the field that is shown from the next frame on."""
        self._variable = field if field is not None else self._variable
        self._every = every if every is not None else self._every
        self._rate = max_rate_hz if max_rate_hz is not None else self._rate
        self._wake.set()

    def steer(self, changes: Sequence[Any], stimuli: Sequence[Any]) -> None:
        """Change the run from its present step on; what is wrong with it is said in a message."""
        if len(self._steering) >= _MOST_STEERING:
            raise ServiceError(
                "RATE_LIMIT_EXCEEDED", "too many changes are pending; wait until the stream has applied them"
            )
        self._steering.append((changes, stimuli))

    def cancel(self) -> None:
        """Stop at once, also in the middle of a piece."""
        self._over = True
        self._wake.set()
        for tell in list(self._tell):
            tell()

    def error(self, error: BaseException) -> Message:
        """Return the message that ends the stream."""
        return self._problem(error, self.last)

    def _problem(self, error: BaseException, resume_after: int | None) -> Message:
        problem = problem_of(error).body(self._call.request_id)
        return self._said("error", problem=problem, resume_after=resume_after)

    def _said(self, kind: str, sequence: int | None = None, binary: bytes | None = None, **members: Any) -> Message:
        return self._render(kind, self.name, sequence, members, binary)

    def _on_leaving(self, tell: Callable[[], object]) -> Callable[[], object]:
        """Tell a piece that is computed when the stream is cancelled."""
        self._tell.add(tell)
        if self._over:
            tell()
        return partial(self._tell.discard, tell)

    async def _until_wanted(self, spoken: float) -> AsyncIterator[None]:
        """Wait until the next frame is wanted; yield whenever a heartbeat is due."""
        loop, since = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        settings = self._services.settings
        idle_s, heartbeat_s = settings.stream_idle_seconds, settings.stream_heartbeat_seconds
        while True:
            if self._over:
                raise ServiceError("CANCELLED")
            if self._services.compute.draining:
                raise ServiceError("SERVICE_UNAVAILABLE")
            now = loop.time()
            if now > self._ends_at:
                raise ServiceError(
                    "REQUEST_TIMEOUT", "the stream reached its time limit (MFN_STREAM_SECONDS); resume it to go on"
                )
            waits = self._paused or self._window_is_full()
            if not waits and now >= self._next_at:
                if self._rate is not None:
                    self._next_at = max(now, self._next_at + 1 / self._rate) if self._next_at else now + 1 / self._rate
                return
            if waits and now - since > idle_s:
                raise ServiceError(
                    "REQUEST_TIMEOUT", f"no acknowledgement for {idle_s:g} s; resume the stream when ready"
                )
            if now - spoken > heartbeat_s:
                yield None
                spoken = now
            self._wake.clear()
            timeout = _LOOK_EVERY_S if waits else min(_LOOK_EVERY_S, self._next_at - now)
            try:
                await asyncio.wait_for(self._wake.wait(), timeout)
            except TimeoutError:
                continue

    def _window_is_full(self) -> bool:
        return self._windowed and (self.last or 0) - self._acked >= _WINDOW

    def _room(self) -> int:
        """Return how many messages may be computed before one of them is handed over."""
        if self._rate is not None:
            return 1
        if self._windowed:
            return _WINDOW - (self.last or 0) + self._acked
        return _WINDOW if "field" in self._start.include else _AT_ONCE

    def _take_note(self, batch: list[Message]) -> int:
        """Take note of messages that are handed over; return how many frames are among them."""
        for message in batch:
            self.last = self.last if message.sequence is None else message.sequence
        frames = sum(message.kind == "frame" for message in batch)
        self.frames += frames
        if self._windowed:
            self._outstanding += frames
            self._services.streams.outstanding += frames
        return frames

    def _piece(self, kept: list[Run], room: int, cancel: threading.Event) -> list[Message]:
        """Compute for some milliseconds, in a compute thread; return the messages that came of it."""
        if self._failure is not None:
            raise self._failure
        if not kept:
            start = self._start
            run = Run(
                self._config, start.every, start.resume_after, sets=start.sets, feature_config=start.feature_config
            )
            kept.append(run)
        run = kept[0]
        if self._every is not None:
            run.every, self._every = self._every, None
        while self._steering:
            try:
                self._follow(run, *self._steering.pop(0))
            except Exception as error:  # noqa: BLE001 # the run goes on as it was, and its reader is told
                return [self._problem(error, None)]
        made: list[Message] = []
        end = perf_counter() + PIECE_S
        while len(made) < room and not run.is_over and (left_s := end - perf_counter()) > 0:
            try:
                event = run.next_piece(cancel, left_s)
            except Exception as error:
                if not made:
                    raise
                self._failure = error  # after what came before it
                break
            if event is not None:
                made.append(self._rendered(event))
        return made

    def _follow(self, run: Run, changes: Sequence[Any], stimuli: Sequence[Any]) -> None:
        """Steer the run; what that makes it cost more is owed."""
        now = {"step": run.simulation.step}
        changed = [Change.model_validate({**now, **change}) for change in changes]
        stimulated = [Stimulus.model_validate({**now, **stimulus}) for stimulus in stimuli]
        steered = run.simulation.config.steered(run.simulation.step, changed, stimulated)
        update = {"schedule": steered.schedule, "stimuli": steered.stimuli}
        cost = simulation_cost(self._start.config.model_copy(update=update))
        most = self._services.settings.max_cell_steps
        if cost.cell_steps > most:
            message = f"with this change the run takes {cost.text}, more than {most:,} (MFN_MAX_CELL_STEPS)"
            raise too_costly(message, "changes", None)
        run.steer(changed, stimulated)
        self._owed += max(0, cost.cell_steps - self._paid - self._owed)

    def _rendered(self, event: Event) -> Message:
        if isinstance(event, Started):
            config = event.config.model_dump(mode="json")
            return self._said("started", 0, total_steps=event.total_steps, config=config)
        if isinstance(event, Framed):
            return self._framed(event)
        return self._completed(event)

    def _framed(self, event: Framed) -> Message:
        frame, wanted = event.frame, self._start.include
        members: dict[str, Any] = {"step": frame.step, "statistics": statistics_of(frame)}
        if "features" in wanted:
            members["features"] = frame.features.to_dict()
        members["growth_events"] = [list(one) for one in event.growth_events]
        binary = None
        if "field" in wanted:
            members["field"], binary = field_of(frame, self._variable, self._start.encoding)
        return self._said("frame", event.sequence, binary, **members)

    def _completed(self, event: Completed) -> Message:
        result = event.result
        receipt = receipt_of(result, None)
        told = response_of(result, None, receipt, frozenset({"features"} & set(self._start.include)))
        return self._said(
            "completed",
            event.sequence,
            result=told.model_dump(mode="json", exclude_unset=True),
            receipt=receipt.model_dump(mode="json"),
            config=result.config.model_dump(mode="json"),
        )
