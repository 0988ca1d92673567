"""Turn what a caller passed into numbers, flags and arrays, or say why it cannot be used.

Every room checks its arguments with these. Each takes the name of the argument, which begins the message: what was
expected, and what came. ``error`` is the class to raise.
"""

from __future__ import annotations

import difflib
import math
import os
import reprlib
import time
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.errors import InvalidInputError, MFNError

__all__ = [
    "FloatOrArray",
    "as_array",
    "as_choice",
    "as_flag",
    "as_float64",
    "as_number",
    "as_result",
    "as_whole",
    "available_cores",
    "did_you_mean",
    "is_number",
    "is_whole",
    "one_line",
    "refusal",
    "require",
    "require_one_shape",
    "shown",
    "unlocked",
]

_QUOTAS_HOLD_S = 5.0

FloatOrArray: TypeAlias = Any  # a float for scalars, else an array; a union would force a cast on callers

_LONGEST = 80

_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = _LONGEST
_brief.maxlong = 40
_brief.maxlist = _brief.maxtuple = 24


def shown(value: Any) -> str:
    """Return one line of at most 80 characters that says what came; never the whole of something large.

    Examples
    --------
    >>> shown(list(range(10**6)))
    '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21...'
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}{_extremes(value)}"
    try:
        text = " ".join(_brief.repr(value).split())
    except ValueError:  # Python writes no whole number of more than 4300 digits
        text = f"a whole number of {value.bit_length()} bits" if isinstance(value, int) else type(value).__name__
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def one_line(text: object, most: int = 200) -> str:
    """Return what another library says as one printable line of at most ``most`` characters."""
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in str(text)[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def refusal(name: str, expected: str, value: Any, error: type[MFNError] = InvalidInputError) -> MFNError:
    """Make the error that says what was expected and what came."""
    text = shown(value)
    return error(f"{name} must be {expected}; got {text}", field=name, value=text)


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'steps'?"`` if a known name is near, else nothing.

    Examples
    --------
    >>> did_you_mean("setps", ["seed", "steps"])
    "; did you mean 'steps'?"
    """
    near = difflib.get_close_matches(str(name)[:_LONGEST].lower(), {text.lower(): text for text in known}, 1, 0.6)
    return f"; did you mean {next(text for text in known if text.lower() == near[0])!r}?" if near else ""


def is_whole(value: Any) -> bool:
    """Tell a whole number; a truth value is none."""
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


def is_number(value: Any) -> bool:
    """Tell a real number that float64 holds and that is finite; a truth value is none."""
    try:
        return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def as_flag(name: str, value: Any, error: type[MFNError] = InvalidInputError) -> bool:
    """Return a truth value; refuse anything that merely could be read as one."""
    if not isinstance(value, bool | np.bool_):
        raise refusal(name, "True or False", value, error)
    return bool(value)


def as_whole(
    name: str, value: Any, least: int, most: int | None = None, error: type[MFNError] = InvalidInputError
) -> int:
    """Return a whole number that is at least ``least`` and at most ``most``, or refuse it."""
    if not is_whole(value) or value < least or (most is not None and value > most):
        within = f">= {least}" if most is None else f"from {least} to {most}"
        raise refusal(name, f"a whole number {within}", value, error)
    return int(value)


def as_number(
    name: str,
    value: Any,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    unit: str = "",
    error: type[MFNError] = InvalidInputError,
) -> float:
    """Return a finite number within bounds, ``least`` and ``most`` included, ``above`` and ``below`` not, or refuse it.

    Examples
    --------
    >>> as_number("share", 1.5, above=0, most=1)
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.errors.InvalidInputError: share must be a finite number > 0 and <= 1; got 1.5
    """
    if not (is_number(value) and least <= value <= most and above < value < below):
        bounds = ((">=", least), (">", above), ("<=", most), ("<", below))
        within = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if math.isfinite(bound))
        raise refusal(name, " ".join(filter(None, ("a finite number", within, unit))), value, error)
    return float(value)


def as_choice(name: str, value: Any, known: Collection[str], error: type[MFNError] = InvalidInputError) -> str:
    """Return one of the known texts, or refuse it with them and the one that was perhaps meant."""
    if not isinstance(value, str) or value not in known:
        near = did_you_mean(value, known) if isinstance(value, str) else ""
        text = shown(value)
        raise error(f"{name} must be one of {', '.join(known)}; got {text}{near}", field=name, value=text)
    return value


