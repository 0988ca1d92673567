"""What every attack has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.federated._updates import read_updates, require_count

__all__ = ["Attack"]


class Attack(ABC):
    """Forge hostile updates from full knowledge of the honest ones."""

    def __call__(self, honest: Any, count: int = 1) -> Any:
        """Return `count` hostile updates, shape (count, d), in the kind of the honest ones.

        Parameters
        ----------
        honest : (n, d) array or tensor, or a list of n vectors
            The honest updates of the round; never written to.
        count : int
            How many hostile clients send something.
        """
        require_count("count", count, 1)
        batch = read_updates(honest)
        return batch.restore(self.forge(batch.values.astype(np.float64), count))

    @abstractmethod
    def forge(self, honest: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        """Return the hostile rows, shape (count, d)."""
