"""What a kinetics is, and the register of the known ones."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from mycelium_fractal_net._checks import did_you_mean, is_number, shown
from mycelium_fractal_net._compiled.kernel import require_compiler
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields._trace import Trace, trace

__all__ = ["Kinetics", "Patches", "Rates", "get_kinetics", "kinetics", "list_kinetics"]

Rates = Callable[..., tuple[Any, Any]]
"""``function(a, h, **parameters) -> (f, g)``: rates of activator and inhibitor."""


@dataclass(frozen=True)
class Patches:
    """Square patches that a start needs when noise around the steady state would die out.

    Parameters
    ----------
    activator, inhibitor : float
        Values inside a patch.
    size : int
        Side of a patch in cells.
    share : float
        Share of the lattice that the patches of each species cover, (0, 1).
    together : bool
        Whether both species are set in the same patches, or each in patches of its own.
    """

    activator: float
    inhibitor: float
    size: int = 6
    share: float = 0.1
    together: bool = True


@dataclass(frozen=True, eq=False)
class Kinetics:
    """Two-species reaction kinetics: one Python function and what the engine must know of it.

    Parameters
    ----------
    name : str
        Name in ``SimulationConfig.kinetics``.
    function : callable
        ``function(a, h, **parameters) -> (f, g)`` in plain arithmetic; serves floats, NumPy arrays, complex
        numbers and, traced, the compiler.
    parameters : mapping
        Defaults of the rate constants and of the diffusion coefficients ``D_a`` and ``D_h`` (cells^2/step).
    steady_guess : tuple of float
        Where Newton's iteration for the steady state starts.
    start : tuple of float, optional
        Mean activator and inhibitor at step 0; the steady state by default.
    noise : float
        Standard deviation of the activator at step 0.
    patches : Patches, optional
        What is laid over the noise at step 0.
    activator_range : tuple of float
        Activator values that count as 0 and as 1 for ``turing_threshold``.
    scales : tuple of two tuples of float, optional
        Ends of the activator's and the inhibitor's scale in pictures; the activator's range by default. No result
        depends on it.
    summary, source : str
        What it models, and where it was published.
    ranges : mapping
        For which values of a parameter, the others at their defaults, tests hold results to a converged solution.
    """

    name: str
    function: Rates
    parameters: Mapping[str, float]
    steady_guess: tuple[float, float]
    start: tuple[float, float] | None = None
    noise: float = 0.05
    patches: Patches | None = None
    activator_range: tuple[float, float] = (0.0, 1.0)
    scales: tuple[tuple[float, float], tuple[float, float]] | None = None
    summary: str = ""
    source: str = ""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @cached_property
    def trace(self) -> Trace:
        """The function as straight-line code; recorded once."""
        return _traced(self.function, self.rate_names)

    @property
    def rate_names(self) -> tuple[str, ...]:
        """Names of the rate constants, in the order in which the kernels take them."""
        return tuple(name for name in self.parameters if name not in {"D_a", "D_h"})

    def threshold(self, share: float) -> float:
        """Return the activator at a share of the range, in the kinetics' own units."""
        low, high = self.activator_range
        return low + share * (high - low)

    def complete(self, overrides: Mapping[str, float]) -> dict[str, float]:
        """Return all parameters with ``overrides`` in place of defaults.

        Raises
        ------
        InvalidInputError
            For an unknown name, a value that is not finite, or a negative diffusion coefficient.
        """
        values = dict(self.parameters)
        for name, value in overrides.items():
            if name not in values:
                known = ", ".join(values)
                raise InvalidInputError(
                    f"kinetics {self.name!r} has no parameter {shown(name)}; it has {known}"
                    f"{did_you_mean(name, values)}",
                    field="kinetics_parameters",
                    value=name,
                )
            values[name] = _checked_number(self.name, name, value)
        return values

    def describe(self) -> dict[str, Any]:
        """Return all that determines a simulation with it, in plain values: arithmetic, defaults, start."""
        values = {name: getattr(self, name) for name in _PLAIN}
        values |= {"parameters": dict(self.parameters), "program": self.trace.program}
        values |= {"patches": None if self.patches is None else asdict(self.patches)}
        plain: dict[str, Any] = json.loads(json.dumps(values, sort_keys=True))
        return plain

    def digest(self) -> str:
        """Return the SHA-256 of :meth:`describe`, 64 hexadecimal digits."""
        return description_digest(self.describe())

    def differences(self, other: Mapping[str, Any]) -> str:
        """Say in what the description of another kinetics differs from this one, with both digests."""
        mine, theirs = _flat(self.describe()), _flat(other)
        parts = [
            f"{name} is {shown(mine.get(name))}, was {shown(theirs.get(name))}"
            for name in sorted({*mine, *theirs})
            if mine.get(name) != theirs.get(name)
        ]
        return f"digest {self.digest()[:16]}, was {description_digest(other)[:16]}: {'; '.join(parts)}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to other processes as the recorded arithmetic: the function itself may live in no module there."""
        values = {name: getattr(self, name) for name in (*_PLAIN, "scales", "patches", "summary", "source")}
        return _revive, ({**values, "parameters": dict(self.parameters)}, self.trace)

    def __copy__(self) -> Kinetics:
        return self

    def __deepcopy__(self, _memo: Any) -> Kinetics:
        return self

    def rates(self, a: Any, h: Any, **parameters: float) -> tuple[Any, Any]:
        """Return ``(f, g)`` at ``a`` and ``h`` with the given rate constants."""
        values = self.complete(parameters)
        return self.function(a, h, **{name: values[name] for name in self.rate_names})


