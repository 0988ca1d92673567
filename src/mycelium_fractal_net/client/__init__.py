"""A client of the service: over REST, WebSocket and gRPC, with results as the library has them.

``Client`` is for programs without an event loop, ``AsyncClient`` for those with one; both do the same.
"""

from mycelium_fractal_net.client._asynchronous import AsyncClient
from mycelium_fractal_net.client._problems import RemoteError
from mycelium_fractal_net.client._results import Completed, Framed, Receipt, Simulated, Started, StreamEvent
from mycelium_fractal_net.client._stream import AsyncStream
from mycelium_fractal_net.client._synchronous import Client, Stream

__all__ = [
    "AsyncClient",
    "AsyncStream",
    "Client",
    "Completed",
    "Framed",
    "Receipt",
    "RemoteError",
    "Simulated",
    "Started",
    "Stream",
    "StreamEvent",
]
