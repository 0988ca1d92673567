"""Not a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated.attacks._attack import Attack

__all__ = ["NotANumber"]


@dataclass(frozen=True)
class NotANumber(Attack):
    """Send NaN, or another value, in every coordinate; one such update turns a plain mean into NaN.

    Parameters
    ----------
    value : float
        NaN by default; infinity and 1e308 are other choices.

    Examples
    --------
    >>> NotANumber()([[1.0, 2.0]], count=1)
    array([[nan, nan]])
    """

    value: float = float("nan")

    def forge(self, honest: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Return `count` constant rows."""
        return np.full((count, honest.shape[1]), self.value)
