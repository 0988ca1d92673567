"""What a simulation is told: one frozen, validated model."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from mycelium_fractal_net._checks import as_choice, is_whole
from mycelium_fractal_net._models import CheckedModel
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.fields._bounds import check_pair_stability, check_potential_stability
from mycelium_fractal_net.fields._method import Method
from mycelium_fractal_net.fields._scalars import Flag, Integer, Real
from mycelium_fractal_net.fields._schedule_checks import check_changes, check_ramps, check_stimuli
from mycelium_fractal_net.fields.models import MORPHOLOGIES, Kinetics, get_kinetics
from mycelium_fractal_net.fields.schedule import Change, Programme, Stimulus, in_order

__all__ = ["PRESETS", "Frozen", "Real", "SimulationConfig"]

Boundary = Literal["periodic", "neumann", "dirichlet"]
Dtype = Literal["float64", "float32"]
Start = Literal["noise", "patches", "front", "spiral", "array"]
Scheme = Literal["euler", "heun", "exponential"]
Side = Annotated[Integer, Field(ge=4, le=16384)]

PRESETS: dict[str, dict[str, Any]] = {
    **{name: {"kinetics_parameters": {"bias": bias}} for name, bias in MORPHOLOGIES.items()},
    # Resting potentials near -180 mV with an electrogenic pump: Slayman 1965, doi:10.1085/jgp.49.1.69
    "neurospora": {"rest_potential_mv": -180.0, "clamp_mv": (-240.0, 40.0)},
}
"""Named starting points: three morphologies of the default kinetics, and the potential of a Neurospora hypha."""


class Frozen(dict[str, float]):
    """A dictionary that a frozen configuration can hold."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise InvalidInputError(
            "the parameters of a SimulationConfig are frozen; "
            "make another one with model_copy(update={'kinetics_parameters': {...}})"
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return Frozen, (dict(self),)

    def __deepcopy__(self, memo: Any) -> Frozen:
        return self


_CHANGEABLE = (
    "alpha",
    "leak",
    "spike_probability",
    "turing_threshold",
    "turing_drive_mv",
    "jitter_std_mv",
    "rest_potential_mv",
)
_LATER = (
    "least_substeps",
    "schedule",
    "stimuli",
    "start",
    "start_digest",
    "domain",
    "stencil",
    "resolution",
    "scheme",
)  # told apart from what older digests cover when not default


