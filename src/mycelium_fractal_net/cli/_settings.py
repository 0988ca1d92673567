"""From options to a configuration: one option for each field of ``SimulationConfig``, made from the model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
import typer
from pydantic.fields import FieldInfo

from mycelium_fractal_net._checks import one_line
from mycelium_fractal_net._inputs import parse_json, parse_toml, parse_yaml, read_bytes
from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError
from mycelium_fractal_net.fields import (
    PRESETS,
    REGIMES,
    Change,
    SimulationConfig,
    Stimulus,
    list_kinetics,
    load_kinetics_file,
)

__all__ = [
    "complete_kinetics",
    "kinetics_file_parameter",
    "option_names",
    "parse_entry",
    "parse_parameters",
    "read_mapping",
    "simulation_options",
]


_REPEATED = {"kinetics_parameters": "--parameter", "schedule": "--change", "stimuli": "--stimulus"}
_ENTRIES: dict[str, type[Change | Stimulus]] = {"schedule": Change, "stimuli": Stimulus}


def simulation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--preset``, ``--regime``, ``--config`` and an option for every field of ``SimulationConfig``.

    The command receives them as one dictionary, its parameter ``settings``: what the preset or regime says, over that
    what the file says, over that what the options say. It holds only what the user gave.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "settings"]
    made = [
        _preset_parameter(),
        _regime_parameter(),
        _config_parameter(),
        kinetics_file_parameter(),
        *map(_field_parameter, SimulationConfig.model_fields.items()),
    ]

    @functools.wraps(command)
    def wrapper(**values: Any) -> Any:
        given = {parameter.name: values.pop(parameter.name) for parameter in made}
        return command(settings=_collect(**given), **values)

    parameters = [*(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *made]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # inspect reads it
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper


def option_names(field: str) -> str:
    """Return the option of a field.

    Examples
    --------
    >>> option_names("grid_size"), option_names("turing_enabled")
    ('--grid-size', '--turing-enabled/--no-turing-enabled')
    """
    flag = field.replace("_", "-")
    if SimulationConfig.model_fields[field].annotation is bool:
        return f"--{flag}/--no-{flag}"
    return _REPEATED.get(field, f"--{flag}")


def parse_parameters(pairs: Iterable[str]) -> dict[str, float]:
    """Turn ``name=value`` texts into a dictionary.

    Examples
    --------
    >>> parse_parameters(["bias=-0.05", "D_h=2"])
    {'bias': -0.05, 'D_h': 2.0}
    """
    parameters = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        try:
            parameters[name.strip()] = float(text)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise InvalidInputError(f"a parameter must be NAME=VALUE with a number as value; got {pair!r}")
    return parameters


def parse_entry(kind: type[Change | Stimulus], text: str) -> Change | Stimulus:
    """Turn ``name=value,name=value`` into a change or a stimulus.

    Examples
    --------
    >>> parse_entry(Change, "step=10,parameter=bias,value=0.04,over=200")
    Change(step=10, parameter='bias', value=0.04, over=200)
    """
    values: dict[str, Any] = {}
    for pair in text.split(","):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or name in values:
            expected = ",".join(f"{field}=..." for field in kind.model_fields)
            raise InvalidInputError(f"a {kind.__name__.lower()} must be {expected}, each once; got {text!r}")
        values[name] = _number_or_text(value)
    return kind(**values)


def _number_or_text(text: str) -> int | float | str:
    for read in (int, float):
        with suppress(ValueError):
            return read(text)
    return text


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a mapping from JSON, TOML or YAML; of a result that ``mfn simulate`` wrote, its configuration.

    Raises
    ------
    ConfigurationError
        If the file is of another kind, cannot be parsed, or holds something else.
    """
    data = read_bytes(path)
    try:
        content = _parse(path.suffix.lower(), data)
    except ConfigurationError:
        raise
    except ValueError as error:
        line = getattr(error, "line", None)
        where = f"{path}:{line}" if line else str(path)
        raise ConfigurationError(f"{where} cannot be read: {one_line(error)}") from None
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        got = "names that are not text" if isinstance(content, dict) else type(content).__name__
        raise ConfigurationError(f"{path} must hold a mapping of parameters; got {got}")
    return dict(content["config"]) if isinstance(content.get("config"), dict) else content


