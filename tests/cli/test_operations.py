"""The command line asks for what the table of operations lists: the same names, defaults and bounds."""

from typing import Any

import click
import pytest

from mycelium_fractal_net.cli._lazy import COMMANDS, load
from mycelium_fractal_net.service.operations import OPERATIONS

SHARED = ("simulate", "features", "stability", "nernst", "aggregate", "validate")
OWN = {("features", "periodic"), ("stability", "kinetics")}  # as the file says; an argument
REQUESTS: dict[str, Any] = {name: OPERATIONS[name].request for name in SHARED}
OPTIONS = [
    (name, option)
    for name in SHARED
    for option in load(COMMANDS[name]).params
    if option.name in REQUESTS[name].model_fields and (name, option.name) not in OWN
]
BOUNDED = [(name, option) for name, option in OPTIONS if isinstance(option.type, click.IntRange)]


def told(value: Any) -> str:
    return str(value.name if isinstance(value, click.Parameter) else value)


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=told)
def test_an_option_has_the_default_of_the_operation(name: str, option: click.Parameter) -> None:
    field = REQUESTS[name].model_fields[option.name]
    assert option.required == field.is_required()
    if option.default is not None:
        assert option.default == field.default


@pytest.mark.parametrize(("name", "option"), BOUNDED, ids=told)
def test_an_option_has_the_bounds_of_the_operation(name: str, option: click.Parameter) -> None:
    bounds = REQUESTS[name].model_json_schema()["properties"][option.name]
    choices = [bounds, *bounds.get("anyOf", ())]
    assert isinstance(option.type, click.IntRange)
    for names, mine in ((("minimum", "ge"), option.type.min), (("maximum", "le"), option.type.max)):
        assert mine in {None, *(one.get(name) for one in choices for name in names)}


@pytest.mark.parametrize("name", SHARED)
def test_a_command_is_summed_up_as_its_operation(name: str) -> None:
    verb = OPERATIONS[name].summary.split()[0]
    assert COMMANDS[name].summary.split()[0] in {verb, "Extract"}
