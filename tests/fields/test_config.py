import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mycelium_fractal_net as mfn
from mycelium_fractal_net.errors import InvalidInputError, StabilityError
from mycelium_fractal_net.fields import MORPHOLOGIES, PRESETS

OUT_OF_RANGE: dict[str, list[Any]] = {
    "grid_size": [3, 0, -64, 16385, 2**70],
    "steps": [0, -1, 10_000_001],
    "seed": [-1, 2**64],
    "alpha": [-0.01],
    "leak": [-0.1, 2.1],
    "spike_probability": [-0.01, 1.01],
    "turing_threshold": [0.49, 0.96],
    "turing_drive_mv": [-101.0, 101.0],
    "jitter_std_mv": [-0.5, 101.0],
    "rest_potential_mv": [-1001.0, 1001.0],
    "boundary": ["open", "PERIODIC", "", 0],
    "dtype": ["float16", "float", "int64", ""],
    "kinetics": ["no-such", "", "x" * 81],
    "clamp_mv": [(40.0, -95.0), (0.0, 0.0), (-2000.0, 40.0), (-95.0,), (-95.0, 0.0, 40.0), "ab", None],
    "kinetics_parameters": [{"nope": 1.0}, {"D_h": -1.0}, {"D_h": 20.5}, {"bias": None}, [("bias", 1.0)]],
}
DEFAULT_DIGEST = "7e2925b50a8d5879ef1b7f74c1840b498dc1aaf8d1dc8a7843b7e7e789c33cef"
SMALL_DIGEST = "2fbe15100fba41a087af04294b42b16a157b5f7585667a98c80e72ded7adf8a4"
REALS = ["alpha", "leak", "spike_probability", "turing_threshold", "turing_drive_mv", "jitter_std_mv"]
CHANGES: dict[str, Any] = {
    "grid_size": 65, "steps": 65, "seed": 43, "alpha": 0.17, "leak": 0.11, "spike_probability": 0.26,
    "turing_enabled": False, "turing_threshold": 0.76, "turing_drive_mv": 5.5, "quantum_jitter": True,
    "jitter_std_mv": 0.6, "boundary": "neumann", "kinetics": "schnakenberg", "kinetics_parameters": {"bias": 0.01},
    "rest_potential_mv": -71.0, "clamp_mv": (-96.0, 40.0), "dtype": "float32",
    "schedule": [mfn.Change(3, "bias", 0.01)], "stimuli": [mfn.Stimulus(3, 4, 5, 2.5, "activator", 1.0)],
    "least_substeps": 12, "start": "patches", "start_digest": "0" * 64,
    "domain": (32, 64), "stencil": 9, "resolution": 2, "scheme": "heun",
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, v) for name, vs in OUT_OF_RANGE.items() for v in vs])
def test_values_out_of_range_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match=r"kinetics|D_h" if name == "kinetics_parameters" else name):
        mfn.SimulationConfig(**{name: value})


@pytest.mark.parametrize("name", ["grid_size", "steps", "seed"])
@pytest.mark.parametrize("value", ["64", True, 64.0, 64.5, None, np.float64(64), [64], 64j])
def test_whole_numbers_are_not_guessed_from_other_types(name: str, value: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match=name):
        mfn.SimulationConfig(**{name: value})


@pytest.mark.parametrize("name", [*REALS, "rest_potential_mv"])
@pytest.mark.parametrize("value", ["0.6", True, None, float("nan"), float("inf"), -float("inf"), [0.6]])
def test_real_numbers_are_finite_and_not_guessed(name: str, value: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match=name):
        mfn.SimulationConfig(**{name: value})


@pytest.mark.parametrize("value", [1, 0, "true", None])
def test_switches_take_true_and_false_only(value: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match="turing_enabled"):
        mfn.SimulationConfig(turing_enabled=value)


@pytest.mark.parametrize("bias", ["0.1", True, float("nan"), float("inf")])
def test_kinetics_parameters_are_finite_numbers(bias: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match="bias"):
        mfn.SimulationConfig(kinetics_parameters={"bias": bias})


def test_unknown_names_are_refused() -> None:
    with pytest.raises(mfn.InvalidInputError, match="gridsize"):
        mfn.SimulationConfig(gridsize=64)  # type: ignore[call-arg] # that is the point


def test_unknown_kinetics_and_parameters_are_answered_with_the_known_ones() -> None:
    with pytest.raises(mfn.InvalidInputError, match=r"unknown kinetics 'no-such'; known are brusselator, classic"):
        mfn.SimulationConfig(kinetics="no-such")
    with pytest.raises(mfn.InvalidInputError, match=r"no parameter 'gamma'; it has r_a, beta, bias, r_h, D_a, D_h"):
        mfn.SimulationConfig(kinetics_parameters={"gamma": 1.0})


