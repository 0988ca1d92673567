"""What happens to a field while it runs: parameters that change, and stimuli from outside."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import ConfigDict, Field

from mycelium_fractal_net._models import CheckedModel
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields._scalars import Integer, Real

__all__ = ["Change", "Programme", "Stimulus", "in_order"]

_LAST_STEP = 9_999_999


class _Entry(CheckedModel):
    """A frozen line of a schedule, whose values may be given by position."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ser_json_inf_nan="constants")

    def __init__(self, *args: Any, **values: Any) -> None:
        names = list(type(self).model_fields)
        if len(args) > len(names) or not set(names[: len(args)]).isdisjoint(values):
            raise InvalidInputError(f"a {type(self).__name__} takes {', '.join(names)}, each once; got {args}")
        super().__init__(**dict(zip(names, args, strict=False)), **values)


class Change(_Entry):
    """A parameter takes another value at a step, at once or along a linear ramp.

    With ``p`` the value in effect before, step ``s`` of a ramp uses ``p + (value - p) * ((s - step) / over)``, and
    ``value`` from step ``step + over`` on.

    Parameters
    ----------
    step : int
        First step, counted from 0, that the change affects.
    parameter : str
        A rate constant of the kinetics, ``D_a`` or ``D_h``, or one of ``alpha``, ``leak``, ``spike_probability``,
        ``turing_threshold``, ``turing_drive_mv``, ``jitter_std_mv``, ``rest_potential_mv``.
    value : float
        What it becomes, in the parameter's own unit and range, within [-1e6, 1e6].
    over : int
        Steps that a ramp takes; 0 is a jump.

    Raises
    ------
    InvalidInputError
        For a value of another kind or out of range.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> ramp = mfn.Change(step=10, parameter="bias", value=0.04, over=20)
    >>> config = mfn.SimulationConfig(steps=64, schedule=(ramp,))
    >>> [config.parameters_at(step)["bias"] for step in (0, 20, 30, 63)]
    [0.0, 0.02, 0.04, 0.04]
    """

    step: Integer = Field(ge=0, le=_LAST_STEP, description="First step, counted from 0, that the change affects.")
    parameter: str = Field(
        max_length=80, description="Name of a rate constant, a diffusion coefficient or a parameter of the potential."
    )
    value: Real = Field(ge=-1e6, le=1e6, description="New value, in the parameter's unit.")
    over: Integer = Field(default=0, ge=0, le=10_000_000, description="Steps that a linear ramp takes; 0 is a jump.")

    if TYPE_CHECKING:

        def __init__(self, step: int, parameter: str, value: float, over: int = 0) -> None: ...


class Stimulus(_Entry):
    """A disc of cells is set to a value, or raised by it, at the beginning of a step, before its growth event.

    Cell (i, j) belongs to it when ``(i - row)^2 + (j - column)^2 <= radius^2``; under a periodic boundary distances
    are taken around the edges. The statistics of a step count its change from after the stimulus.

    Parameters
    ----------
    step : int
        Step, counted from 0, at whose beginning it acts.
    row, column : float
        Its centre within the lattice, in units: cells where ``resolution`` is 1.
    radius : float
        In units, >= 0; 0 is one cell.
    variable : {"activator", "inhibitor", "potential"}
        What it acts on.
    value : float
        Dimensionless, or in mV for the potential.
    mode : {"set", "add"}
        Whether the cells take the value or are raised by it.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> wound = mfn.Stimulus(step=20, row=16, column=16, radius=5, variable="activator", value=0.0)
    >>> mfn.simulate(mfn.SimulationConfig(grid_size=32, steps=30, stimuli=(wound,))).step
    30
    """

    step: Integer = Field(ge=0, le=_LAST_STEP, description="Step, counted from 0, at whose beginning it acts.")
    row: Real = Field(ge=0, lt=16384, description="Row of its centre, in units: cells where resolution is 1.")
    column: Real = Field(ge=0, lt=16384, description="Column of its centre, in units.")
    radius: Real = Field(ge=0, le=16384, description="Radius of the disc, in units; 0 is one cell.")
    variable: Literal["activator", "inhibitor", "potential"] = Field(description="What it acts on.")
    value: Real = Field(ge=-1e6, le=1e6, description="Dimensionless, or in mV for the potential.")
    mode: Literal["set", "add"] = Field(
        default="set", description="set: cells take the value; add: it is added to them."
    )

    if TYPE_CHECKING:

        def __init__(
            self,
            step: int,
            row: float,
            column: float,
            radius: float,
            variable: Literal["activator", "inhibitor", "potential"],
            value: float,
            mode: Literal["set", "add"] = "set",
        ) -> None: ...


