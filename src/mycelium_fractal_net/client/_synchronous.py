"""The client for programs without an event loop: it drives the other one, in a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from numpy.typing import ArrayLike

from mycelium_fractal_net.biophysics.constants import BODY_TEMPERATURE_K
from mycelium_fractal_net.client._asynchronous import AsyncClient
from mycelium_fractal_net.client._results import Simulated, StreamEvent
from mycelium_fractal_net.client._stream import AsyncStream, Shown
from mycelium_fractal_net.features import FeatureVector
from mycelium_fractal_net.federated import Aggregation
from mycelium_fractal_net.fields import Change, SimulationConfig, Stimulus

__all__ = ["Client", "Stream"]

T = TypeVar("T")


class Client:
    """Call a service and wait for its answers; see :class:`AsyncClient`, whose parameters and methods it has.

    A context manager that closes its connections.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout_s: float = 300.0, patience_s: float = 60.0) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mfn-client", daemon=True)
        self._thread.start()
        try:
            self._inner = self._done(_made(url, key, timeout_s, patience_s))
        except BaseException:
            self._end_loop()
            raise

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections; once more does nothing."""
        if not self._loop.is_closed():
            self._done(self._inner.close())
            self._end_loop()

    def simulate(self, config: SimulationConfig | None = None, *, field: bool = False) -> Simulated:
        """Simulate a field on the service; see :meth:`AsyncClient.simulate`."""
        return self._done(self._inner.simulate(config, field=field))

    def stream(
        self,
        config: SimulationConfig | None = None,
        every: int = 8,
        fields: bool | Shown = False,
        features: bool = False,
        max_rate_hz: float | None = None,
        resume_after: int | None = None,
    ) -> Stream:
        """Return the events of a run; see :meth:`AsyncClient.stream`."""
        return Stream(self._done, self._inner, (config, every, fields, features, max_rate_hz, resume_after))

    def features(self, array: ArrayLike, *, periodic: bool = True) -> FeatureVector:
        """Return the 18 features of a field or a history, in mV."""
        return self._done(self._inner.features(array, periodic=periodic))

    def nernst(
        self, z_valence: int, out_molar: float, in_molar: float, temperature_k: float = BODY_TEMPERATURE_K
    ) -> float:
        """Return the equilibrium potential of an ion in mV."""
        return self._done(self._inner.nernst(z_valence, out_molar, in_molar, temperature_k))

    def aggregate(
        self,
        gradients: ArrayLike,
        rule: str = "hierarchical_krum",
        *,
        num_clusters: int | None = None,
        byzantine_fraction: float = 0.2,
        seed: int | None = None,
    ) -> Aggregation:
        """Aggregate gradients, one a row, by a robust rule."""
        return self._done(
            self._inner.aggregate(
                gradients, rule, num_clusters=num_clusters, byzantine_fraction=byzantine_fraction, seed=seed
            )
        )

    def _done(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the loop and wait for it; who interrupts the wait stops it."""
        waiting = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return waiting.result()
        except BaseException:
            waiting.cancel()
            raise

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Stream:
    """Events of a run, an iterator: what :class:`AsyncStream` is to programs without an event loop.

    Made by :meth:`Client.stream`. ``close`` it where it is left early; ``pause`` and the like may be called between two
    events, or from another thread.
    """

    def __init__(self, done: Callable[[Coroutine[Any, Any, Any]], Any], client: AsyncClient, asked: Any) -> None:
        self._done = done
        self._inner: AsyncStream = done(_streamed(client, asked))

    def __iter__(self) -> Self:
        """Return the stream itself."""
        return self

    def __next__(self) -> StreamEvent:
        """Return the next event."""
        event: StreamEvent | None = self._done(_next(self._inner))
        if event is None:
            raise StopIteration
        return event

    def close(self) -> None:
        """Leave; the service stops to compute."""
        self._done(self._inner.aclose())

    @property
    def config(self) -> SimulationConfig:
        """What is simulated, with everything that steering added."""
        return self._inner.config

    def next_step(self) -> int:
        """Return the first step that can be steered."""
        return self._inner.next_step()

    def pause(self) -> None:
        """Let nothing be computed until :meth:`resume`."""
        self._done(self._inner.pause())

    def resume(self) -> None:
        """Go on."""
        self._done(self._inner.resume())

    def set(self, every: int | None = None, max_rate_hz: float | None = None, field: Shown | None = None) -> None:
        """Change stride, pace and field; see :meth:`AsyncStream.set`."""
        self._done(self._inner.set(every, max_rate_hz, field))

    def steer(self, changes: Sequence[Change] = (), stimuli: Sequence[Stimulus] = ()) -> None:
        """Change the run as it goes on; see :meth:`AsyncStream.steer`."""
        self._done(self._inner.steer(changes, stimuli))


async def _streamed(client: AsyncClient, asked: Any) -> AsyncStream:
    return client.stream(*asked)


async def _next(events: AsyncStream) -> StreamEvent | None:
    return await anext(events, None)


async def _made(url: str, key: str | None, timeout_s: float, patience_s: float) -> AsyncClient:
    return AsyncClient(url, key, timeout_s=timeout_s, patience_s=patience_s)