def test_numpy_scalars_become_plain_numbers() -> None:
    config = mfn.SimulationConfig(
        grid_size=np.int32(48),  # type: ignore[arg-type] # NumPy's numbers are taken
        seed=np.uint64(7),  # type: ignore[arg-type] # as above
        alpha=np.float64(0.1),
        kinetics_parameters={"bias": np.float64(0.01)},
    )
    assert config == mfn.SimulationConfig(grid_size=48, seed=7, alpha=0.1, kinetics_parameters={"bias": 0.01})
    assert {type(config.grid_size), type(config.seed), type(config.alpha)} == {int, float}
    assert json.loads(config.model_dump_json())["grid_size"] == 48


def test_whole_numbers_serve_as_real_ones() -> None:
    config = mfn.SimulationConfig(leak=0, clamp_mv=[-90, 30])  # type: ignore[arg-type] # JSON has no tuples
    assert config.digest() == mfn.SimulationConfig(leak=0.0, clamp_mv=(-90.0, 30.0)).digest()


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(mfn.InvalidInputError, match="frozen"):
        mfn.SimulationConfig().alpha = 0.1  # type: ignore[misc] # it is read-only


@given(
    grid_size=st.integers(4, 16384),
    seed=st.integers(0, 2**64 - 1),
    alpha=st.floats(0, 0.2),
    leak=st.floats(0, 0.4),
    boundary=st.sampled_from(["periodic", "neumann", "dirichlet"]),
    bias=st.floats(-0.04, 0.04),
)
def test_json_gives_back_the_same_configuration(bias: float, **values: Any) -> None:
    config = mfn.SimulationConfig(**values, kinetics_parameters={"bias": bias})
    back = mfn.SimulationConfig.model_validate_json(config.model_dump_json())
    assert back == config
    assert back.digest() == config.digest()
    assert mfn.SimulationConfig.model_validate(config.model_dump(mode="json")) == config


def test_the_digest_of_the_default_configuration_is_known() -> None:
    assert mfn.SimulationConfig().digest() == DEFAULT_DIGEST
    assert mfn.SimulationConfig(grid_size=32, steps=10, seed=1).digest() == SMALL_DIGEST


def test_every_parameter_changes_the_digest() -> None:
    assert set(CHANGES) == set(mfn.SimulationConfig.model_fields)
    needs: dict[str, dict[str, Any]] = {"start_digest": {"start": "array"}}
    digests = {mfn.SimulationConfig(**{name: v, **needs.get(name, {})}).digest() for name, v in CHANGES.items()}
    assert len(digests | {mfn.SimulationConfig().digest()}) == len(CHANGES) + 1


def test_the_digest_does_not_depend_on_how_the_same_is_said() -> None:
    one = mfn.SimulationConfig(kinetics_parameters={"bias": 0.0, "beta": 1.1})
    other = mfn.SimulationConfig(kinetics_parameters={"beta": 1.1})
    assert one.digest() == other.digest() == mfn.SimulationConfig().digest()
    assert hash(one) == hash(mfn.SimulationConfig())


@pytest.mark.parametrize("name", sorted(MORPHOLOGIES))
def test_presets_of_the_morphologies_set_the_bias(name: str) -> None:
    config = mfn.SimulationConfig.preset(name, grid_size=32)
    assert config.grid_size == 32
    assert config.complete_parameters["bias"] == MORPHOLOGIES[name]


def test_the_neurospora_preset_rests_far_below_a_neuron() -> None:
    config = mfn.SimulationConfig.preset("neurospora")
    assert (config.rest_potential_mv, config.clamp_mv) == (-180.0, (-240.0, 40.0))
    assert set(PRESETS) == {"spots", "labyrinth", "net", "neurospora"}


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidInputError, match="preset must be one of spots, labyrinth, net, neurospora; got 'maze'"):
        mfn.SimulationConfig.preset("maze")


UNSTABLE: dict[str, Any] = {"alpha": 0.3, "leak": 0.1}


@pytest.mark.parametrize(
    "make",
    [
        lambda: mfn.SimulationConfig(**UNSTABLE),
        lambda: mfn.SimulationConfig.model_validate(UNSTABLE),
        lambda: mfn.SimulationConfig.model_validate_json(json.dumps(UNSTABLE)),
        lambda: mfn.SimulationConfig.preset("spots", **UNSTABLE),
    ],
    ids=["constructor", "mapping", "json", "preset"],
)
def test_an_unstable_potential_is_refused_with_value_and_bound(make: Any) -> None:
    with pytest.raises(StabilityError, match=r"8 alpha \+ leak = 2\.5 .*alpha = 0\.3 .*alpha <= 0\.2375") as caught:
        make()
    assert caught.value.details == {"field": "alpha", "value": 0.3}


