"""Which scales to count at when the caller names none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["OTHER_BASES", "first_scales", "is_exactly_similar", "ladder", "may_be_similar"]

OTHER_BASES = (3, 4, 5, 6, 7)


@lru_cache(maxsize=1024)
def ladder(base: int, side: int, extent: int) -> NDArray[np.int64]:
    """Return the powers of ``base`` at which to count a set of this extent in an array of this side.

    They go up to a quarter of the side, and not above half the extent, where boxes only tell that there is a
    set; but there are at least three as long as they fit into the extent.

    Examples
    --------
    >>> ladder(2, 64, 60).tolist(), ladder(2, 64, 9).tolist(), ladder(3, 100, 81).tolist()
    ([2, 4, 8, 16], [2, 4, 8], [3, 9, 27])
    """
    largest = max(min(side // 4, extent // 2), min(base**3, extent))
    scales = []
    scale = base
    while scale <= largest:
        scales.append(scale)
        scale *= base
    return np.asarray(scales, dtype=np.int64)


@lru_cache(maxsize=1024)
def first_scales(side: int, extent: int) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, ...]]:
    """Return what one pass counts at: powers of two and other bases, where the powers lie, those bases.

    A base counts as a candidate when three powers of it fit into the extent.
    """
    powers = ladder(2, side, extent)
    bases = tuple(base for base in OTHER_BASES if base**3 <= extent)
    scales = np.asarray(sorted({*powers.tolist(), *bases}), dtype=np.int64)
    return scales, np.searchsorted(scales, powers), bases


def may_be_similar(cells: int) -> bool:
    """Tell whether a set of so many cells can be exactly similar over three steps: a cube divides the number.

    Examples
    --------
    >>> may_be_similar(3**7), may_be_similar(2 * 3 * 5 * 7)
    (True, False)
    """
    most = max(OTHER_BASES) ** 2
    return any(cells % pieces**3 == 0 for pieces in range(2, most + 1))


def is_exactly_similar(counts: Sequence[int]) -> bool:
    """Tell whether each count is the same whole multiple of the next, over three steps or more.

    Examples
    --------
    >>> is_exactly_similar([512, 64, 8, 1]), is_exactly_similar([512, 64, 9, 1])
    (True, False)
    """
    if len(counts) < 4 or counts[1] == 0:
        return False
    pieces, rest = divmod(counts[0], counts[1])
    return pieces > 1 and rest == 0 and all(a == pieces * b for a, b in pairwise(counts))
