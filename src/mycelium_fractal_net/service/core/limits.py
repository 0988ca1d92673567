"""Moving-window limits: exact in this process, exact across processes through Redis, local while Redis is away."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from mycelium_fractal_net.service.core.breaker import Breaker
from mycelium_fractal_net.service.settings import Settings

__all__ = ["LocalWindow", "RateLimiter", "SharedWindow", "Verdict", "Window"]

_WINDOW_S = 60.0
_MOST_NAMES = 50_000
_PATIENCE_S = 0.25
_SLOW = 0.4  # of the patience: what takes as long on the mean is too slow to be asked at every request
_MOST_CONNECTIONS = 16

_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local limit, amount, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local total = tonumber(redis.call('GET', KEYS[2]) or '0')

local function entry(index)
  local text = redis.call('LINDEX', KEYS[1], index)
  if not text then return nil end
  local at, spent = string.match(text, '(%d+):(-?%d+)')
  return tonumber(at), tonumber(spent)
end

local oldest, spent = entry(0)
while oldest and oldest <= now - window do
  redis.call('LPOP', KEYS[1])
  total = total - spent
  oldest, spent = entry(0)
end
if not oldest then total = 0 end

local passed = total + amount <= limit
if passed then
  redis.call('RPUSH', KEYS[1], string.format('%d:%d', now, amount))
  total = total + amount
  redis.call('SET', KEYS[2], string.format('%d', total), 'PX', window)
  redis.call('PEXPIRE', KEYS[1], window)
  return {1, total, (oldest or now) + window - now}
end

local left, index, free = total, 0, now
while left + amount > limit do
  local at, gone = entry(index)
  if not at then break end
  left, free, index = left - gone, at, index + 1
end
return {0, total, free + window - now}
"""
"""Forget what is older than the window, decide, and count, at once; times are those of Redis, in ms."""


class Verdict(NamedTuple):
    """Whether a request may pass, and what is left.

    ``reset_s`` is the number of seconds after which another request is sure to pass, or, while some are left, after
    which the oldest one no longer counts.
    """

    passed: bool
    limit: int
    remaining: int
    reset_s: int


class Window(Protocol):
    """Counts what was spent in the last minute by name."""

    async def hit(self, name: str, limit: int, amount: int = 1) -> Verdict:
        """Count an amount, if it may be spent; a negative one is given back."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class _Spent:
    """What one name has spent: when and how much, oldest first."""

    __slots__ = ("entries", "total")

    def __init__(self) -> None:
        self.entries: deque[tuple[float, int]] = deque()
        self.total = 0

    def forget(self, oldest_that_counts: float) -> None:
        entries = self.entries
        while entries and entries[0][0] <= oldest_that_counts:
            self.total -= entries.popleft()[1]
        if not entries:
            self.total = 0

    def free_at(self, most: int) -> float:
        """Return the time of the entry with which enough is forgotten for no more than ``most`` to be left."""
        left, free_at = self.total, 0.0
        for at, amount in self.entries:
            left, free_at = left - amount, at
            if left <= most:
                break
        return free_at


class LocalWindow:
    """Count in this process: when each name spent how much in the last minute.

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
        self._names: OrderedDict[str, _Spent] = OrderedDict()

    async def hit(self, name: str, limit: int, amount: int = 1) -> Verdict:
        """Count an amount, if it may be spent; a negative one is given back."""
        return self.hit_now(name, limit, amount)

    def hit_now(self, name: str, limit: int, amount: int = 1) -> Verdict:
        """Count without a coroutine."""
        now = self._clock()
        spent = self._names.get(name)
        if spent is None:
            self._make_room(now - _WINDOW_S)
            spent = self._names[name] = _Spent()
        else:
            self._names.move_to_end(name)
        spent.forget(now - _WINDOW_S)
        passed = spent.total + amount <= limit
        if passed:
            spent.entries.append((now, amount))
            spent.total += amount
        free_at = spent.entries[0][0] if passed else spent.free_at(limit - amount)
        return Verdict(passed, limit, max(0, limit - spent.total), math.ceil(free_at + _WINDOW_S - now))

    def _make_room(self, oldest_that_counts: float) -> None:
        """Forget idle names two at a time, faster than new ones come, so that no request pays for all of them."""
        for _ in range(2):
            if not self._names:
                return
            name, spent = next(iter(self._names.items()))
            if spent.entries and spent.entries[-1][0] > oldest_that_counts and len(self._names) < _MOST_NAMES:
                return
            del self._names[name]

    async def close(self) -> None:
        """Do nothing: there are no connections."""


