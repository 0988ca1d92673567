"""``Simulate``: a run as a stream of events, each computed when the one before has been handed over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from mycelium_fractal_net._proto import mfn_pb2
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.operations.stream_messages import StreamStart
from mycelium_fractal_net.service.operations.streaming import Stream
from mycelium_fractal_net.service.rpc.door import current_record
from mycelium_fractal_net.service.rpc.messages import as_event, members_of
from mycelium_fractal_net.service.rpc.unary import decoded, first
from mycelium_fractal_net.service.services import Services

__all__ = ["Simulations"]


class Simulations:
    """Serve one reader after another.

    Parameters
    ----------
    services : Services
        Of this application.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, requests: AsyncIterator[bytes], context: Any) -> None:
        """Hand events on; a reader that has left ends in the generator's ``finally``, however it left."""
        members = members_of(decoded(mfn_pb2.SimulateRequest, await first(requests)))
        record = current_record()
        start = StreamStart.model_validate({**members, "flow": "none"})
        stream = Stream(start, record.call, self._services, as_event)
        if stream.is_known():
            return
        await stream.check()
        try:
            async with aclosing(stream.batches()) as batches:
                async for batch in batches:
                    for message in batch:
                        await context.write(message.text)
        except Exception as error:
            if context.done():
                raise
            problem = record.fail(error)
            facts = {**problem.facts, "resume_after": stream.last}
            raise ServiceError(problem.code, problem.message, details=problem.details, **facts) from None
