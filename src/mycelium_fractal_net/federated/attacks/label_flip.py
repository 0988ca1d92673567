"""Label flipping: poison the data, not the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._updates import require_count

__all__ = ["LabelFlip"]


@dataclass(frozen=True)
class LabelFlip:
    r"""Train on mirrored labels and send the outcome like anybody else.

    .. math:: y \mapsto C - 1 - y

    Parameters
    ----------
    classes : int
        Number of classes C; labels are 0..C-1.

    Notes
    -----
    Unlike the other attacks it maps labels, not updates: train the hostile clients on what it returns.

    References
    ----------
    Fang, Cao, Jia, Gong, "Local model poisoning attacks to Byzantine-robust federated learning", USENIX
    Security 2020, doi:10.48550/arXiv.1911.11815.

    Examples
    --------
    >>> LabelFlip(classes=10)([0, 1, 9])
    array([9, 8, 0])
    """

    classes: int = 10

    def __post_init__(self) -> None:
        require_count("classes", self.classes, 2)

    def __call__(self, labels: Any) -> NDArray[np.integer[Any]]:
        """Return the mirrored labels."""
        array = np.asarray(labels)
        if array.dtype.kind not in "iu" or (array.size and not 0 <= array.min() <= array.max() < self.classes):
            raise AggregationError(f"labels must be integers 0..{self.classes - 1}")
        return self.classes - 1 - array
