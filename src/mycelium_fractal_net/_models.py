"""Models that are checked wherever they are made or copied, and that speak of what is wrong in our own errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, ValidationError

from mycelium_fractal_net._checks import did_you_mean, shown
from mycelium_fractal_net.errors import InvalidInputError, MFNError

__all__ = ["CheckedModel", "own_error"]

_MOST_NAMED = 5
_LENGTHS = {"too_long": "at most {max_length} items", "too_short": "at least {min_length} items"}


class CheckedModel(BaseModel):
    """A frozen pydantic model of which no unchecked copy can be made."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise own_error(error, type(self).__name__, type(self).model_fields) from None

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except ValidationError as error:
            raise own_error(error, type(self).__name__, type(self).model_fields) from None

    def __delattr__(self, name: str) -> None:
        try:
            super().__delattr__(name)
        except ValidationError as error:
            raise own_error(error, type(self).__name__, type(self).model_fields) from None

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Validate a mapping; see pydantic."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise own_error(error, cls.__name__, cls.model_fields) from None

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Validate a JSON text; see pydantic."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            raise own_error(error, cls.__name__, cls.model_fields) from None

    @classmethod
    def model_validate_strings(cls, obj: Any, **options: Any) -> Self:
        """Validate a mapping of texts; see pydantic."""
        try:
            return super().model_validate_strings(obj, **options)
        except ValidationError as error:
            raise own_error(error, cls.__name__, cls.model_fields) from None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002 # frozen
        """Return a copy with some fields replaced, checked as a new one is.

        Parameters
        ----------
        update : mapping, optional
            Fields that differ.
        deep : bool
            Without effect: nothing in the model can change.

        Raises
        ------
        InvalidInputError
            As the constructor.

        Examples
        --------
        >>> import mycelium_fractal_net as mfn
        >>> mfn.SimulationConfig().model_copy(update={"setps": 9})
        Traceback (most recent call last):
        ...
        mycelium_fractal_net.errors.InvalidInputError: SimulationConfig has no field 'setps'; did you mean 'steps'?
        """
        given = {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
        return type(self)(**{**given, **(update or {})})

    def copy(self, **options: Any) -> Self:
        """Do what :meth:`model_copy` does; pydantic's own, deprecated, would check nothing."""
        return self.model_copy(**options)


def own_error(error: ValidationError, model: str, fields: Iterable[str]) -> MFNError:
    """Return the error of ours that a validator raised, or one that lists what pydantic found.

    Parameters
    ----------
    error : ValidationError
        Of a model.
    model : str
        Its name in messages.
    fields : iterable of str
        Its fields, among which one that is unknown was perhaps meant.
    """
    items: list[Any] = list(error.errors(include_url=False))
    causes = [cause for item in items if isinstance(cause := item.get("ctx", {}).get("error"), MFNError)]
    if causes and (len(items) == 1 or causes[0].code != InvalidInputError.code):
        return _placed(causes[0], items[0]["loc"])
    names = list(fields)
    texts = [_text(item, model, names) for item in items[:_MOST_NAMED]]
    if len(items) > _MOST_NAMED:
        texts.append(f"and {len(items) - _MOST_NAMED} more")
    first = items[0]
    where = ".".join(str(part) for part in first["loc"])
    return InvalidInputError("; ".join(texts), field=where, value=shown(first["input"]), errors=len(items))


def _placed(cause: MFNError, path: Sequence[Any]) -> MFNError:
    """Return an error of one entry of a list with the place of that entry, others as they are."""
    if type(cause) is not InvalidInputError or not any(isinstance(part, int) for part in path):
        return cause
    where = ".".join(str(part) for part in path)
    inner = cause.details.get("field")
    field = f"{where}.{inner}" if inner else where
    return InvalidInputError(f"{where}: {cause.message}", **{**cause.details, "field": field})


def _text(item: Any, model: str, fields: list[str]) -> str:
    where = ".".join(str(part) for part in item["loc"] if part != "[key]")
    outermost = len(item["loc"]) == 1
    if item["type"] == "extra_forbidden":
        name = item["loc"][-1]
        return f"{model} has no field {shown(name)}{did_you_mean(name, fields)}" if outermost else f"{where} is unknown"
    if item["type"] == "frozen_instance":
        return f"a {model} is frozen; make another one with model_copy(update={{{where!r}: ...}})"
    if item["type"] == "missing":
        return f"{model} needs {where}; it takes {', '.join(fields)}" if outermost else f"{where} is missing"
    if item["type"] in _LENGTHS:
        return f"{where} must hold {_LENGTHS[item['type']].format(**item['ctx'])}; got {shown(item['input'])}"
    message = str(item["msg"]).removeprefix("Value error, ")
    if message.startswith("Input should "):
        message = f"must {message.removeprefix('Input should ')}"
    got = f"; got {shown(item['input'])}"
    return f"{where} {message}{got}" if where else f"{message}{got}"
