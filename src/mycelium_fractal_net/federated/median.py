"""The coordinate-wise median."""

from __future__ import annotations

from dataclasses import dataclass

from mycelium_fractal_net.federated._columns import column_median
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._updates import FloatArray

__all__ = ["Median"]


@dataclass(frozen=True)
class Median(Rule):
    r"""Take the median of every coordinate.

    .. math:: [\mathrm{Median}(x_1, \dots, x_n)]_k = \mathrm{median}(x_{1k}, \dots, x_{nk})

    For even n the mean of the two middle values.

    Notes
    -----
    Needs n >= 1 and stays inside the honest range in every coordinate while f < n/2 are hostile.
    Robustness coefficient :math:`\kappa = 4 (1 + f/(n-2f))^2`. Cost O(n log^2 n d) with a sorting network
    over 64 columns at once. The answer does not depend on the order of the updates, to the bit.

    References
    ----------
    Yin, Chen, Ramchandran, Bartlett, "Byzantine-robust distributed learning: towards optimal statistical
    rates", ICML 2018, doi:10.48550/arXiv.1803.01498. Coefficient: Allouah et al. 2023,
    doi:10.48550/arXiv.2302.01772.

    Examples
    --------
    >>> Median()([[1.0, 5.0], [2.0, -1e30], [9.0, 6.0]])
    array([2., 5.])
    """

    def tolerated(self, n: int) -> int:
        """Return the largest f < n/2."""
        return (n - 1) // 2

    def condition(self) -> tuple[int, str]:
        """Return n >= 1."""
        return 1, "n >= 1"

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Take the median of all rows."""
        return Outcome(column_median(values))
