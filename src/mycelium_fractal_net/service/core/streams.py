"""How many streams are open, in all and of one caller."""

from __future__ import annotations

from collections import Counter

from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["Streams"]


class Streams:
    """Count open streams.

    Parameters
    ----------
    most : int
        Streams in all; one caller has half of them at most.

    Attributes
    ----------
    most : int
        Streams there may be.
    open : int
        Streams that are open.
    outstanding : int
        Frames on their way whose readers have not acknowledged them.

    Examples
    --------
    >>> streams = Streams(4)
    >>> streams.enter("key:a"), streams.enter("key:a")
    (None, None)
    >>> streams.enter("key:a")
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.service.core.errors.ServiceError: 2 streams of yours are open, which is the limit ...
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._most_of_one = -(-most // 2)
        self._of: Counter[str] = Counter()
        self.outstanding = 0

    @property
    def open(self) -> int:
        """Streams that are open."""
        return self._of.total()

    def enter(self, who: str) -> None:
        """Count a stream.

        Raises
        ------
        ServiceError
            RATE_LIMIT_EXCEEDED when there are too many.
        """
        if self._of[who] >= self._most_of_one or self.open >= self.most:
            whose = f"{self._of[who]} streams of yours" if self._of[who] >= self._most_of_one else "too many streams"
            raise ServiceError(
                "RATE_LIMIT_EXCEEDED", f"{whose} are open, which is the limit (MFN_STREAMS); close one first"
            )
        self._of[who] += 1

    def leave(self, who: str) -> None:
        """Count it no longer."""
        self._of[who] -= 1
        if not self._of[who]:
            del self._of[who]