def in_order(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    """Sort by step, and changes of one step by parameter; stimuli of one step keep their order."""
    return tuple(sorted(entries, key=lambda entry: (entry.step, getattr(entry, "parameter", ""))))


class _Segment(NamedTuple):
    start: int
    before: float
    value: float
    over: int

    def at(self, step: int) -> float:
        if step - self.start >= self.over:
            return self.value
        return self.before + (self.value - self.before) * ((step - self.start) / self.over)


class Programme:
    """The values that parameters have in each step.

    Parameters
    ----------
    base : mapping of str to float
        Every parameter that may change, with its value before any change.
    changes : iterable of Change
        In order of their steps.

    Raises
    ------
    InvalidInputError
        For an unknown parameter, or two changes of one parameter at the same step.
    """

    def __init__(self, base: Mapping[str, float], changes: Iterable[Change]) -> None:
        self.base = dict(base)
        self.courses: dict[str, list[_Segment]] = {}
        for change in changes:
            self._append(change)
        self._starts = sorted({segment.start for course in self.courses.values() for segment in course})

    def _append(self, change: Change) -> None:
        name = change.parameter
        if name not in self.base:
            raise InvalidInputError(
                f"schedule: no parameter {name!r} can change while a field runs; known are {', '.join(self.base)}",
                field="schedule",
                value=name,
            )
        course = self.courses.setdefault(name, [])
        if course and course[-1].start == change.step:
            raise InvalidInputError(
                f"schedule: {name!r} changes twice at step {change.step}; leave one of the two",
                field="schedule",
                value=name,
            )
        before = course[-1].at(change.step) if course else self.base[name]
        course.append(_Segment(change.step, before, change.value, change.over))

    def at(self, step: int) -> dict[str, float]:
        """Return the value of every parameter in a step."""
        return self.base | {name: self._value(name, step) for name in self.courses}

    def _value(self, name: str, step: int) -> float:
        segment = self._segment(name, step)
        return self.base[name] if segment is None else segment.at(step)

    def _segment(self, name: str, step: int) -> _Segment | None:
        course = self.courses[name]
        index = bisect_right(course, step, key=lambda segment: segment.start)
        return course[index - 1] if index else None

    def constant_until(self, step: int) -> int | None:
        """Return the first step after this one that may use other values; None when none does."""
        segments = (self._segment(name, step) for name in self.courses)
        if any(segment is not None and step < segment.start + segment.over for segment in segments):
            return step + 1
        index = bisect_right(self._starts, step)
        return self._starts[index] if index < len(self._starts) else None

    def turning_steps(self, steps: int) -> list[int]:
        """Return the steps below ``steps`` at which a value may be extreme: ends of ramps, and their neighbours."""
        found = {0}
        for course in self.courses.values():
            for segment in course:
                for turn in (segment.start, segment.start + segment.over):
                    found |= {turn - 1, turn}
        return sorted(step for step in found if 0 <= step < steps)

    def sampled_steps(self, names: Iterable[str], steps: int, most: int) -> list[int]:
        """Return turning steps, and steps along every ramp of the named parameters: about ``most`` of them."""
        ramps = [
            segment
            for name in names
            for segment in self.courses.get(name, ())
            if segment.over and segment.start < steps
        ]
        each = max(4, min(128, most // max(1, len(ramps))))
        found = set(self.turning_steps(steps))
        for start, _, _, over in ramps:
            found |= {start + over * k // each for k in range(each)}
        return sorted(step for step in found if step < steps)
