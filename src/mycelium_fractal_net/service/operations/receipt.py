"""What identifies a result: same receipt, same bits, from any front door."""

from __future__ import annotations

import hashlib

import numpy as np
from pydantic import BaseModel, Field

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.fields import SimulationResult

__all__ = ["Receipt", "receipt_of"]


class Receipt(BaseModel):
    """Seed, parameters, code and result."""

    seed: int = Field(description="Seed of every random process.")
    parameters_digest: str = Field(description="SHA-256 of the canonical parameters: SimulationConfig.digest().")
    initial_field_digest: str | None = Field(description="SHA-256 of the initial field's doubles, if one was given.")
    version: str = Field(description="Version of the package that computed it.")
    result_digest: str = Field(description="SHA-256 of fields and counters: SimulationResult.digest.")


def receipt_of(result: SimulationResult, initial_field_mv: np.ndarray | None) -> Receipt:
    """Make the receipt of a result."""
    start = None
    if initial_field_mv is not None:
        start = hashlib.sha256(np.ascontiguousarray(initial_field_mv, dtype="<f8").tobytes()).hexdigest()
    return Receipt(
        seed=result.config.seed,
        parameters_digest=result.config.digest(),
        initial_field_digest=start,
        version=__version__,
        result_digest=result.digest,
    )
