"""Numbers and switches as a configuration takes them: nothing guessed, nothing but finite numbers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

__all__ = ["Flag", "Integer", "Real", "plain"]


def plain(value: Any) -> Any:
    """Turn a NumPy scalar into the Python number it holds, and -0.0 into 0.0."""
    value = value.item() if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0 else value
    return value + 0.0 if isinstance(value, float) else value


Integer = Annotated[int, BeforeValidator(plain)]
Flag = Annotated[bool, BeforeValidator(plain)]
Real = Annotated[float, BeforeValidator(plain), Field(allow_inf_nan=False)]
