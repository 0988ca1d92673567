"""``Aggregate``: updates of many clients in chunks, each acknowledged, then the aggregate in chunks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.memory import Held
from mycelium_fractal_net.service.operations import OPERATIONS, Answer, perform
from mycelium_fractal_net.service.rpc.door import current_record
from mycelium_fractal_net.service.rpc.messages import members_of, told, values_of
from mycelium_fractal_net.service.rpc.unary import decoded, first
from mycelium_fractal_net.service.services import Services

__all__ = ["Aggregations", "Updates"]

_OPERATION = OPERATIONS["aggregate"]
_LONGEST = 1_000_000
_MOST_CLIENTS = 100_000
_CHUNK = 32 * 2**10
_COPIES = 3  # of each value: as it came, in the matrix, in the rule


class _Update(NamedTuple):
    number: int
    values: NDArray[np.float64]
    filled: int = 0
    fault: str = ""
    complete: bool = False


class Updates:
    """The updates that have come; one that cannot be used is a row of NaN, which rules reject by name and count.

    Parameters
    ----------
    length : int
        Values of each.
    held : Held
        Memory that they take.
    most : int
        Values of all together.

    Examples
    --------
    >>> from mycelium_fractal_net.service.core.memory import MemoryBudget
    >>> updates = Updates(2, MemoryBudget(10**6).hold(), 10**6)
    >>> done = updates.add(mfn_pb2.UpdateChunk(client="a", values=np.ones(2).tobytes(), last=True))
    >>> done.accepted, updates.matrix().tolist()
    (True, [[1.0, 1.0]])
    """

    def __init__(self, length: int, held: Held, most: int) -> None:
        self._length, self._held, self._most = length, held, most
        self._updates: dict[str, _Update] = {}

    def add(self, chunk: mfn_pb2.UpdateChunk) -> mfn_pb2.Acknowledgement | None:
        """Take a chunk; acknowledge an update that is complete."""
        update = self._updates.get(chunk.client) or self._begin()
        if update.complete:
            return self._acknowledged(chunk.client, update, "this client has already sent an update")
        values = values_of(chunk.values, chunk.dtype or "float64")
        end = update.filled + values.size
        if end > self._length:
            update = update._replace(fault=f"more than {self._length} values")
        elif not update.fault:
            update.values[update.filled : end] = values
        update = update._replace(filled=end, complete=chunk.last)
        self._updates[chunk.client] = update
        return self._finish(chunk.client, update) if chunk.last else None

    def unfinished(self) -> Iterator[mfn_pb2.Acknowledgement]:
        """Give up on what is not complete."""
        for client, update in list(self._updates.items()):
            if not update.complete:
                yield self._finish(client, update)

    def matrix(self) -> NDArray[np.float64]:
        """Return the updates as rows."""
        if not self._updates:
            message = "no update was received; send an UpdateChunk for each client"
            detail = {"field": "gradients", "message": message, "value": 0}
            raise ServiceError("INVALID_INPUT", message, details=[detail])
        return np.stack([update.values for update in self._updates.values()])

    def _begin(self) -> _Update:
        count = len(self._updates)
        if count >= _MOST_CLIENTS or (count + 1) * self._length > self._most:
            raise ServiceError("COST_LIMIT_EXCEEDED", f"{count + 1} updates of {self._length} values are too many")
        self._held.grow(_COPIES * 8 * self._length)
        return _Update(count, np.full(self._length, np.nan))

    def _finish(self, client: str, update: _Update) -> mfn_pb2.Acknowledgement:
        fault = update.fault
        if not fault and update.filled < self._length:
            fault = f"{update.filled} values of {self._length} came"
        if fault:
            update.values.fill(np.nan)
        elif not np.isfinite(update.values).all():
            fault = "a value is not finite"
        self._updates[client] = update._replace(fault=fault, complete=True)
        return self._acknowledged(client, update, fault)

    @staticmethod
    def _acknowledged(client: str, update: _Update, fault: str) -> mfn_pb2.Acknowledgement:
        return mfn_pb2.Acknowledgement(client=client, index=update.number, accepted=not fault, reason=fault)


class Aggregations:
    """Serve one coordinator after another.

    Parameters
    ----------
    services : Services
        Of this application.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, requests: AsyncIterator[bytes], context: Any) -> None:
        """Take updates, acknowledge them, aggregate."""
        services, record = self._services, current_record()
        begin = decoded(mfn_pb2.AggregateRequest, await first(requests))
        if begin.WhichOneof("part") != "start":
            raise ServiceError("BAD_REQUEST", "the first message must be an AggregateStart")
        members = members_of(begin.start)
        length = members.pop("length", 0)
        if not 1 <= length <= _LONGEST:
            message = f"length must be 1 to {_LONGEST:,}, the values of each update; got {length}"
            raise ServiceError(
                "VALIDATION_ERROR", message, details=[{"field": "length", "message": message, "value": length}]
            )
        services.streams.enter(record.call.who)
        try:
            with services.memory.hold() as held:
                updates = Updates(length, held, services.settings.max_cell_steps)
                async for content in requests:
                    await self._take(decoded(mfn_pb2.AggregateRequest, content), updates, context)
                for late in updates.unfinished():
                    await _write(context, acknowledgement=late)
                request = _OPERATION.read({**members, "gradients": updates.matrix()})
                for response in await perform(_OPERATION, request, record, services, _responses):
                    await context.write(response)
        finally:
            services.streams.leave(record.call.who)

    @staticmethod
    async def _take(message: mfn_pb2.AggregateRequest, updates: Updates, context: Any) -> None:
        if message.WhichOneof("part") != "chunk":
            raise ServiceError("BAD_REQUEST", "after the first message send UpdateChunk messages only")
        done = updates.add(message.chunk)
        if done is not None:
            await _write(context, acknowledgement=done)


async def _write(context: Any, **part: Any) -> None:
    await context.write(mfn_pb2.AggregateResponse(**part).SerializeToString())


def _responses(answer: Answer) -> list[bytes]:
    """Return the aggregate in chunks, and how it came about."""
    body: Any = answer.body
    vector = np.ascontiguousarray(body.aggregated_gradient, dtype="<f8")
    parts = [
        mfn_pb2.AggregateChunk(offset=offset, values=vector[offset : offset + _CHUNK].tobytes())
        for offset in range(0, vector.size, _CHUNK)
    ]
    facts = body.model_copy()
    facts.__pydantic_fields_set__.discard("aggregated_gradient")
    result = told(facts, mfn_pb2.AggregateResult())
    responses = [mfn_pb2.AggregateResponse(chunk=part) for part in parts]
    return [one.SerializeToString() for one in (*responses, mfn_pb2.AggregateResponse(result=result))]
