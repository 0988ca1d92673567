"""Collect what the benchmarks find, print it as a table and keep it beside pytest-benchmark's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

_lines: list[str] = []
_HEAD = "| what | measured | ratio | aim | held |\n|---|---|---|---|---|"


class Report:
    """Rows of the table; what one test adds also goes into the JSON as its ``extra_info``."""

    def __init__(self) -> None:
        self.extra: dict[str, Any] = {}

    def row(self, what: str, values: dict[str, float], unit: str, *, ratio: float, aim: float) -> None:
        """Add a row; an aim below zero is an upper bound."""
        held = ratio <= -aim if aim < 0 else ratio >= aim
        numbers = ", ".join(
            f"{name} {value:.3g}" if value < 100 else f"{name} {value:.0f}" for name, value in values.items()
        )
        bound = f"at most {-aim:g}" if aim < 0 else f"at least {aim:g}"
        _lines.append(f"| {what} | {numbers} {unit} | {ratio:.2f} | {bound} | {'yes' if held else 'no'} |")
        self.extra = {"what": what, "values": values, "unit": unit, "ratio": ratio, "aim": aim, "held": held}

    def note(self, text: str) -> None:
        """Add a line below the table."""
        _lines.append(text)
        self.extra = {"note": text}

    def measure(self, benchmark: Any, function: Callable[[], object]) -> None:
        """Hand the function to pytest-benchmark for a few rounds, with the findings attached."""
        benchmark.extra_info.update(self.extra)
        benchmark.pedantic(function, rounds=2, iterations=1)


@pytest.fixture
def report() -> Report:
    return Report()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _lines:
        terminalreporter.write_line("\n".join(["", _HEAD, *_lines]))
