"""How many users there are as time goes on: a steady load, one that grows until something gives, a burst, viewers."""

from __future__ import annotations

import logging
import os
import sys
from abc import abstractmethod
from typing import Any, NamedTuple

from locust import LoadTestShape
from locust.util.timespan import parse_timespan

__all__ = ["ASKED", "REFUSED", "Scenario", "Spike", "Streams", "Stress", "Sustained", "never_asked"]

REFUSED = " (refused)"
"""What the statistics call a request that got 429 with Retry-After, behind its own name."""

NAMES = ("sustained", "stress", "spike", "streams")
_log = logging.getLogger(__name__)

CHOSEN = os.environ.get("MFN_LOAD") or "sustained"
if CHOSEN not in NAMES:
    sys.exit(f"MFN_LOAD must be one of {', '.join(NAMES)}; got {CHOSEN!r}")


ASKED = {
    "streams": ("/stream/simulate", "/ws/simulate", "/health"),
}.get(CHOSEN, ("/nernst", "/simulate", "/stream/simulate", "/validate", "/health"))
"""What the users ask between them."""

UNTIL_ASKED = bool(os.environ.get("MFN_LOAD_UNTIL_ASKED"))


def never_asked(stats: Any) -> list[str]:
    """Return the endpoints that nobody has had an answer from."""
    asked = {name.removesuffix(REFUSED) for name, _ in stats.entries}
    return [path for path in ASKED if path not in asked]


class Counts(NamedTuple):
    """Requests so far, and those of them that were refused or failed."""

    sent: int
    refused: int
    failed: int

    def since(self, earlier: Counts) -> Counts:
        return Counts(*(now - before for now, before in zip(self, earlier, strict=True)))


class Scenario(LoadTestShape):
    """Users from the share of the run that is over; ``--users`` is the peak, ``--run-time`` the length."""

    abstract = True
    use_common_options = True
    users = 20
    seconds = 60.0

    def tick(self) -> tuple[int, float] | None:
        if UNTIL_ASKED and not never_asked(self.runner.stats):
            return None
        share = self.get_run_time() / self._length()
        wanted = None if share >= 1 else self._peak() if UNTIL_ASKED else self.users_at(share)
        return None if wanted is None else (max(1, wanted), min(100.0, self._peak()))

    @abstractmethod
    def users_at(self, share: float) -> int | None:
        """Return the users at a share of the run; None ends it."""

    def _options(self) -> Any:
        return self.runner.environment.parsed_options

    def _peak(self) -> int:
        given = self._options().num_users or 1  # locust says 1 where nothing was said
        return given if given > 1 else self.users

    def _length(self) -> float:
        given = self._options().run_time
        return float(parse_timespan(given) if isinstance(given, str) else given or self.seconds)


class Sustained(Scenario):
    """A short ramp, then the same users to the end: whether latency and memory stay where they are."""

    abstract = CHOSEN != "sustained"

    def users_at(self, share: float) -> int:
        return round(self._peak() * min(1.0, share / 0.1))


class Streams(Scenario):
    """A ramp of viewers, half of them over WebSockets: whether every stream is whole, and others are answered."""

    abstract = CHOSEN != "streams"
    users = 40

    def users_at(self, share: float) -> int:
        return round(self._peak() * min(1.0, share / 0.3))


class Spike(Scenario):
    """A tenth of the users, all of them at once for a fifth of the time, a tenth again: refusal and recovery."""

    abstract = CHOSEN != "spike"
    users = 100

    def users_at(self, share: float) -> int:
        return self._peak() if 0.4 <= share < 0.6 else self._peak() // 10


class Stress(Scenario):
    """Twenty steps up to the peak; over when more than a hundredth of a step's requests are not answered with 200."""

    abstract = CHOSEN != "stress"
    users = 400
    seconds = 120.0
    steps = 20
    bound = 0.01

    def __init__(self) -> None:
        super().__init__()
        self._step = 0
        self._before = Counts(0, 0, 0)

    def users_at(self, share: float) -> int | None:
        step = 1 + int(self.steps * share)
        if self._step and step != self._step and self._breaks():
            return None
        self._step = step
        return self._peak() * step // self.steps

    def _breaks(self) -> bool:
        now = self._count()
        sent, refused, failed = now.since(self._before)
        self._before = now
        users, seconds = self._peak() * self._step // self.steps, self._length() / self.steps
        report = f"{users} users: {(sent - refused - failed) / seconds:.0f} answers/s, {refused=}, {failed=}"
        broken = refused + failed > self.bound * sent
        _log.info("%s%s", "breaking point at " if broken else "", report)
        return broken

    def _count(self) -> Counts:
        stats = self.runner.stats
        refused = sum(entry.num_requests for (name, _), entry in stats.entries.items() if name.endswith(REFUSED))
        return Counts(stats.total.num_requests, refused, stats.total.num_failures)
