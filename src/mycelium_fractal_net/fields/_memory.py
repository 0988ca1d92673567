"""Memory of the fields, placed for the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["aligned", "bordered"]

Field = NDArray[np.floating[Any]]

_PAGE, _STAGGER = 4096, 640  # bytes; ten lines of the cache, so that six arrays share one page evenly


def aligned(shape: tuple[int, int], dtype: str, lead: int, places: Sequence[int]) -> list[Field]:
    """Return arrays with any content of which the flat element ``lead`` stands at these bytes of a page.

    To ask for zeros would release the GIL.
    """
    itemsize = np.dtype(dtype).itemsize
    room = -(-shape[0] * shape[1] * itemsize // _PAGE) * _PAGE + _PAGE
    memory = np.empty(room * len(places) + _PAGE, np.uint8)
    first = -(memory.__array_interface__["data"][0] + lead * itemsize) % _PAGE
    return [np.ndarray(shape, dtype, memory, first + k * room + place) for k, place in enumerate(places)]


def bordered(shape: tuple[int, int], pad: int, dtype: str) -> tuple[dict[str, Field], dict[str, Field]]:
    """Return arrays for "a", "h" and "v" within a border of ghosts, and spare arrays like them; any content.

    The first inner cell begins a line of the cache, and that of each array stands at another place of its page:
    a load waits for a store before it when their addresses agree in the last twelve bits.
    """
    outer = (shape[0] + 2, shape[1] + 2 * pad)
    arrays = aligned(outer, dtype, outer[1] + pad, range(0, 6 * _STAGGER, _STAGGER))
    return dict(zip("ahv", arrays[:3], strict=True)), dict(zip("ahv", arrays[3:], strict=True))
