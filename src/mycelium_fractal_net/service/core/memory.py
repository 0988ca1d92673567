"""One budget of memory over all bodies, arrays and answers in flight."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["Held", "MemoryBudget"]


class MemoryBudget:
    """Bytes that all requests together may hold.

    Parameters
    ----------
    most : int
        Bytes.
    wait_s : callable, optional
        Seconds after which something will have been given back, for those that are refused.

    Examples
    --------
    >>> budget = MemoryBudget(1_000)
    >>> with budget.hold(800) as held:
    ...     held.grow(100)
    ...     budget.used
    900
    >>> budget.used
    0
    """

    def __init__(self, most: int, wait_s: Callable[[], int] = lambda: 1) -> None:
        self.most = most
        self.used = 0
        self._wait_s = wait_s

    def hold(self, size: int = 0) -> Held:
        """Take bytes out of the budget until they are released; the event loop alone asks.

        Raises
        ------
        ServiceError
            SERVICE_UNAVAILABLE with Retry-After when that many are not left, PAYLOAD_TOO_LARGE when they never will be.
        """
        held = Held(self)
        held.grow(size)
        return held

    def take(self, size: int, after: int) -> None:
        """Count bytes more, of which the request will have ``after``, or refuse them."""
        if after > self.most:
            raise ServiceError(
                "PAYLOAD_TOO_LARGE",
                f"the request needs {after:,} bytes of memory, more than all requests together may hold, {self.most:,} "
                "(MFN_MAX_MEMORY_BYTES)",
            )
        if self.used + size > self.most:
            wait_s = self._wait_s()
            raise ServiceError(
                "SERVICE_UNAVAILABLE",
                f"other requests are using the memory that this one needs; try again in {wait_s} s",
                retry_after_s=wait_s,
            )
        self.used += size


class Held:
    """What one request holds of the budget; a context manager that gives it back."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """Hold more, or raise as :meth:`MemoryBudget.hold` does and hold what was held."""
        self.resize(self.size + size)

    def resize(self, size: int) -> None:
        """Hold that much in all; less is never refused."""
        if size > self.size:
            self._budget.take(size - self.size, size)
        else:
            self._budget.used -= self.size - size
        self.size = size

    def settle(self, size: int) -> None:
        """Hold that much in all without being refused: it is there already."""
        self._budget.used += size - self.size
        self.size = size

    def release(self) -> None:
        """Give everything back; once more does nothing."""
        self.resize(0)

    def __enter__(self) -> Self:
        """Return what is held."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self.release()
