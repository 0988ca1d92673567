"""Scientific self-check of an installation."""

from mycelium_fractal_net.validation._learning import FIELDS as ENSEMBLE_FIELDS
from mycelium_fractal_net.validation._quick import quick_checks
from mycelium_fractal_net.validation.report import Check, ValidationReport
from mycelium_fractal_net.validation.validate import validate

__all__ = ["ENSEMBLE_FIELDS", "Check", "ValidationReport", "quick_checks", "validate"]
