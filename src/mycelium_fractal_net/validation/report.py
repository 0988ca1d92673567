"""What the self-check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Check", "ValidationReport"]


@dataclass(frozen=True)
class Check:
    """One scientific check: a number or a text against what it must be.

    Attributes
    ----------
    name : str
        What is checked.
    expected, got : float or str
        What it must be, and what came out.
    tolerance : float
        Largest absolute difference that passes; 0 for texts.
    passed : bool
        The verdict.
    reference : str
        Where the expected value comes from.
    """

    name: str
    expected: float | str
    got: float | str
    tolerance: float
    passed: bool
    reference: str

    @classmethod
    def number(cls, name: str, expected: float, got: float, tolerance: float, reference: str) -> Check:
        """Compare two numbers; NaN never passes."""
        return cls(name, float(expected), float(got), tolerance, bool(abs(got - expected) <= tolerance), reference)

    @classmethod
    def same(cls, name: str, expected: str, got: str, reference: str) -> Check:
        """Compare two texts."""
        return cls(name, expected, got, 0.0, expected == got, reference)

    @classmethod
    def broken(cls, name: str, error: Exception) -> Check:
        """Report a check that could not be carried out."""
        return cls(name, "no error", f"{type(error).__name__}: {error}"[:200], 0.0, False, "the check itself failed")


@dataclass(frozen=True)
class ValidationReport:
    """The scientific checks, the learnability check, and the numbers of one example.

    Attributes
    ----------
    checks : tuple of Check
        Every check, in order.
    loss_start, loss_final, loss_drop : float
        Mean squared error of the network on its training fields before and after training, and the difference;
        the target has unit variance.
    r2_held_out : float
        Coefficient of determination on fields that the network has not seen.
    target : str
        The parameter that is learnt from the features.
    pot_min_mv, pot_max_mv, example_fractal_dim, growth_events
        Of the example with the caller's parameters.
    lyapunov_exponent, lyapunov_standard_error, lyapunov_converged
        Of the example with the caller's parameters.
    nernst_symbolic_mv, nernst_numeric_mv : float
        Potassium at 5 and 140 mM, 310.15 K: from the exact formula with 50 digits, and from the library.
    """

    checks: tuple[Check, ...]
    loss_start: float
    loss_final: float
    loss_drop: float
    r2_held_out: float
    target: str
    pot_min_mv: float
    pot_max_mv: float
    example_fractal_dim: float
    lyapunov_exponent: float
    lyapunov_standard_error: float
    lyapunov_converged: bool
    growth_events: int
    nernst_symbolic_mv: float
    nernst_numeric_mv: float

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        return {**asdict(self), "checks": [asdict(check) for check in self.checks], "passed": self.passed}
