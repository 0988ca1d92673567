import inspect

import pytest

from mycelium_fractal_net import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [cls.code for cls in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(code.isupper() and code.replace("_", "").isalpha() for code in codes)


def test_every_error_is_an_mfn_error_and_is_drawn_in_the_tree() -> None:
    assert all(issubclass(cls, errors.MFNError) for cls in CLASSES)
    assert all(cls.__name__ in inspect.getdoc(errors) for cls in CLASSES)  # type: ignore[operator] # it has one


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (errors.InvalidInputError, ValueError),
        (errors.StabilityError, ValueError),
        (errors.ConfigurationError, ValueError),
        (errors.AggregationError, ValueError),
        (errors.DivergedError, ArithmeticError),
        (errors.MissingExtraError, ImportError),
    ],
)
def test_errors_can_be_caught_as_their_builtin_kin(cls: type[errors.MFNError], builtin: type[Exception]) -> None:
    assert issubclass(cls, builtin)


def test_an_error_carries_its_message_and_its_facts() -> None:
    error = errors.InvalidInputError("alpha is 3", field="alpha", value=3)
    assert str(error) == error.message == "alpha is 3"
    assert error.details == {"field": "alpha", "value": 3}


def test_divergence_says_at_which_step() -> None:
    error = errors.DivergedError("not finite", step=12)
    assert error.step == error.details["step"] == 12


def test_a_missing_extra_names_the_command_to_run() -> None:
    error = errors.MissingExtraError.for_extra("topology", "gudhi")
    assert str(error) == 'gudhi is not installed. Run: pip install "mycelium-fractal-net[topology]"'
    assert error.details == {"extra": "topology", "package": "gudhi"}
