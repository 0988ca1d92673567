"""The coordinate-wise trimmed mean."""

from __future__ import annotations

from dataclasses import dataclass

from mycelium_fractal_net.federated._columns import column_rank_mean
from mycelium_fractal_net.federated._rule import Outcome, Rule
from mycelium_fractal_net.federated._updates import FloatArray, require_count

__all__ = ["TrimmedMean"]


@dataclass(frozen=True)
class TrimmedMean(Rule):
    r"""Drop the f smallest and the f largest values of every coordinate and average the rest.

    .. math:: [\mathrm{TM}_f(x_1, \dots, x_n)]_k = \frac{1}{n - 2f} \sum_{j=f+1}^{n-f} x_{(j)k}

    Parameters
    ----------
    f : int
        Hostile updates to tolerate; n > 2f.

    Notes
    -----
    Stays inside the honest range in every coordinate. Robustness coefficient
    :math:`\kappa = \frac{6f}{n-2f}(1 + \frac{f}{n-2f})`. Cost as `Median`. The answer does not depend on the
    order of the updates, to the bit.

    References
    ----------
    Yin et al., ICML 2018, doi:10.48550/arXiv.1803.01498. Coefficient: Allouah et al. 2023,
    doi:10.48550/arXiv.2302.01772.

    Examples
    --------
    >>> TrimmedMean(f=1)([[1.0], [2.0], [6.0], [1e30]])
    array([4.])
    """

    f: int

    def __post_init__(self) -> None:
        require_count("f", self.f, 0)

    def tolerated(self, n: int) -> int:
        """Return f."""
        return self.f

    def condition(self) -> tuple[int, str]:
        """Return n > 2f."""
        return 2 * self.f + 1, "n > 2f"

    def combine(self, values: FloatArray, lost: int) -> Outcome:
        """Trim what is left of f at both ends."""
        drop = self.f - lost
        return Outcome(column_rank_mean(values, drop, len(values) - drop))