class SharedWindow:
    """Count in Redis, so that several processes share one window; its clock counts."""

    def __init__(self, url: str, prefix: str) -> None:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as Disconnected

        options: dict[str, Any] = {
            "socket_timeout": 0.9 * _PATIENCE_S,  # before the limiter gives up, so that it is the client who notices
            "socket_connect_timeout": _PATIENCE_S,
            # once more, on a fresh connection, where Redis was restarted; a Redis that hangs would hang again
            "retry": Retry(NoBackoff(), 1, (Disconnected,)),
            # with version 3, redis-py hands out pooled connections that the server has closed
            "protocol": 2,
        }
        self._prefix = prefix
        self._redis: Any = Redis.from_url(url, **options)
        self._script = self._redis.register_script(_SCRIPT)

    async def hit(self, name: str, limit: int, amount: int = 1) -> Verdict:
        """Count an amount, if it may be spent; one atomic script decides and says what is left."""
        key = f"{self._prefix}:{{{name}}}"
        try:
            passed, total, wait_ms = await self._script([key, f"{key}:total"], [limit, amount, int(_WINDOW_S * 1000)])
        except (Exception, asyncio.CancelledError):  # cancelled is what did not come in time
            with suppress(Exception):
                await self._redis.connection_pool.disconnect(inuse_connections=False)
            raise
        return Verdict(bool(passed), limit, max(0, limit - total), max(1, math.ceil(wait_ms / 1000)))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


class RateLimiter:
    """Limit requests, and what they cost, by the settings.

    Parameters
    ----------
    settings : Settings
        Limits by class of endpoint, limit of cost, and where they are counted.
    count_fallback : callable
        Called for whatever was counted here because Redis did not answer, or not in time.
    complain : callable
        Called with a message when Redis goes away or gets slow, and when it is back.
    """

    def __init__(
        self, settings: Settings, count_fallback: Callable[[], object], complain: Callable[[str], object]
    ) -> None:
        self._limits: Mapping[str, int] = {str(name): limit for name, limit in settings.rate_limits.items()}
        self._cost_limit = settings.cost_limit
        self._count_fallback = count_fallback
        self._complain = complain
        self._local = LocalWindow()
        self._shared: Window | None = None
        self._turns = asyncio.Semaphore(_MOST_CONNECTIONS)
        self._breaker = Breaker(_SLOW * _PATIENCE_S)
        self._asks = True
        if not settings.rate_limit_storage_url.startswith("memory://"):
            self._shared = SharedWindow(settings.rate_limit_storage_url, settings.rate_limit_prefix)

    async def hit(self, who: str, endpoint: str) -> Verdict:
        """Count a request of somebody to a class of endpoint."""
        return await self._spend(f"{endpoint}:{who}", self._limits[endpoint], 1)

    async def charge(self, who: str, cost: int) -> Verdict:
        """Count the cell steps that somebody asks for; a negative number gives back what was not computed."""
        return await self._spend(f"cost:{who}", self._cost_limit, cost)

    async def once(self, name: str) -> bool:
        """Tell whether nobody has asked for that name within the last minute, wherever the storage is shared."""
        return (await self._spend(f"once:{name}", 1, 1)).passed

    async def _spend(self, name: str, limit: int, amount: int) -> Verdict:
        if self._shared is None:
            return self._local.hit_now(name, limit, amount)
        verdict = await self._spend_shared(self._shared, name, limit, amount)
        if verdict is None:
            self._count_fallback()
            return self._local.hit_now(name, limit, amount)
        return verdict

    async def _spend_shared(self, shared: Window, name: str, limit: int, amount: int) -> Verdict | None:
        """Ask Redis; None where it is not to be asked, or does not answer in time, the wait for a turn included."""
        if not self._breaker.admits():
            return None
        try:
            with self._breaker.watch():
                async with asyncio.timeout(_PATIENCE_S), self._turns:
                    verdict = await shared.hit(name, limit, amount)
        except Exception as error:  # noqa: BLE001 # whatever the client library raises, requests go on
            self._tell(type(error).__name__)
            return None
        self._tell("no answer in time")
        return verdict

    def _tell(self, reason: str) -> None:
        """Tell of a change, once."""
        if self._breaker.closed == self._asks:
            return
        self._asks = self._breaker.closed
        self._complain(
            "the rate limiter's storage is reachable again"
            if self._asks
            else f"the rate limiter's storage is not reachable; counting locally: {reason}"
        )

    async def close(self) -> None:
        """Let go of connections."""
        if self._shared is not None:
            await self._shared.close()
