"""Every exception the package raises on purpose.

::

    MFNError
    ├── InvalidInputError (ValueError)      an argument, array or file is not usable
    │   └── StabilityError                  parameters for which the time step is unstable
    ├── ConfigurationError (ValueError)     settings, scenario or configuration file
    ├── DivergedError (ArithmeticError)     a field left the finite numbers while it ran
    ├── CancelledError                      the caller asked a computation to stop
    ├── AggregationError (ValueError)       a robust rule's conditions do not hold
    ├── CheckpointError                     a checkpoint cannot be read or does not fit
    └── MissingExtraError (ImportError)     an optional dependency is not installed

Each class carries a stable ``code`` in UPPER_SNAKE; the service maps codes to HTTP, gRPC and WebSocket answers.
"""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

__all__ = [
    "AggregationError",
    "CancelledError",
    "CheckpointError",
    "ConfigurationError",
    "DivergedError",
    "InvalidInputError",
    "MFNError",
    "MissingExtraError",
    "StabilityError",
]


class MFNError(Exception):
    """The root: anything that this package refuses or fails at.

    Parameters
    ----------
    message : str
        What was expected, what came, and what to do.
    details : dict
        Machine-readable facts, for example ``field="alpha", value=3.0``.
    """

    code: ClassVar[str] = "MFN_ERROR"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive pickling, copying and the way between processes with all that the error carries."""
        return _restore, (type(self), self.args, {name: _portable(value) for name, value in vars(self).items()})

    def __copy__(self) -> MFNError:
        return _restore(type(self), self.args, vars(self))


def _restore(cls: type[MFNError], args: tuple[Any, ...], state: dict[str, Any]) -> MFNError:
    error = cls.__new__(cls, *args)
    error.args = args
    vars(error).update(state)
    return error


def _portable(value: Any) -> Any:
    """Return the value, or a text in place of what cannot be pickled: an error that cannot travel hides its cause."""
    if isinstance(value, dict):
        return {name: _portable(inner) for name, inner in value.items()}
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 # whatever a foreign object raises when it is asked to travel
        return repr(value)
    return value


class InvalidInputError(MFNError, ValueError):
    """An argument, an array or a file is not usable."""

    code = "INVALID_INPUT"


class StabilityError(InvalidInputError):
    """The parameters make the explicit time step unstable."""

    code = "UNSTABLE_PARAMETERS"


class ConfigurationError(MFNError, ValueError):
    """Settings, a scenario or a configuration file are wrong."""

    code = "INVALID_CONFIGURATION"


class DivergedError(MFNError, ArithmeticError):
    """A field left the finite numbers; ``step`` says when."""

    code = "NUMERICAL_DIVERGENCE"

    def __init__(self, message: str, *, step: int, **details: Any) -> None:
        super().__init__(message, step=step, **details)
        self.step = step


class CancelledError(MFNError):
    """The caller asked a computation to stop before its end."""

    code = "CANCELLED"


class AggregationError(MFNError, ValueError):
    """The conditions of a robust aggregation rule do not hold."""

    code = "AGGREGATION_FAILED"


class CheckpointError(MFNError):
    """A checkpoint cannot be read, or belongs to another version."""

    code = "INVALID_CHECKPOINT"


class MissingExtraError(MFNError, ImportError):
    """An optional dependency is not installed."""

    code = "MISSING_EXTRA"

    @classmethod
    def for_extra(cls, extra: str, package: str) -> MissingExtraError:
        """Make the error that names the command to run."""
        return cls(
            f'{package} is not installed. Run: pip install "mycelium-fractal-net[{extra}]"',
            extra=extra,
            package=package,
        )
