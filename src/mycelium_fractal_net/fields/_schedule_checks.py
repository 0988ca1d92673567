"""What a schedule and stimuli may not be: out of range, too late, or unstable anywhere along a ramp."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields._bounds import check_pair_stability, check_potential_stability
from mycelium_fractal_net.fields._method import Method
from mycelium_fractal_net.fields.models import Kinetics
from mycelium_fractal_net.fields.schedule import Change, Programme, Stimulus

__all__ = ["check_changes", "check_ramps", "check_stimuli"]

_CHECKED_STEPS = 1024


def check_changes(
    schedule: Sequence[Change], model: Kinetics, ranges: Mapping[str, tuple[float, float]], steps: int
) -> None:
    """Refuse a change that never comes, or to a value out of range; ``ranges`` are the potential's own.

    Raises
    ------
    InvalidInputError
    """
    for change in schedule:
        _check_step("schedule", change.step, steps)
        if change.parameter in model.parameters:
            if change.parameter in ranges:
                raise _refused(
                    f"schedule: {change.parameter!r} is a field of the configuration and a parameter of kinetics "
                    f"{model.name!r}; give the kinetics' own another name",
                    change.parameter,
                )
            model.complete({change.parameter: change.value})
        elif change.parameter in ranges:
            low, high = ranges[change.parameter]
            if not low <= change.value <= high:
                raise _refused(
                    f"schedule: {change.parameter} must be in [{low:g}, {high:g}], got {change.value!r} at step "
                    f"{change.step}",
                    change.value,
                )


def check_ramps(programme: Programme, model: Kinetics, steps: int, method: Method) -> None:
    """Refuse a schedule with an unstable step.

    The bound of the potential is linear, so it is looked at where ramps begin and end; that of the pair at up to
    129 steps of a ramp, about 1024 in all.

    Raises
    ------
    StabilityError
        With the step.
    InvalidInputError
        Where the pair has no steady state.
    """
    for step in programme.turning_steps(steps):
        values = programme.at(step)
        _at_step(step, check_potential_stability, values["alpha"], values["leak"])
    if programme.courses.keys().isdisjoint(model.parameters):
        return
    for step in programme.sampled_steps(model.parameters, steps, _CHECKED_STEPS):
        values = programme.at(step)
        rates = {name: values[name] for name in model.parameters}
        _at_step(step, check_pair_stability, model, method.explicit(rates), method.substeps(rates))


def _at_step(step: int, check: Callable[..., None], *values: object) -> None:
    try:
        check(*values)
    except InvalidInputError as error:
        raise type(error)(f"at step {step} of the schedule: {error.message}", **error.details) from None


def check_stimuli(
    stimuli: Sequence[Stimulus], sides: tuple[int, int], clamp_mv: tuple[float, float], steps: int
) -> None:
    """Refuse a stimulus that never comes, lies outside the lattice, or gives a potential outside the clamp.

    Raises
    ------
    InvalidInputError
    """
    low, high = clamp_mv
    for stimulus in stimuli:
        _check_step("stimuli", stimulus.step, steps)
        if stimulus.row >= sides[0] or stimulus.column >= sides[1]:
            within = f"[0, {sides[0]})" if sides[0] == sides[1] else f"[0, {sides[0]}) and [0, {sides[1]})"
            raise _refused(
                f"stimuli: row and column must be in {within} on a lattice of {sides[0]} x {sides[1]} units, got "
                f"({stimulus.row:g}, {stimulus.column:g})",
                [stimulus.row, stimulus.column],
            )
        least, most = (low, high) if stimulus.mode == "set" else (low - high, high - low)
        if stimulus.variable == "potential" and not least <= stimulus.value <= most:
            raise _refused(
                f"stimuli: with clamp_mv = [{low:g}, {high:g}] and mode {stimulus.mode!r} a potential's value must be "
                f"in [{least:g}, {most:g}] mV, got {stimulus.value!r}",
                stimulus.value,
            )


def _check_step(field: str, step: int, steps: int) -> None:
    if step >= steps:
        raise _refused(
            f"{field}: step {step} never comes in a run of {steps} steps, which count from 0; "
            "give an earlier step or more steps",
            step,
        )


def _refused(message: str, value: object) -> InvalidInputError:
    return InvalidInputError(message, field=message.partition(":")[0], value=value)
