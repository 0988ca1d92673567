"""Read clients one by one and hand them on in windows of bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._updates import FloatArray, read_updates

__all__ = ["Windows"]

_LEAVES_HELD_BACK = 5


class Windows:
    """Iterate over windows of whole leaves; the last one also holds what is left over.

    Parameters
    ----------
    stream : iterable of (d,) vectors or (k, d) blocks
        The clients as they arrive; read once.
    leaf_size : int
        Every window but the last holds a multiple of this many clients.
    memory : int
        Bytes for one window; ten leaves are always taken.

    Attributes
    ----------
    restore : callable or None
        Turns the answer into the kind of the first client's update; None before the first arrived.
    """

    def __init__(self, stream: Iterable[Any], leaf_size: int, memory: int) -> None:
        self.restore: Callable[[FloatArray], Any] | None = None
        self._stream = stream
        self._leaf_size = leaf_size
        self._memory = memory

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield each window as a view on one buffer that is used again."""
        buffer: FloatArray | None = None
        filled, seen = 0, 0
        for block in self._blocks():
            if buffer is None:
                buffer = self._make_buffer(block)
            _require_fit(block, buffer, seen)
            seen += len(block)
            done = 0
            while done < len(block):
                take = min(len(block) - done, len(buffer) - filled)
                buffer[filled : filled + take] = block[done : done + take]
                filled, done = filled + take, done + take
                if filled == len(buffer):
                    held = _LEAVES_HELD_BACK * self._leaf_size
                    yield buffer[: filled - held]
                    buffer[:held] = buffer[filled - held :].copy()
                    filled = held
        if buffer is None:
            raise AggregationError("there is no update to aggregate: the stream is empty")
        yield buffer[:filled]

    def _blocks(self) -> Iterator[FloatArray]:
        for item in self._stream:
            if type(item) is np.ndarray and item.dtype in (np.float32, np.float64) and self.restore:
                yield item if item.ndim == 2 else item[None]
            else:
                batch = read_updates(item if getattr(item, "ndim", 1) == 2 else [item])
                self.restore = self.restore or batch.restore
                yield batch.values

    def _make_buffer(self, block: FloatArray) -> FloatArray:
        row = block.shape[1] * block.itemsize
        leaves = max(2 * _LEAVES_HELD_BACK, self._memory // (row * self._leaf_size))
        return np.empty((leaves * self._leaf_size, block.shape[1]), dtype=block.dtype)


def _require_fit(block: FloatArray, buffer: FloatArray, seen: int) -> None:
    if block.ndim != 2 or block.shape[1] != buffer.shape[1]:
        raise AggregationError(
            f"all updates need one length; the first has {buffer.shape[1]} values, "
            f"update {seen} has shape {block.shape[1:]}"
        )
    if block.dtype != buffer.dtype:
        raise AggregationError(
            f"all updates of a stream need one dtype; the first has {buffer.dtype}, update {seen} has {block.dtype}"
        )
