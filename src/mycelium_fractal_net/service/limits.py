"""Moving-window limits: exact in this process, exact across processes through Redis, local while Redis is away."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from mycelium_fractal_net.service.settings import Settings

__all__ = ["LocalWindow", "RateLimiter", "SharedWindow", "Verdict", "Window"]

_WINDOW_S = 60.0
_SWEEP_AT = 10_000
_RETRY_SHARED_S = 5.0
_PATIENCE_S = 0.25


class Verdict(NamedTuple):
    """Whether a request may pass, and what its headers say.

    ``reset_s`` is the number of seconds after which another request is sure to pass, or, while some are left, after
    which the oldest one no longer counts.
    """

    passed: bool
    limit: int
    remaining: int
    reset_s: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The ``X-RateLimit-*`` headers, and ``Retry-After`` where the request may not pass."""
        found = [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset_s),
        ]
        if not self.passed:
            found.append((b"retry-after", b"%d" % self.reset_s))
        return found


class Window(Protocol):
    """Counts the requests of the last minute by name."""

    async def hit(self, name: str, limit: int) -> Verdict:
        """Count a request, if it may pass."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class LocalWindow:
    """Count in this process: the times of the last minute's requests, by name.

    Examples
    --------
    >>> import asyncio
    >>> window = LocalWindow()
    >>> [asyncio.run(window.hit("a", 2)).passed for _ in range(3)]
    [True, True, False]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    async def hit(self, name: str, limit: int) -> Verdict:
        """Count a request, if it may pass."""
        return self.hit_now(name, limit)

    def hit_now(self, name: str, limit: int) -> Verdict:
        """Count a request without a coroutine."""
        now = self._clock()
        times = self._times.get(name)
        if times is None:
            if len(self._times) >= _SWEEP_AT:
                self._sweep(now)
            times = self._times[name] = deque()
        oldest_that_counts = now - _WINDOW_S
        while times and times[0] <= oldest_that_counts:
            times.popleft()
        passed = len(times) < limit
        if passed:
            times.append(now)
        return Verdict(passed, limit, max(0, limit - len(times)), math.ceil(times[0] + _WINDOW_S - now))

    def _sweep(self, now: float) -> None:
        self._times = {name: times for name, times in self._times.items() if times and times[-1] > now - _WINDOW_S}

    async def close(self) -> None:
        """Do nothing: there are no connections."""


class SharedWindow:
    """Count in Redis, so that several processes share one window."""

    def __init__(self, url: str, prefix: str) -> None:
        from limits import RateLimitItemPerMinute
        from limits.aio.storage import RedisStorage
        from limits.aio.strategies import MovingWindowRateLimiter
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        self._item = RateLimitItemPerMinute
        options: dict[str, Any] = {
            "socket_timeout": _PATIENCE_S,
            "socket_connect_timeout": _PATIENCE_S,
            "retry": Retry(NoBackoff(), 0),
        }
        self._storage: Any = RedisStorage(f"async+{url}", implementation="redispy", key_prefix=prefix, **options)
        self._windows = MovingWindowRateLimiter(self._storage)

    async def hit(self, name: str, limit: int) -> Verdict:
        """Count a request, if it may pass; one atomic script decides."""
        item = self._item(limit)
        passed = await self._windows.hit(item, name)
        reset, remaining = await self._windows.get_window_stats(item, name)
        return Verdict(passed, limit, int(remaining) if passed else 0, max(1, math.ceil(reset - time.time())))

    async def close(self) -> None:
        """Close the connections."""
        await self._storage.bridge.storage.aclose()


class RateLimiter:
    """Limit requests by the settings.

    Parameters
    ----------
    settings : Settings
        Limits by class of endpoint, and where they are counted.
    count_fallback : callable
        Called for every request that was counted here because Redis did not answer.
    complain : callable
        Called with a message when Redis goes away and when it is back.
    """

    def __init__(
        self, settings: Settings, count_fallback: Callable[[], object], complain: Callable[[str], object]
    ) -> None:
        self._limits: Mapping[str, int] = {str(name): limit for name, limit in settings.rate_limits.items()}
        self._count_fallback = count_fallback
        self._complain = complain
        self._local = LocalWindow()
        self._shared: Window | None = None
        self._away_until = 0.0
        if not settings.rate_limit_storage_url.startswith("memory://"):
            self._shared = SharedWindow(settings.rate_limit_storage_url, settings.rate_limit_prefix)

    async def hit(self, who: str, endpoint: str) -> Verdict:
        """Count a request of somebody to a class of endpoint."""
        limit = self._limits[endpoint]
        name = f"{endpoint}:{who}"
        if self._shared is None:
            return self._local.hit_now(name, limit)
        now = time.monotonic()
        if now >= self._away_until:
            try:
                verdict = await self._shared.hit(name, limit)
            except Exception as error:  # noqa: BLE001 # whatever the client library raises, requests go on
                self._went_away(now, error)
            else:
                self._came_back()
                return verdict
        self._count_fallback()
        return self._local.hit_now(name, limit)

    def _went_away(self, now: float, error: Exception) -> None:
        if not self._away_until:
            self._complain(f"the rate limiter's storage does not answer, counting locally: {type(error).__name__}")
        self._away_until = now + _RETRY_SHARED_S

    def _came_back(self) -> None:
        if self._away_until:
            self._complain("the rate limiter's storage answers again")
            self._away_until = 0.0

    async def close(self) -> None:
        """Let go of connections."""
        if self._shared is not None:
            await self._shared.close()
