"""Where and when growth events happened."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["GrowthEvent"]


class GrowthEvent(NamedTuple):
    """One cell's potential jumps.

    Attributes
    ----------
    step : int
        The step that the event is part of, from 1 on.
    row, column : int
        The cell.
    jump_mv : float
        How much its potential rises, in mV.
    """

    step: int
    row: int
    column: int
    jump_mv: float