def as_array(name: str, value: Any, expected: str, error: type[MFNError] = InvalidInputError) -> NDArray[Any]:
    """Return a rectangular array of anything without masked cells, or say what was expected."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise refusal(name, "an array without masked cells (fill them first)", value.filled(), error)
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        raise refusal(name, expected, value, error) from None


def unlocked(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that compiled loops take as they take others: the one behind a read-only view, or a copy.

    It is for reading all the same. For a read-only array a kernel would be compiled a second time.
    """
    if array.flags.writeable:
        return array
    base = array.base
    if isinstance(base, np.ndarray) and base.flags.writeable and base.dtype == array.dtype:
        same = (base.shape, base.strides, base.ctypes.data) == (array.shape, array.strides, array.ctypes.data)
        return base if same else array.copy()
    return array.copy()


def as_float64(name: str, value: Any, error: type[MFNError] = InvalidInputError) -> NDArray[np.float64]:
    """Return real numbers of any shape as float64; refuse truth values, text, complex numbers and objects."""
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        try:
            return np.asarray(float(value), dtype=np.float64)
        except OverflowError:
            raise refusal(name, "a number that float64 can hold", value, error) from None
    if _holds_truth_values(value):
        raise refusal(name, "a number, not a boolean", value, error)
    array = as_array(name, value, "numbers in a rectangular array", error)
    if array.dtype.kind not in "iuf":
        raise refusal(name, "a real number or an array of real numbers", value, error)
    return array.astype(np.float64)


def require(
    name: str,
    value: NDArray[np.float64],
    valid: NDArray[np.bool_],
    expected: str,
    error: type[MFNError] = InvalidInputError,
) -> None:
    """Raise with the first offending value unless ``valid`` holds everywhere."""
    if not valid.all():
        raise refusal(name, expected, float(np.broadcast_to(value, valid.shape)[~valid][0]), error)


def require_one_shape(*arrays: NDArray[np.float64]) -> None:
    """Raise unless the arrays broadcast against each other."""
    shapes = [array.shape for array in arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise InvalidInputError(f"arrays must have shapes that broadcast against each other; got {shapes}") from None


def as_result(array: NDArray[np.float64]) -> FloatOrArray:
    """Give a Python float for a scalar question, the array otherwise."""
    return float(array) if array.ndim == 0 else array


def available_cores(root: str = "/") -> int:
    """Return how many cores this process may keep busy: those of its affinity mask, and of its control group's quota.

    A quota of two and a half cores counts as two: a third thread would spend half of its time stopped. A quota that
    changes is noticed within five seconds.

    Parameters
    ----------
    root : str
        Where ``proc`` and ``sys`` lie.
    """
    mask = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(mask, _least_quota(root, int(time.monotonic() / _QUOTAS_HOLD_S)))))


@lru_cache(maxsize=8)
def _least_quota(root: str, _period: int) -> float:
    """Read the quotas once in a period: a rule that takes a millisecond asks for the cores each time."""
    return min(_quotas(root), default=math.inf)


def _quotas(root: str) -> Iterator[float]:
    """Yield the quotas in cores of the control group of this process and of those above it; version 2, then 1."""
    try:
        lines = Path(root, "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers not in {"", "cpu", "cpu,cpuacct"}:
            continue
        top = Path(root, "sys/fs/cgroup", controllers)
        own = top / group.lstrip("/")
        for step in (own, *own.parents):
            if step.is_relative_to(top):
                yield from _quota(step)


def _quota(group: Path) -> Iterator[float]:
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((group / name).read_text() for name in names).split()
            if quota not in {"max", "-1"}:
                yield int(quota) / int(period)
        except (OSError, ValueError, ZeroDivisionError):
            continue  # another version, or no limit


def _holds_truth_values(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return True
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind == "b")
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return False
    return any(_holds_truth_values(item) for item in value)


def _extremes(array: NDArray[Any]) -> str:
    if array.dtype.kind not in "iuf" or array.size == 0:
        return ""
    return f" with values from {array.min():g} to {array.max():g}"
