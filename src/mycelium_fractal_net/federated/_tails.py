"""Exact chances that a random leaf, and bounds that a whole tree, holds too many hostile clients."""

from __future__ import annotations

from math import comb, exp, log, log1p

__all__ = ["captured_leaves_bound", "hypergeometric_tail", "smallest_tolerance"]

_LEAST = 5e-324


def hypergeometric_tail(population: int, hostile: int, sample: int, f: int) -> float:
    r"""Return the chance that more than f of `sample` clients drawn without replacement are hostile.

    .. math:: P(X > f) = \sum_{k > f} \binom{H}{k} \binom{N-H}{m-k} / \binom{N}{m}

    Summed in integers and divided once, so the result is correctly rounded; a chance too small for a double is
    given as the least one, 5e-324, and never as 0.

    Examples
    --------
    >>> hypergeometric_tail(10, 2, 5, 1)
    0.2222222222222222
    """
    ways = sum(_ways(population, hostile, sample, f + 1))
    return max(ways / comb(population, sample), _LEAST) if ways else 0.0


def smallest_tolerance(population: int, hostile: int, sample: int, chance: float) -> int:
    """Return the least f for which the tail is at most `chance`."""
    ways = _ways(population, hostile, sample, 0)
    total = comb(population, sample)
    tail = 0
    for f in range(len(ways) - 1, -1, -1):
        if (tail + ways[f]) / total > chance:
            return f
        tail += ways[f]
    return 0


def _ways(population: int, hostile: int, sample: int, start: int) -> list[int]:
    """Count the samples with exactly k hostile clients, for k = start..min(hostile, sample)."""
    honest = population - hostile
    ways = []
    for k in range(start, min(hostile, sample) + 1):
        if sample - k > honest:
            ways.append(0)
        elif not ways or not ways[-1]:
            ways.append(comb(hostile, k) * comb(honest, sample - k))
        else:
            step = (hostile - k + 1) * (sample - k + 1)
            ways.append(ways[-1] * step // (k * (honest - sample + k)))
    return ways


def captured_leaves_bound(leaves: int, chance: float, tolerated: int) -> float:
    r"""Bound the chance that more than `tolerated` leaves each have what happens with `chance` to one.

    .. math:: P(C \ge k) \le \exp(-L \, \mathrm{KL}(k/L \,\Vert\, p)), \qquad k = \text{tolerated} + 1

    The leaves of one random permutation are negatively associated, so Chernoff's bound for independent
    leaves holds for them too.

    References
    ----------
    Joag-Dev and Proschan, "Negative association of random variables", Annals of Statistics 11 (1983),
    doi:10.1214/aos/1176346079.
    """
    k = tolerated + 1
    if chance == 0.0 or k > leaves:
        return 0.0
    share = k / leaves
    if share <= chance:
        return 1.0
    rest = 0.0 if k == leaves else (1 - share) * (log1p(-share) - log1p(-chance))
    return max(exp(-leaves * (share * log(share / chance) + rest)), _LEAST)
