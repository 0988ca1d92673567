"""Scientific self-check of an installation."""

from mycelium_fractal_net.validation.report import Check, ValidationReport
from mycelium_fractal_net.validation.validate import validate

__all__ = ["Check", "ValidationReport", "validate"]
