"""Moving-window limits: exact in this process, exact across processes through Redis, local while Redis is away."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from mycelium_fractal_net.service.settings import Settings

__all__ = ["LocalWindow", "RateLimiter", "SharedWindow", "Verdict", "Window"]

_WINDOW_S = 60.0
_MOST_NAMES = 50_000
_RETRY_SHARED_S = 5.0
_PATIENCE_S = 0.25
_MOST_CONNECTIONS = 16


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

    Notes
    -----
    At most 50,000 names are held, which is about 50 MB; one more than that, and the name that was asked for longest
    ago is forgotten, and with it its count. A new name costs the look at two old ones, however many there are.

    Examples
    --------
    >>> import asyncio
    >>> window = LocalWindow()
    >>> [asyncio.run(window.hit("a", 2)).passed for _ in range(3)]
    [True, True, False]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    async def hit(self, name: str, limit: int) -> Verdict:
        """Count a request, if it may pass."""
        return self.hit_now(name, limit)

    def hit_now(self, name: str, limit: int) -> Verdict:
        """Count a request without a coroutine."""
        now = self._clock()
        oldest_that_counts = now - _WINDOW_S
        times = self._times.get(name)
        if times is None:
            self._make_room(oldest_that_counts)
            times = self._times[name] = deque()
        else:
            self._times.move_to_end(name)
        while times and times[0] <= oldest_that_counts:
            times.popleft()
        passed = len(times) < limit
        if passed:
            times.append(now)
        return Verdict(passed, limit, max(0, limit - len(times)), math.ceil(times[0] + _WINDOW_S - now))

    def _make_room(self, oldest_that_counts: float) -> None:
        """Forget idle names two at a time, faster than new ones come, so that no request pays for all of them."""
        for _ in range(2):
            if not self._times:
                return
            name, times = next(iter(self._times.items()))
            if times[-1] > oldest_that_counts and len(self._times) < _MOST_NAMES:
                return
            del self._times[name]

    async def close(self) -> None:
        """Do nothing: there are no connections."""


class SharedWindow:
    """Count in Redis, so that several processes share one window."""

    def __init__(self, url: str, prefix: str) -> None:
        from limits import RateLimitItemPerMinute
        from limits.aio.storage import RedisStorage
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as Disconnected

        self._item = RateLimitItemPerMinute
        options: dict[str, Any] = {
            "socket_timeout": _PATIENCE_S,
            "socket_connect_timeout": _PATIENCE_S,
            # once more, on a fresh connection, where Redis was restarted; a Redis that hangs would hang again
            "retry": Retry(NoBackoff(), 1, (Disconnected,)),
            # with version 3, redis-py hands out pooled connections that the server has closed
            "protocol": 2,
        }
        bridge: Any = RedisStorage(f"async+{url}", implementation="redispy", key_prefix=prefix, **options).bridge
        self._key = bridge.prefixed_key
        self._redis = bridge.storage
        self._script = self._redis.register_script(_script(bridge))

    async def hit(self, name: str, limit: int) -> Verdict:
        """Count a request, if it may pass; one atomic script decides and says what is left."""
        key = self._key(self._item(limit).key_for(name))
        now = time.time()
        try:
            passed, window = await self._script([key], [now, limit, _WINDOW_S, 1])
        except Exception:
            with suppress(Exception):
                await self._redis.connection_pool.disconnect(inuse_connections=False)
            raise
        oldest, count = window or (now, limit)
        age_s = max(0.0, now - float(oldest))  # Redis rounds, and another process's request may be newer than this one
        return Verdict(bool(passed), limit, max(0, limit - count), max(1, math.ceil(_WINDOW_S - age_s)))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


def _script(bridge: Any) -> str:
    """Join the library's two scripts, so that no other request comes between the decision and the count."""
    return f"""
        local function acquire(KEYS, ARGV) {bridge.SCRIPT_ACQUIRE_MOVING_WINDOW.decode()} end
        local function window(KEYS, ARGV) {bridge.SCRIPT_MOVING_WINDOW.decode()} end
        local passed = acquire(KEYS, ARGV)
        return {{passed, window(KEYS, {{ARGV[1] - ARGV[3], ARGV[2]}})}}
    """


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
        self._turns = asyncio.Semaphore(_MOST_CONNECTIONS)
        self._away_until = 0.0
        if not settings.rate_limit_storage_url.startswith("memory://"):
            self._shared = SharedWindow(settings.rate_limit_storage_url, settings.rate_limit_prefix)

    async def hit(self, who: str, endpoint: str) -> Verdict:
        """Count a request of somebody to a class of endpoint."""
        limit = self._limits[endpoint]
        name = f"{endpoint}:{who}"
        if self._shared is None:
            return self._local.hit_now(name, limit)
        verdict = await self._hit_shared(self._shared, name, limit)
        if verdict is None:
            self._count_fallback()
            return self._local.hit_now(name, limit)
        return verdict

    async def _hit_shared(self, shared: Window, name: str, limit: int) -> Verdict | None:
        async with self._turns:
            if time.monotonic() < self._away_until:
                return None
            try:
                verdict = await shared.hit(name, limit)
            except Exception as error:  # noqa: BLE001 # whatever the client library raises, requests go on
                self._went_away(error)
                return None
            self._came_back()
            return verdict

    def _went_away(self, error: Exception) -> None:
        if not self._away_until:
            self._complain(f"the rate limiter's storage does not answer, counting locally: {type(error).__name__}")
        self._away_until = time.monotonic() + _RETRY_SHARED_S

    def _came_back(self) -> None:
        if self._away_until:
            self._complain("the rate limiter's storage answers again")
            self._away_until = 0.0

    async def close(self) -> None:
        """Let go of connections."""
        if self._shared is not None:
            await self._shared.close()
