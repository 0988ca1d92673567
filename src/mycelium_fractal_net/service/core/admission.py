"""Who may call what, and how often: the one place that lets a call in, whatever door it came through."""

from __future__ import annotations

from mycelium_fractal_net.service.core.access import Access
from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.core.keys import KeyRing
from mycelium_fractal_net.service.core.limits import RateLimiter
from mycelium_fractal_net.service.settings import Settings

__all__ = ["Admission"]


class Admission:
    """Check calls against keys, scopes and rate limits.

    Parameters
    ----------
    settings : Settings
        Whether keys are required, whether calls are limited, whether metrics are public.
    keys : KeyRing
        Keys in force.
    limiter : RateLimiter
        Counts the calls.
    """

    def __init__(self, settings: Settings, keys: KeyRing, limiter: RateLimiter) -> None:
        self._required = settings.api_key_required
        self._limited = settings.rate_limit_enabled
        self._metrics_public = settings.metrics_public
        self.keys = keys
        self.limiter = limiter

    async def admit(self, call: Call, access: Access) -> None:
        """Let a call in, its ``key`` and ``quota`` found; whoever is known is counted, also for what is then refused.

        Raises
        ------
        ServiceError
            AUTHENTICATION_REQUIRED, INVALID_API_KEY, INSUFFICIENT_SCOPE or RATE_LIMIT_EXCEEDED.
        """
        if call.token is not None:
            call.key = self.keys.find(call.token)
        key = call.key  # without a token that of a ticket, which the door has found
        public = access.public or (access.limit == "metrics" and self._metrics_public)
        needed = self._required and not public
        if needed and key is None:
            await self._count(call, "failed_auth")
            raise ServiceError("AUTHENTICATION_REQUIRED" if call.token is None else "INVALID_API_KEY")
        await self._count(call, access.limit)
        if needed and key is not None and not key.may(access.scope):
            raise ServiceError("INSUFFICIENT_SCOPE", f"this needs a key with the scope {access.scope}")

    async def count_stray(self, call: Call) -> None:
        """Count a call that leads nowhere: an unknown path, a method that a path does not take, a preflight.

        Raises
        ------
        ServiceError
            RATE_LIMIT_EXCEEDED.
        """
        if call.token is not None:
            call.key = self.keys.find(call.token)
        await self._count(call, "stray")

    async def _count(self, call: Call, limit: str | None) -> None:
        if not self._limited or limit is None:
            return
        quota = call.quota = await self.limiter.hit(call.who, limit)
        if not quota.passed:
            message = f"more than {quota.limit} requests per minute ({limit}); try again in {quota.reset_s} s"
            raise ServiceError("RATE_LIMIT_EXCEEDED", message, retry_after_s=quota.reset_s)
