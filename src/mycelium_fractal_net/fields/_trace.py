"""Trace a kinetics function into straight-line arithmetic that can be compiled, hashed and evaluated.

A kinetics uses only ``+ - * /``, unary minus and small integer powers, so one call with recording arguments shows
all that it ever does. The recording keeps the order of the operations: what is compiled from it rounds exactly as
the function itself does on NumPy arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from mycelium_fractal_net.errors import InvalidInputError

__all__ = ["Trace", "trace"]

_MAX_POWER = 16


@dataclass
class _Tape:
    lines: list[str] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)

    def record(self, expression: str) -> _Number:
        name = self.known.get(expression)
        if name is None:
            name = self.known[expression] = f"t{len(self.lines)}"
            self.lines.append(f"{name} = {expression}")
        return _Number(name, self)

    def name_of(self, value: Any) -> str:
        if isinstance(value, _Number):
            return value.name
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise InvalidInputError(
                f"a kinetics may combine its arguments with plain numbers only, got {type(value).__name__}"
            )
        number = _finite(value)
        known = [repr(constant) for constant in self.constants]
        if repr(number) not in known:
            self.constants.append(number)
            known.append(repr(number))
        return f"C{known.index(repr(number))}"


def _finite(value: Any) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidInputError(f"the constants of a kinetics must be finite, got {value!r:.40}")
    return number


class _Number:
    """A recording stand-in for one argument or intermediate result."""

    __slots__ = ("name", "tape")
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment] # a number that is not known yet has no hash

    def __init__(self, name: str, tape: _Tape) -> None:
        self.name = name
        self.tape = tape

    def _binary(self, operator: str, other: Any, *, swapped: bool = False) -> _Number:
        left, right = self.name, self.tape.name_of(other)
        if swapped:
            left, right = right, left
        return self.tape.record(f"{left} {operator} {right}")

    def __add__(self, other: Any) -> _Number:
        return self._binary("+", other)

    def __radd__(self, other: Any) -> _Number:
        return self._binary("+", other, swapped=True)

    def __sub__(self, other: Any) -> _Number:
        return self._binary("-", other)

    def __rsub__(self, other: Any) -> _Number:
        return self._binary("-", other, swapped=True)

    def __mul__(self, other: Any) -> _Number:
        return self._binary("*", other)

    def __rmul__(self, other: Any) -> _Number:
        return self._binary("*", other, swapped=True)

    def __truediv__(self, other: Any) -> _Number:
        return self._binary("/", other)

    def __rtruediv__(self, other: Any) -> _Number:
        return self._binary("/", other, swapped=True)

    def __neg__(self) -> _Number:
        return self.tape.record(f"-{self.name}")

    def __pos__(self) -> _Number:
        return self

    def __pow__(self, exponent: Any) -> _Number:
        if isinstance(exponent, bool) or not isinstance(exponent, int) or not 1 <= exponent <= _MAX_POWER:
            raise InvalidInputError(
                f"a kinetics may raise to whole powers from 1 to {_MAX_POWER} only, got {exponent!r}"
            )
        result = self
        for _ in range(exponent - 1):
            result = result * self
        return result

    def _refuse(self, *_: Any) -> NoReturn:
        raise InvalidInputError(
            "a kinetics must be plain arithmetic (+ - * / and whole powers) on its arguments: no branches, "
            "comparisons or NumPy functions, because those round differently from one processor to the next"
        )

    __bool__ = __float__ = __int__ = __index__ = __abs__ = __floordiv__ = __mod__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __rpow__ = __array__ = __iter__ = __len__ = _refuse

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()


@dataclass(frozen=True)
class Trace:
    """Straight-line program of a kinetics: ``(f, g)`` from ``a``, ``h`` and the parameters."""

    parameters: tuple[str, ...]
    constants: tuple[float, ...]
    lines: tuple[str, ...]
    results: tuple[str, str]

    @property
    def program(self) -> str:
        """The arithmetic as one line of text: equal programs compute the same."""
        return "; ".join((*map(repr, self.constants), *self.parameters, *self.lines, *self.results))

    def replay(self, a: Any, h: Any, **parameters: Any) -> tuple[Any, Any]:
        """Compute the rates as the recorded function did, of floats, arrays or complex numbers."""
        names = {f"C{i}": value for i, value in enumerate(self.constants)} | {"a": a, "h": h}
        names |= {f"p_{name}": value for name, value in parameters.items()}
        exec("\n".join(self.lines), {"__builtins__": {}}, names)  # noqa: S102 # what a trace has recorded: arithmetic
        return names[self.results[0]], names[self.results[1]]

    def source(self, dtype: str) -> str:
        """Return Python text that defines ``reaction(a, h, p)`` with constants of ``dtype``."""
        constants = [f"C{i} = np.{dtype}({value!r})" for i, value in enumerate(self.constants)]
        unpack = [f"{name} = p[{i}]" for i, name in enumerate(self.parameters)]
        body = "\n".join(f"    {line}" for line in (*unpack, *self.lines, f"return {', '.join(self.results)}"))
        return "\n".join(
            [
                *constants,
                "",
                '@njit(nogil=True, error_model="numpy", forceinline=True)',
                "def reaction(a, h, p):",
                body,
            ]
        )


def trace(function: Callable[..., Any], parameters: Mapping[str, float]) -> Trace:
    """Record what a kinetics function does with its arguments.

    Parameters
    ----------
    function : callable
        ``function(a, h, **parameters) -> (f, g)``.
    parameters : mapping
        Names of the parameters; the values are not used.

    Raises
    ------
    InvalidInputError
        When the function does anything but plain arithmetic, or does not return two rates.
    """
    tape = _Tape()
    arguments = {name: _Number(f"p_{name}", tape) for name in parameters}
    try:
        result = function(_Number("a", tape), _Number("h", tape), **arguments)
    except TypeError as error:
        raise InvalidInputError(
            f"a kinetics takes a, h and rate constants and combines them by + - * / and whole powers: {error}"
        ) from error
    if not isinstance(result, tuple) or len(result) != 2:
        raise InvalidInputError(f"a kinetics returns the pair (f, g) of two rates, got {result!r:.80}")
    zero = _Number("a", tape) - _Number("a", tape) if not all(isinstance(r, _Number) for r in result) else None
    f, g = (r.name if isinstance(r, _Number) else (zero + r).name for r in result)
    return Trace(tuple(f"p_{name}" for name in parameters), tuple(tape.constants), tuple(tape.lines), (f, g))