def _checked_number(kinetics: str, name: str, value: Any) -> float:
    if not is_number(value):
        raise InvalidInputError(
            f"parameter {name!r} of kinetics {kinetics!r} must be a finite number; got {shown(value)}",
            field="kinetics_parameters",
            value=shown(value),
        )
    if name in {"D_a", "D_h"} and not 0 <= value <= 20:
        raise InvalidInputError(
            f"diffusion coefficient {name!r} must be in [0, 20] cells^2/step, got {value!r}",
            field="kinetics_parameters",
            value=value,
        )
    return float(value)


def _flat(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description with its parameters as ``parameters.NAME``."""
    inner = description.get("parameters", {})
    parameters = {f"parameters.{name}": value for name, value in inner.items()} if isinstance(inner, Mapping) else {}
    return {**{name: value for name, value in description.items() if name != "parameters"}, **parameters}


def description_digest(description: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a description of a kinetics."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


def _revive(values: dict[str, Any], recorded: Trace) -> Kinetics:
    """Return the kinetics of that name if it is the same one, or make it again; a name that is free is registered."""
    model = Kinetics(function=recorded.replay, **{**values, "parameters": MappingProxyType(values["parameters"])})
    model.__dict__["trace"] = recorded
    known = _register.setdefault(model.name, model)
    return known if known.digest() == model.digest() else model


@lru_cache(maxsize=256)
def _traced(function: Rates, names: tuple[str, ...]) -> Trace:
    return trace(function, dict.fromkeys(names, 0.0))


_PACKAGE = f"{__name__.partition('.')[0]}."
_PLAIN = ("name", "steady_guess", "start", "noise", "activator_range")
_register: dict[str, Kinetics] = {}


def kinetics(
    name: str,
    *,
    diffusion: tuple[float, float],
    steady_guess: tuple[float, float],
    start: tuple[float, float] | None = None,
    noise: float = 0.05,
    patches: Patches | None = None,
    activator_range: tuple[float, float] = (0.0, 1.0),
    scales: tuple[tuple[float, float], tuple[float, float]] | None = None,
    source: str = "",
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Callable[[Rates], Kinetics]:
    """Make a kinetics of a function and register it under a name.

    The function takes ``a``, ``h`` and rate constants with defaults, and returns the rates ``(f, g)``; it may use
    ``+ - * /`` and whole powers. It runs at the speed of the built-in ones.

    Parameters
    ----------
    name : str
        Name for ``SimulationConfig(kinetics=...)``; registering a name again replaces it.
    diffusion : tuple of float
        Defaults of ``D_a`` and ``D_h`` in cells^2/step, [0, 20].
    steady_guess : tuple of float
        A point near the steady state.
    start, noise, patches, activator_range, scales, source, ranges
        See :class:`Kinetics`.

    Raises
    ------
    InvalidInputError
        When the function does more than arithmetic, or a rate constant has no default.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> @mfn.kinetics("linear-pair", diffusion=(0.05, 1.0), steady_guess=(0.0, 0.0))
    ... def linear_pair(a, h, gain=0.1):
    ...     return gain * a - h, a - h
    >>> mfn.linear_stability("linear-pair").turing_unstable
    False
    """

    def register(function: Rates) -> Kinetics:
        model = Kinetics(
            name=name,
            function=function,
            parameters=MappingProxyType(_defaults(name, function, diffusion)),
            steady_guess=steady_guess,
            start=start,
            noise=noise,
            patches=patches,
            activator_range=activator_range,
            scales=scales,
            summary=(inspect.getdoc(function) or "").split("\n")[0],
            source=source,
            ranges=MappingProxyType(_checked_ranges(name, function, ranges or {})),
        )
        _ = model.trace
        if not (function.__module__ or "").startswith(_PACKAGE):  # what comes with the package may be built ahead
            require_compiler()
        _register[name] = model
        return model

    return register


def _defaults(name: str, function: Rates, diffusion: tuple[float, float]) -> dict[str, float]:
    rates = list(inspect.signature(function).parameters.values())[2:]
    for rate in rates:
        if rate.default is inspect.Parameter.empty:
            raise InvalidInputError(f"rate constant {rate.name!r} of kinetics {name!r} needs a default value")
        if rate.name in {"D_a", "D_h"}:
            raise InvalidInputError(
                f"rate constant {rate.name!r} of kinetics {name!r} has the name of a diffusion coefficient; "
                "give it another, and the coefficient in diffusion=(D_a, D_h)"
            )
    if not isinstance(diffusion, (tuple, list)) or len(diffusion) != 2:
        raise InvalidInputError(f"diffusion must be the pair (D_a, D_h) in cells^2/step, got {diffusion!r}")
    coefficients = zip(("D_a", "D_h"), diffusion, strict=True)
    return {
        key: _checked_number(name, key, value)
        for key, value in (*((rate.name, rate.default) for rate in rates), *coefficients)
    }


def _checked_ranges(
    name: str, function: Rates, ranges: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    known = {*inspect.signature(function).parameters, "D_a", "D_h"}
    for parameter, (low, high) in ranges.items():
        if parameter not in known or not low <= high:
            raise InvalidInputError(
                f"ranges of kinetics {name!r} must give (lowest, highest) for its parameters; got {parameter!r}: "
                f"({low!r}, {high!r})",
                field="ranges",
                value=parameter,
            )
    return dict(ranges)


def list_kinetics() -> list[str]:
    """Return the names of all registered kinetics, sorted.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> "mycelium" in mfn.list_kinetics()
    True
    """
    return sorted(_register)


def get_kinetics(name: str) -> Kinetics:
    """Return a registered kinetics.

    Raises
    ------
    InvalidInputError
        For an unknown name; the message lists the known ones.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> mfn.get_kinetics("mycelium").parameters["beta"]
    1.1
    """
    try:
        return _register[name]
    except (KeyError, TypeError):
        known = ", ".join(list_kinetics())
        raise InvalidInputError(
            f"unknown kinetics {shown(name)}; known are {known}{did_you_mean(name, _register)}",
            field="kinetics",
            value=str(name)[:80],
        ) from None