class SimulationConfig(CheckedModel):
    """Parameters of a simulation; equal configurations give equal bits.

    Parameters
    ----------
    grid_size : int
        Cells along each side of the square lattice, [4, 16384].
    steps : int
        MFN steps, [1, 10_000_000].
    seed : int
        Seed of every random process, [0, 2**64).
    alpha : float
        Diffusion of the potential in cells^2/step, >= 0 with ``8 alpha + leak <= 2``.
    leak : float
        Share of the distance to rest that the potential loses each step, [0, 2].
    spike_probability : float
        Probability of a growth event in a step, [0, 1].
    turing_enabled : bool
        Whether the activator and the inhibitor evolve and drive the potential.
    turing_threshold : float
        Activator, relative to the kinetics' range, above which a cell lives, [0.5, 0.95].
    turing_drive_mv : float
        What a living cell adds to its potential each step in mV, [-100, 100].
    quantum_jitter : bool
        Whether Gaussian noise, thermal-like in spite of the name, is added to the potential each step.
    jitter_std_mv : float
        Its standard deviation in mV, [0, 100].
    boundary : {"periodic", "neumann", "dirichlet"}
        Wrapped, zero flux, or held at the rest state.
    kinetics : str
        Name of the reaction kinetics, see :func:`list_kinetics`.
    kinetics_parameters : dict
        Rate constants and diffusion coefficients ``D_a``, ``D_h`` in place of the defaults.
    rest_potential_mv : float
        Potential to which the leak leads, in mV, inside the clamp.
    clamp_mv : tuple of float
        Lowest and highest potential in mV, within [-1000, 1000].
    dtype : {"float64", "float32"}
        Arithmetic of the fields.
    least_substeps : int
        Substeps of the pair in a step, where the diffusion alone would ask for fewer, [1, 1000].
    schedule : tuple of Change
        Parameters that change while the field runs, at most 1000; kept in the order of their steps.
    stimuli : tuple of Stimulus
        Discs of cells that are set or raised while it runs, at most 1000; kept in the order of their steps.
    start : {"noise", "patches", "front", "spiral", "array"}
        Fields at step 0: the kinetics' own (noise, and its patches if it has some); squares, a strip, or crossed
        halves of excited cells over it; or arrays that are given to the simulation.
    start_digest : str, optional
        SHA-256 of those arrays; a simulation fills it in, and refuses other arrays where it is given.
    domain : tuple of int, optional
        Rows and columns of a rectangular lattice, each in [4, 16384]; ``grid_size`` is then its longer side.
    stencil : {5, 9}
        Points of the Laplacian; the error of nine does not depend on the direction.
    resolution : int
        Cells along a unit of length, [1, 16], of which both sides are multiples: the same physics, finer.
        Diffusion, places and radii of stimuli are given in units, the start is drawn a unit at a time.
    scheme : {"euler", "heun", "exponential"}
        How the pair advances: of first order; of second order at twice the cost; of second order with exact
        diffusion, whose substeps do not shrink with the cells (not with a Dirichlet boundary).

    Raises
    ------
    InvalidInputError
        For an unknown name, a wrong type or a value out of range.
    StabilityError
        For parameters with which the explicit time step is unstable.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> config = mfn.SimulationConfig(grid_size=32, steps=10)
    >>> config.substeps
    10
    >>> config == mfn.SimulationConfig.model_validate_json(config.model_dump_json())
    True
    >>> mfn.SimulationConfig(alpha=0.3)
    Traceback (most recent call last):
    ...
    mycelium_fractal_net.errors.StabilityError: 8 alpha + leak = 2.5 with alpha = 0.3 and leak = 0.1, ...
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ser_json_inf_nan="constants")

    grid_size: Integer = Field(default=64, ge=4, le=16384, description="Cells along each side of the square lattice.")
    steps: Integer = Field(default=64, ge=1, le=10_000_000, description="Steps to simulate.")
    seed: Integer = Field(default=42, ge=0, lt=2**64, description="Seed of every random process.")
    alpha: Real = Field(
        default=0.18, ge=0, description="Diffusion of the potential in cells^2/step; 8 alpha + leak <= 2."
    )
    leak: Real = Field(default=0.1, ge=0, le=2, description="Share of the distance to rest lost each step.")
    spike_probability: Real = Field(default=0.25, ge=0, le=1, description="Probability of a growth event in a step.")
    turing_enabled: Flag = Field(default=True, description="Whether the Turing pair evolves and drives the potential.")
    turing_threshold: Real = Field(default=0.75, ge=0.5, le=0.95, description="Activator above which a cell is alive.")
    turing_drive_mv: Real = Field(default=5.0, ge=-100, le=100, description="What a living cell adds each step in mV.")
    quantum_jitter: Flag = Field(
        default=False, description="Whether Gaussian noise is added to the potential each step."
    )
    jitter_std_mv: Real = Field(default=0.5, ge=0, le=100, description="Standard deviation of that noise in mV.")
    boundary: Boundary = Field(default="periodic", description="Wrapped, zero flux, or held at the rest state.")
    kinetics: str = Field(default="mycelium", max_length=80, description="Name of the reaction kinetics.")
    kinetics_parameters: Annotated[dict[str, Real], AfterValidator(Frozen)] = Field(
        default_factory=Frozen,
        description="Rate constants and diffusion coefficients (D_a, D_h) that replace the defaults.",
    )
    rest_potential_mv: Real = Field(
        default=-70.0, ge=-1000, le=1000, description="Potential at rest in mV, inside clamp_mv."
    )
    clamp_mv: Annotated[
        tuple[Annotated[Real, Field(ge=-1000, le=1000)], Annotated[Real, Field(ge=-1000, le=1000)]],
        Field(strict=False),
    ] = Field(default=(-95.0, 40.0), description="Lowest and highest potential in mV, ascending.")
    dtype: Dtype = Field(default="float64", description="Arithmetic of the fields.")
    least_substeps: Integer = Field(
        default=1, ge=1, le=1000, description="Least number of substeps of the pair in a step."
    )
    schedule: Annotated[tuple[Change, ...], Field(strict=False, max_length=1000), AfterValidator(in_order)] = Field(
        default=(), description="Parameters that change during the run."
    )
    stimuli: Annotated[tuple[Stimulus, ...], Field(strict=False, max_length=1000), AfterValidator(in_order)] = Field(
        default=(), description="Discs of cells that are set or raised during the run."
    )
    start: Start = Field(default="noise", description="Kind of the fields at step 0.")
    start_digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$", max_length=64)] | None = Field(
        default=None, description="SHA-256 of the arrays given with start = array; only with that start."
    )
    domain: Annotated[tuple[Side, Side], Field(strict=False)] | None = Field(
        default=None, description="Rows and columns of a rectangular lattice, the longer of which is grid_size."
    )
    stencil: Literal[5, 9] = Field(default=5, description="Points of the Laplacian; 9 treat all directions alike.")
    resolution: Integer = Field(
        default=1, ge=1, le=16, description="Cells per unit of length; it must divide both sides."
    )
    scheme: Scheme = Field(default="euler", description="Scheme that integrates the pair in time.")

    @model_validator(mode="before")
    @classmethod
    def _sides(cls, values: Any) -> Any:
        """Let grid_size be the longer side of a domain, and a square one be no domain of its own."""
        domain = values.get("domain") if isinstance(values, Mapping) else None
        if not (isinstance(domain, list | tuple) and len(domain) == 2 and all(map(is_whole, domain))):
            return values
        longest = max(domain)
        if values.get("grid_size", longest) != longest:
            raise InvalidInputError(
                f"domain = {tuple(domain)} makes grid_size {longest}; leave out grid_size = {values['grid_size']}",
                field="domain",
                value=list(domain),
            )
        return {**values, "grid_size": longest, "domain": None if domain[0] == domain[1] else tuple(domain)}

    @classmethod
    def preset(cls, name: str, **overrides: Any) -> Self:
        """Return the configuration of a named preset, with some fields replaced.

        Parameters
        ----------
        name : {"spots", "labyrinth", "net", "neurospora"}
            Name of the preset.
        **overrides
            Fields that differ from it.

        Examples
        --------
        >>> SimulationConfig.preset("spots", grid_size=32).kinetics_parameters
        {'bias': -0.05}
        """
        return cls(**{**PRESETS[as_choice("preset", name, PRESETS)], **overrides})

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.clamp_mv
        if not low < high:
            raise InvalidInputError(
                f"clamp_mv must be (lowest, highest) with lowest < highest, got ({low}, {high})",
                field="clamp_mv",
                value=self.clamp_mv,
            )
        if not low <= self.rest_potential_mv <= high:
            raise InvalidInputError(
                f"rest_potential_mv = {self.rest_potential_mv} lies outside clamp_mv = [{low}, {high}]; "
                "widen the clamp",
                field="rest_potential_mv",
                value=self.rest_potential_mv,
            )
        if self.start_digest is not None and self.start != "array":
            raise InvalidInputError(
                f"start_digest belongs to start = 'array'; with start = {self.start!r} leave it out",
                field="start_digest",
                value=self.start_digest,
            )
        check_potential_stability(self.alpha, self.leak)
        self._check_method()
        check_pair_stability(self.model, self.method.explicit(self.complete_parameters), self.substeps)
        if self.schedule:
            check_changes(self.schedule, self.model, {name: _range_of(self, name) for name in _CHANGEABLE}, self.steps)
            check_ramps(self.programme, self.model, self.steps, self.method)
        rows, columns = self.shape
        check_stimuli(self.stimuli, (rows // self.resolution, columns // self.resolution), self.clamp_mv, self.steps)
        return self

    def _check_method(self) -> None:
        if any(side % self.resolution for side in self.shape):
            raise InvalidInputError(
                f"{self.shape[0]} x {self.shape[1]} cells are not a whole number of units of {self.resolution} "
                f"cells; choose sides "
                "that are multiples of resolution",
                field="resolution",
                value=self.resolution,
            )
        if self.scheme == "exponential" and self.boundary == "dirichlet":
            raise InvalidInputError(
                "scheme = 'exponential' needs boundary = 'periodic' or 'neumann'; use 'heun' with 'dirichlet'",
                field="scheme",
                value=self.scheme,
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the fields."""
        return self.domain or (self.grid_size, self.grid_size)

    @property
    def method(self) -> Method:
        """How the equations become numbers."""
        return Method(self.stencil, self.resolution, self.scheme, self.least_substeps)

    @property
    def lattice_parameters(self) -> dict[str, float]:
        """Every parameter of the kinetics, diffusion in cells^2 a step: what linear stability on the lattice takes."""
        return self.method.on_lattice(self.complete_parameters)

    @property
    def model(self) -> Kinetics:
        """The kinetics that the configuration names."""
        return get_kinetics(self.kinetics)

    @property
    def complete_parameters(self) -> dict[str, float]:
        """Every parameter of the kinetics, defaults included."""
        return self.model.complete(self.kinetics_parameters)

    @property
    def programme(self) -> Programme:
        """The value of every parameter that may change, for each step."""
        values = self.complete_parameters
        own = {name: getattr(self, name) for name in _CHANGEABLE}
        return _programme((*((name, own[name]) for name in own), *values.items()), self.schedule)

    def parameters_at(self, step: int) -> dict[str, float]:
        """Return the value in effect in a step of every parameter that a schedule may change.

        Examples
        --------
        >>> jump = Change(step=5, parameter="leak", value=0.2)
        >>> config = SimulationConfig(schedule=(jump,))
        >>> config.parameters_at(4)["leak"], config.parameters_at(5)["leak"]
        (0.1, 0.2)
        """
        return self.programme.at(step)

    def steered(self, step: int, changes: Sequence[Change] = (), stimuli: Sequence[Stimulus] = ()) -> Self:
        """Return this configuration with changes and stimuli added from a step on.

        A change takes the place of one of the same parameter at the same step.

        Raises
        ------
        InvalidInputError
            For an entry before ``step``, and for what the constructor refuses.
        """
        entries: tuple[Change | Stimulus, ...] = (*changes, *stimuli)
        for entry in entries:
            if entry.step < step:
                raise InvalidInputError(
                    f"{entry!r} is in the past: the simulation is at step {step}; give that step or a later one",
                    field="step",
                    value=entry.step,
                )
        schedule = {(change.step, change.parameter): change for change in (*self.schedule, *changes)}
        values = dict(self)
        values |= {"schedule": tuple(schedule.values()), "stimuli": (*self.stimuli, *stimuli)}
        return type(self)(**values)

    @property
    def substeps(self) -> int:
        """Substeps of the pair inside one step, at step 0."""
        return self.method.substeps(self.complete_parameters)

    @property
    def most_substeps(self) -> int:
        """The largest number of substeps that any step of the schedule takes."""
        if {"D_a", "D_h"}.isdisjoint(change.parameter for change in self.schedule):
            return self.substeps
        values = map(self.programme.at, self.programme.turning_steps(self.steps))
        return max(map(self.method.substeps, values))

    @property
    def activator_threshold(self) -> float:
        """Activator above which a cell lives, in the kinetics' own units, at step 0."""
        return self.model.threshold(self.turing_threshold)

    def canonical(self) -> Mapping[str, Any]:
        """Return all that determines the result: the kinetics' defaults and its arithmetic included."""
        values = self.model_dump(mode="json")
        for name in _LATER:
            if getattr(self, name) == type(self).model_fields[name].default:
                del values[name]
        values["kinetics_parameters"] = dict(sorted(self.complete_parameters.items()))
        values["kinetics_program"] = self.model.trace.program
        return values

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON form, 64 hexadecimal digits."""
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def __getstate__(self) -> dict[Any, Any]:
        """Take the kinetics along: another process may not have registered it."""
        return {**super().__getstate__(), "kinetics": self.model}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        model: Kinetics = state["kinetics"]
        super().__setstate__({name: value for name, value in state.items() if name != "kinetics"})
        if self.model is not model:
            raise InvalidInputError(
                f"kinetics {self.kinetics!r} differs here from the one that this configuration was made with "
                f"({self.model.differences(model.describe())})",
                field="kinetics",
                value=self.kinetics,
            )

    def __hash__(self) -> int:
        return hash(self.digest())


@lru_cache(maxsize=256)
def _programme(base: tuple[tuple[str, float], ...], schedule: tuple[Change, ...]) -> Programme:
    return Programme(dict(base), schedule)


def _range_of(config: SimulationConfig, name: str) -> tuple[float, float]:
    """Return the range of a field of real numbers."""
    if name == "rest_potential_mv":
        return config.clamp_mv
    bounds = SimulationConfig.model_fields[name].metadata
    low, high = ([float(getattr(bound, kind)) for bound in bounds if hasattr(bound, kind)] for kind in ("ge", "le"))
    return (low or [-math.inf])[0], (high or [math.inf])[0]
