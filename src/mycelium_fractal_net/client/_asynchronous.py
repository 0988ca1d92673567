"""The client for programs with an event loop; the other one drives this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from mycelium_fractal_net.biophysics.constants import BODY_TEMPERATURE_K
from mycelium_fractal_net.client._grpc import GrpcTransport
from mycelium_fractal_net.client._http import HttpTransport
from mycelium_fractal_net.client._patience import Patience
from mycelium_fractal_net.client._problems import RemoteError
from mycelium_fractal_net.client._results import (
    Completed,
    Simulated,
    aggregation_of,
    features_of,
    simulated_of,
)
from mycelium_fractal_net.client._stream import AsyncStream, Shown
from mycelium_fractal_net.errors import InvalidInputError, MFNError
from mycelium_fractal_net.features import FeatureVector
from mycelium_fractal_net.federated import Aggregation
from mycelium_fractal_net.fields import SimulationConfig

__all__ = ["AsyncClient"]

T = TypeVar("T")


class AsyncClient:
    """Call a service; what passes (a full queue, a limit, a lost connection) is tried again.

    Parameters
    ----------
    url : str
        ``http://HOST:PORT`` or ``https://...`` for REST and WebSocket, ``grpc://HOST:PORT`` or ``grpcs://...`` for
        gRPC.
    key : str, optional
        The key, where the service asks for one.
    timeout_s : float
        Longest wait for one answer, in s.
    patience_s : float
        How long a call that makes no progress is tried again, in s; Retry-After is honoured within it.

    Examples
    --------
    >>> AsyncClient("ftp://localhost")
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.errors.InvalidInputError: url must begin with http://, https://, grpc:// or grpcs://; ...
    """

    def __init__(self, url: str, key: str | None = None, *, timeout_s: float = 300.0, patience_s: float = 60.0) -> None:
        scheme, found, rest = url.partition("://")
        if not found or scheme not in {"http", "https", "grpc", "grpcs"}:
            raise InvalidInputError(
                f"url must begin with http://, https://, grpc:// or grpcs://; got {url!r}", field="url", value=url
            )
        self._patience_s = patience_s
        self._http: HttpTransport | None = None
        self._grpc: GrpcTransport | None = None
        if scheme.startswith("http"):
            self._http = HttpTransport(url, key, timeout_s)
        else:
            self._grpc = GrpcTransport(rest.rstrip("/"), key, timeout_s, _credentials(scheme))

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        for transport in (self._http, self._grpc):
            if transport is not None:
                await transport.close()

    async def simulate(self, config: SimulationConfig | None = None, *, field: bool = False) -> Simulated:
        """Simulate a field on the service.

        Parameters
        ----------
        config : SimulationConfig, optional
            The parameters; the defaults.
        field : bool
            Whether the last field comes along: float64 over REST, float32 over gRPC.

        Returns
        -------
        Simulated
            With features, and the receipt, whose digest is that of ``mfn.simulate(config)``.

        Raises
        ------
        MFNError
            What the service refuses with: the library's own error where it has one, else :class:`RemoteError`.
        """
        config = config or SimulationConfig()
        if self._http is None:
            return await self._simulated_as_stream(config, field)
        http, include = self._http, ["features", *(["field"] if field else [])]
        answer = await self._patiently(lambda: http.call("/simulate", {**_members(config), "include": include}))
        return simulated_of(answer, config, answer["receipt"])

    async def _simulated_as_stream(self, config: SimulationConfig, field: bool) -> Simulated:
        last = None
        async with aclosing(
            self.stream(config, every=min(config.steps, 10_000), fields=field, features=True)
        ) as events:
            async for event in events:
                if isinstance(event, Completed):
                    found = event.result
                    return found if last is None else Simulated(**{**vars(found), "field_mv": last.astype(np.float64)})
                last = getattr(event, "field", None)
        raise RemoteError("the stream ended before the run was complete")

    def stream(
        self,
        config: SimulationConfig | None = None,
        every: int = 8,
        fields: bool | Shown = False,
        features: bool = False,
        max_rate_hz: float | None = None,
        resume_after: int | None = None,
    ) -> AsyncStream:
        """Return the events of a run, which goes on after a lost connection; it can be paused and steered.

        Parameters
        ----------
        config : SimulationConfig, optional
            The parameters; the defaults.
        every : int
            Steps between two frames; the last step has one too.
        fields : bool or {"v", "activator", "inhibitor"}
            Whether frames hold a field in float32, and which: True is the potential.
        features : bool
            Whether frames hold the features so far.
        max_rate_hz : float, optional
            Most frames a second.
        resume_after : int, optional
            Sequence of the last event that is known.

        Returns
        -------
        AsyncStream
            To be iterated over; it raises what :meth:`simulate` does.
        """
        include = [name for name, wanted in (("features", features), ("field", bool(fields))) if wanted]
        start: dict[str, Any] = {"every": every, "include": include}
        start |= {} if max_rate_hz is None else {"max_rate_hz": max_rate_hz}
        start |= {"field": fields} if isinstance(fields, str) else {}
        patience = Patience(self._patience_s)
        return AsyncStream(self._transport(), config or SimulationConfig(), start, patience, resume_after)

    async def features(self, array: ArrayLike, *, periodic: bool = True) -> FeatureVector:
        """Return the 18 features of a field (two axes) or a history (three), in mV."""
        values = np.asarray(array, dtype=np.float64)
        if self._grpc is not None:
            grpc = self._grpc
            return features_of(await self._patiently(lambda: grpc.features(values, periodic)))
        http = self._transport()
        answer = await self._patiently(lambda: http.call_with_array("/features", {"periodic": periodic}, values))
        return features_of(answer["features"])

    async def nernst(
        self, z_valence: int, out_molar: float, in_molar: float, temperature_k: float = BODY_TEMPERATURE_K
    ) -> float:
        """Return the equilibrium potential of an ion in mV."""
        members = {
            "z_valence": z_valence,
            "concentration_out_molar": out_molar,
            "concentration_in_molar": in_molar,
            "temperature_k": temperature_k,
        }
        if self._grpc is not None:
            grpc = self._grpc
            return await self._patiently(lambda: grpc.nernst(members))
        http = self._transport()
        return float((await self._patiently(lambda: http.call("/nernst", members)))["potential_mV"])

    async def aggregate(
        self,
        gradients: ArrayLike,
        rule: str = "hierarchical_krum",
        *,
        num_clusters: int | None = None,
        byzantine_fraction: float = 0.2,
        seed: int | None = None,
    ) -> Aggregation:
        """Aggregate gradients, one a row, by a robust rule."""
        values = np.asarray(gradients, dtype=np.float64)
        if values.ndim != 2:
            raise InvalidInputError(
                f"gradients must have two axes, one gradient per row; got shape {values.shape}", field="gradients"
            )
        told = {
            "rule": rule,
            "num_clusters": num_clusters,
            "byzantine_fraction": byzantine_fraction,
            "seed": seed,
        }
        if self._grpc is not None:
            grpc = self._grpc
            return aggregation_of(await self._patiently(lambda: grpc.aggregate(values, told)))
        http = self._transport()
        return aggregation_of(await self._patiently(lambda: http.call_with_array("/federated/aggregate", told, values)))

    def _transport(self) -> Any:
        return self._http if self._http is not None else self._grpc

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call until it succeeds, or until waiting longer is of no use; every call gives the same answer again."""
        patience = Patience(self._patience_s)
        while True:
            try:
                return await call()
            except MFNError as error:
                await patience.wait(error)


def _members(config: SimulationConfig) -> Mapping[str, Any]:
    return config.model_dump(mode="json", exclude_none=True)


def _credentials(scheme: str) -> Any:
    """Return what checks the server's certificate, by the authorities of the system."""
    if scheme == "grpc":
        return None
    import grpc

    return grpc.ssl_channel_credentials()