def _parse(suffix: str, data: bytes) -> Any:
    if suffix == ".json":
        return parse_json(data)
    if suffix == ".toml":
        return parse_toml(data)
    if suffix in {".yaml", ".yml"}:
        return parse_yaml(data)[0]
    raise ConfigurationError(f"a configuration file must end in .json, .toml or .yaml; got {suffix!r}")


def _collect(
    preset: str | None, regime: str | None, config: Path | None, kinetics_file: Path | None, **options: Any
) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if preset is not None and regime is not None:
        raise InvalidInputError("--preset and --regime are both starting points; give one of them")
    if kinetics_file is not None:
        load_kinetics_file(kinetics_file)
    if preset is not None:
        settings |= PRESETS[preset]
    if regime is not None:
        settings |= REGIMES[regime].settings
    if config is not None:
        settings |= read_mapping(config)
        named = settings.pop("kinetics_file", None)
        if named is not None:
            load_kinetics_file(config.parent / str(named))
    pairs = options.pop("kinetics_parameters")
    if pairs:
        options["kinetics_parameters"] = {
            **settings.get("kinetics_parameters", {}),
            **parse_parameters(pairs),
        }
    for name, kind in _ENTRIES.items():
        options[name] = [parse_entry(kind, text) for text in options[name] or ()] or None
    given = {name: value for name, value in options.items() if value is not None}
    for one, other in (("domain", "grid_size"), ("grid_size", "domain")):
        if one in given and other not in given:
            settings.pop(other, None)
    return settings | given


def _keyword(name: str, annotation: Any, option: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[annotation | None, option]
    )


def _preset_parameter() -> inspect.Parameter:
    option = typer.Option("--preset", click_type=click.Choice(list(PRESETS)), help="Named starting point.")
    return _keyword("preset", str, option)


def _regime_parameter() -> inspect.Parameter:
    option = typer.Option(
        "--regime", click_type=click.Choice(list(REGIMES)), help="Named regime; mfn regimes lists them."
    )
    return _keyword("regime", str, option)


def _config_parameter() -> inspect.Parameter:
    option = typer.Option("--config", exists=True, dir_okay=False, help="Parameters from JSON, TOML or YAML.")
    return _keyword("config", Path, option)


def kinetics_file_parameter() -> inspect.Parameter:
    """Return the option ``--kinetics-file``."""
    option = typer.Option(
        "--kinetics-file", exists=True, dir_okay=False, help="Python file that registers kinetics; it is executed."
    )
    return _keyword("kinetics_file", Path, option)


def complete_kinetics(incomplete: str) -> list[str]:
    """Return the names of kinetics that begin so, for the shell."""
    return [name for name in list_kinetics() if name.startswith(incomplete)]


def _field_parameter(item: tuple[str, FieldInfo]) -> inspect.Parameter:
    name, field = item
    kind = _plain_type(field.annotation)
    text = field.description or ""
    if name == "kinetics_parameters":
        option = typer.Option("--parameter", "-p", metavar="NAME=VALUE", help=f"{text} Repeatable.")
        return _keyword(name, list[str], option)
    if name in _ENTRIES:
        form = ",".join(_ENTRIES[name].model_fields)
        option = typer.Option(option_names(name), metavar="NAME=VALUE,...", help=f"{text} Names: {form}. Repeatable.")
        return _keyword(name, list[str], option)
    help_text = f"{text} [default: {_shown(field.default)}]"
    if name == "kinetics":
        return _keyword(name, str, typer.Option(option_names(name), help=help_text, autocompletion=complete_kinetics))
    if get_origin(kind) is Literal:
        values = get_args(kind)
        if isinstance(values[0], int):
            return _keyword(name, int, typer.Option(option_names(name), help=f"{help_text} One of {values}."))
        choice = click.Choice(list(values))
        return _keyword(name, str, typer.Option(option_names(name), click_type=choice, help=help_text))
    return _keyword(name, kind, typer.Option(option_names(name), help=help_text))


def _plain_type(annotation: Any) -> Any:
    """Return the type without what pydantic notes beside it."""
    if get_origin(annotation) is Annotated:
        return _plain_type(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return next(_plain_type(part) for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is tuple:
        return tuple[tuple(_plain_type(part) for part in get_args(annotation))]  # type: ignore[misc] # made at run time
    return annotation


def _shown(default: Any) -> str:
    return " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