def test_the_stability_message_has_the_digits_that_matter() -> None:
    message = r"8 alpha \+ leak = 2\.00000008\d* .*alpha = 0\.23750001 .*alpha <= 0\.2375$"
    with pytest.raises(StabilityError, match=message):
        mfn.SimulationConfig(alpha=0.23750001)


@given(leak=st.floats(0, 2))
def test_the_alpha_that_the_message_names_is_stable(leak: float) -> None:
    with pytest.raises(StabilityError, match="use alpha <=") as caught:
        mfn.SimulationConfig(alpha=1.0, leak=leak)
    assert mfn.SimulationConfig(alpha=float(caught.value.message.rpartition(" ")[2]), leak=leak).leak == leak


@pytest.mark.parametrize(("alpha", "leak"), [(0.25, 0.0), (0.0, 2.0), (0.2375, 0.1), (0.18, 0.1)])
def test_the_bound_of_the_potential_itself_is_allowed(alpha: float, leak: float) -> None:
    config = mfn.SimulationConfig(alpha=alpha, leak=leak, turing_enabled=False, grid_size=8, clamp_mv=(-1000, 1000))
    assert np.isfinite(mfn.simulate(config).field_mv).all()


def test_kinetics_that_decay_faster_than_a_substep_are_refused_with_the_bound() -> None:
    with pytest.raises(StabilityError, match=r"explicit substep 1/10 is unstable: at most 1/\d+\.\d+ is stable"):
        mfn.SimulationConfig(kinetics_parameters={"r_h": 40.0})


@pytest.mark.parametrize(("d_h", "substeps"), [(0.0, 1), (0.2, 1), (0.21, 2), (2.0, 10), (8.0, 40), (20.0, 100)])
def test_substeps_follow_the_largest_diffusion(d_h: float, substeps: int) -> None:
    parameters = {"D_a": 0.1, "D_h": d_h, "r_a": 0.01, "r_h": 0.01}
    assert mfn.SimulationConfig(kinetics_parameters=parameters).substeps == substeps


def test_the_threshold_is_relative_to_the_range_of_the_kinetics() -> None:
    assert mfn.SimulationConfig().activator_threshold == 0.75
    assert mfn.SimulationConfig(kinetics="brusselator").activator_threshold == 3.0


COPIES: list[Any] = [
    lambda config, changes: config.model_copy(update=changes),
    lambda config, changes: config.model_copy(update=changes, deep=True),
    lambda config, changes: config.copy(update=changes),
    lambda config, changes: mfn.SimulationConfig(**{**config.model_dump(), **changes}),
    lambda config, changes: type(config).model_validate({**config.model_dump(), **changes}),
]


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"alpha": 0.9}, "8 alpha \\+ leak"),
        ({"setps": 9}, "SimulationConfig has no field 'setps'; did you mean 'steps'"),
        ({"steps": "9"}, "steps must be a valid integer; got '9'"),
        ({"clamp_mv": (-60.0, 40.0)}, "rest_potential_mv = -70.0 lies outside"),
        ({"kinetics_parameters": {"D_h": 30.0}}, "D_h"),
        ({"kinetics": "mycelum"}, "did you mean 'mycelium'"),
    ],
)
def test_a_copy_is_checked_like_a_new_configuration(copied: Any, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(mfn.InvalidInputError, match=why):
        copied(mfn.SimulationConfig(steps=5), changes)


def test_a_copy_keeps_what_was_set_and_takes_what_is_new() -> None:
    config = mfn.SimulationConfig(steps=5, kinetics_parameters={"bias": 0.01})
    found = config.model_copy(update={"seed": 7})
    assert found == mfn.SimulationConfig(steps=5, seed=7, kinetics_parameters={"bias": 0.01})
    assert found.model_fields_set == {"steps", "seed", "kinetics_parameters"}
    assert config.model_copy() == config


@pytest.mark.parametrize("values", [{"grid_size": 2}, {"grid_size": 2, "steps": 0}, {"setps": 9}, {"kinetics": 3}])
def test_what_is_wrong_is_said_in_our_own_words(values: dict[str, Any]) -> None:
    with pytest.raises(mfn.MFNError) as caught:
        mfn.SimulationConfig(**values)
    text = str(caught.value)
    assert not [word for word in ("http", "Value error", "Input should", "\n", "validation error") if word in text]
    assert caught.value.details["field"] == next(iter(values))


def test_a_change_is_checked_wherever_it_is_copied() -> None:
    with pytest.raises(mfn.InvalidInputError, match="Change has no field 'stpe'; did you mean 'step'"):
        mfn.fields.Change(5, "leak", 0.1).model_copy(update={"stpe": 6})
