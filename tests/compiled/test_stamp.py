"""A stamp covers what a kernel computes, dependencies included, and nothing else."""

from types import FunctionType
from typing import Any

import pytest

from mycelium_fractal_net._compiled.stamp import stamp_of

TEXT = """
import numpy as np
SCALE = 2.0
def inner(x):
    '''Describe.'''
    return SCALE * x
def outer(x, y=1):
    return inner(x) + np.sqrt(y)
"""


def stamp(text: str = TEXT, *, file: str = "one.py", **options: Any) -> str:
    namespace: dict[str, Any] = {"__name__": "module"}
    exec(compile(text, file, "exec"), namespace)  # noqa: S102
    function = namespace["outer"]
    assert isinstance(function, FunctionType)
    return stamp_of(function, options)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCALE = 2.0", "SCALE = 2.5"),  # a constant of a function that it calls
        ("SCALE = 2.0", "SCALE = 2"),
        ("SCALE * x", "SCALE / x"),  # the function that it calls
        ("np.sqrt", "np.exp"),
        ("y=1", "y=2"),
        ("inner(x) +", "inner(y) +"),
    ],
)
def test_what_a_kernel_computes_is_in_its_stamp(old: str, new: str) -> None:
    assert old in TEXT
    assert stamp(TEXT.replace(old, new)) != stamp()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'''Describe.'''", "'''Say more.'''"),
        ("import", "# a comment\n\nimport"),
        ("SCALE = 2.0", "OTHER, SCALE = 1, 2.0"),
    ],
)
def test_words_lines_and_what_it_does_not_use_are_not(old: str, new: str) -> None:
    assert stamp(TEXT.replace(old, new, 1)) == stamp()


def test_the_place_of_the_source_does_not_count_but_options_do() -> None:
    assert stamp(file="/elsewhere/two.py") == stamp()
    assert stamp(fastmath={"contract", "reassoc"}) == stamp(fastmath={"reassoc", "contract"}) != stamp()


def test_functions_that_call_each_other_have_a_stamp() -> None:
    text = "def outer(n):\n    return inner(n)\ndef inner(n):\n    return outer(n - 1) if n else {}"
    assert stamp(text.format(0)) == stamp(text.format(0)) != stamp(text.format(1))
