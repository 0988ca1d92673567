"""Exponents with what is known of their errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCKS", "Growth", "LyapunovEstimate", "with_error"]

BLOCKS = 20
_SIGMAS = 3.0
_ROUNDING = 1e-9


def with_error(value: float, error: float) -> str:
    """Return a number with its standard error, and no digit beyond the error's second.

    Examples
    --------
    >>> with_error(-0.0051234, 0.00047), with_error(0.69314718, 0.0), with_error(0.9, math.nan)
    ('-0.00512 +- 0.00047', '0.693147', '0.9 +- unknown')
    """
    if not math.isfinite(value):
        return f"{value}"
    if math.isnan(error):
        return f"{value:.1g} +- unknown"
    if error < 0.5e-6 * abs(value):
        return f"{value:.6g}"
    places = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{places}f} +- {error:.{places}f}"


@dataclass(frozen=True, eq=False)
class LyapunovEstimate:
    """Lyapunov exponents, how far they are known, and whether they have converged.

    Attributes
    ----------
    exponents : ndarray of float64, shape (d,)
        Descending.
    standard_errors : ndarray of float64, shape (d,)
        From the spread of 20 successive blocks; NaN for fewer than 20 steps, and for -inf.
    converged : bool
        Whether the first and the second half agree within three standard errors of their difference; for a flow
        also whether half the time step gives the same within three standard errors.
    reason : str
        Why not; empty if converged.
    """

    exponents: NDArray[np.float64]
    standard_errors: NDArray[np.float64]
    converged: bool
    reason: str = ""

    def __str__(self) -> str:
        """Return the exponents with their errors, as many digits as there are."""
        pairs = zip(self.exponents.tolist(), self.standard_errors.tolist(), strict=True)
        return ", ".join(with_error(exponent, error) for exponent, error in pairs)

    def compared(self, finer: LyapunovEstimate) -> LyapunovEstimate:
        """Return this estimate, not converged if it differs from one of half the time step beyond both errors."""
        if not (self.converged and finer.converged):
            return (
                self
                if not self.converged
                else LyapunovEstimate(self.exponents, self.standard_errors, False, finer.reason)
            )
        gap = np.abs(self.exponents - finer.exponents)
        allowed = _SIGMAS * np.hypot(self.standard_errors, finer.standard_errors) + _ROUNDING
        if not (gap > allowed).any():
            return self
        reason = f"half the time step gives {finer}; shorten dt"
        return LyapunovEstimate(self.exponents, self.standard_errors, False, reason)


class Growth:
    """The logarithms of growth of a frame, in all and in 20 successive blocks.

    Parameters
    ----------
    dimension : int
        How many exponents.
    steps : int
        How many steps will be added.
    """

    def __init__(self, dimension: int, steps: int) -> None:
        self._steps = steps
        self._blocks = np.zeros((min(BLOCKS, steps), dimension))
        self._lengths = np.zeros(len(self._blocks))
        self._total = np.zeros(dimension)
        self._count = 0

    def add(self, logarithms: Any) -> None:
        """Add a step."""
        block = self._count * len(self._blocks) // self._steps
        self._blocks[block] += logarithms
        self._lengths[block] += 1.0
        self._total += logarithms
        self._count += 1

    def estimate(self, unit: float = 1.0) -> LyapunovEstimate:
        """Return the mean growth for each step, over ``unit``, descending."""
        order = np.argsort(self._total)[::-1]
        exponents = (self._total / self._count)[order] / unit
        with np.errstate(invalid="ignore"):
            means = (self._blocks / self._lengths[:, None])[:, order] / unit
            errors = (
                np.asarray(means.std(axis=0, ddof=1) / math.sqrt(BLOCKS)) if self._steps > 1 else exponents * np.nan
            )
        if len(means) < BLOCKS:
            reason = f"{self._steps} steps are too few to tell; take at least {BLOCKS}"
            return LyapunovEstimate(exponents, errors * np.nan, False, reason)
        with np.errstate(invalid="ignore"):
            drift = np.abs(means[: BLOCKS // 2].mean(axis=0) - means[BLOCKS // 2 :].mean(axis=0))
            drifts = drift > 2.0 * _SIGMAS * errors + _ROUNDING * np.maximum(1.0, np.abs(exponents))
        errors[~np.isfinite(exponents)] = np.nan
        reason = "the first and the second half differ beyond their errors; take more steps" if drifts.any() else ""
        return LyapunovEstimate(exponents, errors, not reason, reason)
