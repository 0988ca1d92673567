"""The checks that every room shares: what they take, what they refuse, and in which words."""

import os
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mycelium_fractal_net import AggregationError, InvalidInputError
from mycelium_fractal_net._checks import (
    as_array,
    as_choice,
    as_flag,
    as_float64,
    as_number,
    as_whole,
    available_cores,
    did_you_mean,
    shown,
)

NO_NUMBER = [True, np.True_, "1", None, 1j, [1.0], float("nan"), float("inf"), 10**400]


@pytest.mark.parametrize("value", [2, np.int8(2), np.uint64(2)])
def test_whole_numbers_of_every_kind_are_taken(value: Any) -> None:
    assert type(as_whole("n", value, 1, 3)) is int


@pytest.mark.parametrize("value", [0, 4, 2.0, np.float64(2), Fraction(2), *NO_NUMBER[:5]])
def test_other_values_are_no_whole_numbers_in_the_range(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="n must be a whole number from 1 to 3; got "):
        as_whole("n", value, 1, 3)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), Fraction(1, 2)])
def test_real_numbers_of_every_kind_are_taken(value: Any) -> None:
    assert type(as_number("x", value, above=0, most=1)) is float


@pytest.mark.parametrize("value", [0, 1.5, *NO_NUMBER])
def test_other_values_are_no_numbers_in_the_range(value: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"x must be a finite number > 0 and <= 1 mV; got "):
        as_number("x", value, above=0, most=1, unit="mV")


@pytest.mark.parametrize("value", [1, 0, "true", None, [True]])
def test_only_truth_values_are_flags(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="wraps must be True or False; got "):
        as_flag("wraps", value)


def test_a_choice_that_is_nearly_right_is_named() -> None:
    with pytest.raises(
        AggregationError, match=r"rule must be one of krum, median; got 'Meridian'; did you mean 'median'"
    ):
        as_choice("rule", "Meridian", ("krum", "median"), AggregationError)


@pytest.mark.parametrize(("name", "known"), [("setps", "steps"), ("SEED", "seed"), ("grid-size", "grid_size")])
def test_a_slip_of_the_pen_is_recognised(name: str, known: str) -> None:
    assert did_you_mean(name, ["alpha", "grid_size", "seed", "steps"]) == f"; did you mean {known!r}?"


@pytest.mark.parametrize("name", ["", "x", "zzzzzz", "\ud800", 3, None])
def test_nothing_is_suggested_for_what_is_far_from_all(name: Any) -> None:
    assert did_you_mean(name, ["alpha", "steps"]) == ""


@pytest.mark.parametrize(
    "value",
    ["x" * 10**7, [0] * 10**6, {"a": "b" * 10**6}, 10**5000, -(10**5000), [10**5000], b"\0" * 10**6, "a\nb\r\n"],
    ids=lambda value: type(value).__name__,
)
def test_what_is_shown_is_one_short_line(value: Any) -> None:
    text = shown(value)
    assert len(text) <= 80
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("value", [np.ma.masked_equal([1.0, 2.0], 2.0), [[1.0], [1.0, 2.0]]])
def test_an_array_is_whole_and_rectangular(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="field must be "):
        as_array("field", value, "numbers")


@pytest.mark.parametrize("value", [[True, 1.0], np.ones(2, bool), "1", [1j], [None], 10**400])
def test_float64_takes_real_numbers_only(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="x must be "):
        as_float64("x", value)


def test_cores_are_counted_where_the_system_cannot_tell_which_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert available_cores() == (os.cpu_count() or 1)
