import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields import get_kinetics, list_kinetics
from mycelium_fractal_net.fields._trace import Trace, trace

BUILT_IN = [
    "brusselator", "classic", "fitzhugh-nagumo", "gierer-meinhardt", "gray-scott", "mycelium", "schnakenberg",
]  # fmt: skip


def run(program: Trace, a: Any, h: Any, *values: float, dtype: str = "float64") -> tuple[Any, Any]:
    """Run a trace's text as plain Python."""
    space: dict[str, Any] = {"np": np, "njit": lambda **_: lambda function: function}
    exec(program.source(dtype), space)  # noqa: S102 - the text under test
    scalar = np.dtype(dtype).type
    return space["reaction"](scalar(a), scalar(h), tuple(map(scalar, values)))  # type: ignore[no-any-return]


def branch(a: Any, h: Any) -> Any:
    return (a, h) if a > 0 else (h, a)


@pytest.mark.parametrize(
    "function",
    [
        branch,
        lambda a, h: (a if a == h else h, h),
        lambda a, h: (abs(a), h),
        lambda a, h: (max(a, h), h),
        lambda a, h: (a and h, h),
        lambda a, h: (float(a), h),
        lambda a, h: (int(a), h),
        lambda a, h: (round(a), h),
        lambda a, h: (math.exp(a), h),
        lambda a, h: (np.exp(a), h),
        lambda a, h: (np.tanh(a) * h, h),
        lambda a, h: (np.where(a > 0, a, h), h),
        lambda a, h: (np.array([a, h]).sum(), h),
        lambda a, h: (a // 2, h),
        lambda a, h: (2 // a, h),
        lambda a, h: (a % 2, h),
        lambda a, h: (a @ h, h),
        lambda a, h: (a[0], h),
        lambda a, h: (sum(a), h),
        lambda a, h: (a.mean(), h),
        lambda a, h: (2**a, h),
        lambda a, h: ({a: 1}, h),
    ],
)
def test_everything_but_arithmetic_is_refused(function: Any) -> None:
    with pytest.raises(InvalidInputError, match="kinetics"):
        trace(function, {})


@pytest.mark.parametrize("power", [0, -1, 17, 0.5, 2.0, True, None, "2"])
def test_powers_are_small_and_whole(power: Any) -> None:
    with pytest.raises(InvalidInputError, match=rf"whole powers from 1 to 16 only, got {power!r}"):
        trace(lambda a, h: (a**power, h), {})


@pytest.mark.parametrize("constant", ["1", True, None, 1j, [1.0], np.ones(2)])
def test_constants_are_plain_numbers(constant: Any) -> None:
    with pytest.raises(InvalidInputError, match="kinetics"):
        trace(lambda a, h: (a * constant, h), {})


@pytest.mark.parametrize("constant", [math.inf, -math.inf, math.nan, 10**400])
def test_constants_are_finite(constant: Any) -> None:
    with pytest.raises(InvalidInputError, match="finite"):
        trace(lambda a, h: (a * constant, h), {})


@pytest.mark.parametrize("result", [None, 1.0, (), (1.0,), (1.0, 2.0, 3.0), [1.0, 2.0], ("f", "g"), (None, 1.0)])
def test_two_rates_come_back(result: Any) -> None:
    with pytest.raises(InvalidInputError, match="kinetics"):
        trace(lambda a, h: result, {})


@pytest.mark.parametrize("function", [lambda: (1.0, 2.0), lambda a: (a, a), lambda a, h, missing: (a, h)])
def test_a_function_that_cannot_be_called_so_is_refused(function: Any) -> None:
    with pytest.raises(InvalidInputError, match="kinetics"):
        trace(function, {})


def test_errors_of_the_function_itself_pass_through() -> None:
    def broken(a: Any, h: Any) -> Any:
        raise LookupError("own trouble")

    with pytest.raises(LookupError, match="own trouble"):
        trace(broken, {})


def test_the_recording_keeps_the_order_of_operations() -> None:
    program = trace(lambda a, h, k: (a * a * h - k, (1 - a) / h), {"k": 0.0})
    assert program.lines == ("t0 = a * a", "t1 = t0 * h", "t2 = t1 - p_k", "t3 = C0 - a", "t4 = t3 / h")
    assert (program.constants, program.results) == ((1.0,), ("t2", "t4"))


def test_what_occurs_twice_is_computed_once() -> None:
    assert trace(lambda a, h: (a * a + 1, a * a - 1), {}).lines == ("t0 = a * a", "t1 = t0 + C0", "t2 = t0 - C0")


def test_zero_keeps_its_sign() -> None:
    program = trace(lambda a, h: (a * 0.0, a * -0.0), {})
    assert math.copysign(1, run(program, 1.0, 1.0)[0]) == 1
    assert math.copysign(1, run(program, 1.0, 1.0)[1]) == -1


@pytest.mark.parametrize("rates", [(0.0, 0.0), (3, -2.5), (np.float64(0.5), 1)])
def test_constant_rates_are_rates_too(rates: Any) -> None:
    assert run(trace(lambda a, h: rates, {}), 0.3, 0.7) == rates


def test_arguments_themselves_can_be_rates() -> None:
    assert run(trace(lambda a, h: (h, +a), {}), 0.3, 0.7) == (0.7, 0.3)
    assert run(trace(lambda a, h: (-h, a**3), {}), 0.5, 0.7) == (-0.7, 0.125)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", BUILT_IN)
@given(a=st.floats(-2, 3, width=32), h=st.floats(0.125, 3, width=32))
def test_the_text_computes_the_bits_of_the_function(name: str, dtype: str, a: float, h: float) -> None:
    model, scalar = get_kinetics(name), np.dtype(dtype).type
    values = [model.parameters[rate] for rate in model.rate_names]
    f, g = model.function(
        np.array([a], dtype), np.array([h], dtype), **dict(zip(model.rate_names, map(scalar, values), strict=True))
    )
    assert run(model.trace, a, h, *values, dtype=dtype) == (f[0], g[0])
    assert f.dtype == g.dtype == np.dtype(dtype)


def test_all_built_in_kinetics_are_listed() -> None:
    assert set(BUILT_IN) <= set(list_kinetics())
