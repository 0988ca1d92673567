import sys
from typing import Any

import click
import pydantic
import pytest

from mycelium_fractal_net import errors
from mycelium_fractal_net.cli._errors import describe, exit_code


class _Model(pydantic.BaseModel):
    size: int = pydantic.Field(ge=4)
    name: str = "x"


def _validation_error(**values: Any) -> pydantic.ValidationError:
    with pytest.raises(pydantic.ValidationError, match="size") as caught:
        _Model(**values)
    return caught.value


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.CancelledError("stop"), 130),
        (errors.DivergedError("boom", step=3), 1),
        (errors.InvalidInputError("no"), 2),
        (errors.StabilityError("no"), 2),
        (errors.MissingExtraError("no"), 2),
        (errors.CheckpointError("no"), 2),
        (click.UsageError("no"), 2),
        (click.ClickException("no"), 2),
        (FileNotFoundError(2, "No such file", "x"), 2),
        (_validation_error(size=1), 2),
        (ZeroDivisionError(), 70),
        (ValueError("from somewhere inside"), 70),
    ],
)
def test_exit_code_of_each_kind_of_error(error: Exception, code: int) -> None:
    assert exit_code(error) == code


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (errors.StabilityError("too\n fast"), "mfn: too fast [UNSTABLE_PARAMETERS]"),
        (click.ClickException("no"), "mfn: no"),
        (click.UsageError("no"), "mfn: no (see mfn --help)"),
        (FileNotFoundError(2, "No such file", "a.json"), "mfn: a.json: No such file"),
        (OSError("disk"), "mfn: disk"),
        (
            _validation_error(size=1),
            "mfn: size: Input should be greater than or equal to 4; got 1 [INVALID_INPUT]",
        ),
    ],
)
def test_every_error_is_one_line(error: Exception, line: str) -> None:
    assert describe(error) == line


def test_all_offending_fields_are_named() -> None:
    assert describe(_validation_error(size="a", name=3)).count("; got ") == 2


def test_a_missing_field_is_named_without_its_whole_mapping() -> None:
    assert describe(_validation_error()) == "mfn: size: Field required [INVALID_INPUT]"


def test_pydantic_is_not_needed_to_tell_errors_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pydantic")
    assert exit_code(ZeroDivisionError()) == 70
