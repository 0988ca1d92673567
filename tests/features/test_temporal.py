"""When a field counts as at rest."""

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from tests.features import reference


def history(flags: str) -> np.ndarray:
    """Return a history whose cells move far at each "x", hardly at each "." and at one cell at each "o"."""
    pattern = np.random.default_rng(5).normal(size=(32, 32))
    event = np.zeros((32, 32))
    event[3, 4] = 25.0
    changes = {"x": pattern, ".": 1e-5 * pattern, "o": event}
    steps = [(-1.0) ** t * changes[flag] for t, flag in enumerate(flags)]
    return np.cumsum([5.0 * pattern, *steps], axis=0) - 70.0


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("." * 10, 1),
        ("." * 9, 9),
        ("xxx" + "." * 10, 4),
        ("xxx" + "." * 9, 12),
        ("x" * 20 + "." * 30, 21),
        ("x" * 20 + "." * 12 + "x" + "." * 12, 21),
        ("x" * 20 + "." * 12 + "x" * 6 + "." * 12, 39),
        ("." * 10 + "x", 1),
        ("x" * 25, 25),
        ("", 0),
    ],
)
def test_rest_begins_where_most_of_every_later_window_rests(flags: str, expected: int) -> None:
    assert mfn.extract_features(history(flags)).T_stable == expected


def test_single_growth_events_do_not_reset_it() -> None:
    calm, struck = "x" * 12 + "." * 40, "x" * 12 + ("....o" * 8)
    assert mfn.extract_features(history(calm)).T_stable == mfn.extract_features(history(struck)).T_stable == 13


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_it_does_not_depend_on_the_scale_of_the_field(scale: float) -> None:
    frames = history("x" * 12 + "." * 20)
    assert mfn.extract_features(scale * frames).T_stable == mfn.extract_features(frames).T_stable == 13


def test_a_drift_is_no_rest() -> None:
    frames = np.arange(20.0)[:, None, None] * 0.5 * np.ones((8, 8)) - 70.0
    assert mfn.extract_features(frames).T_stable == 19


@pytest.mark.parametrize(("share", "expected"), [(0.15, 12), (0.25, 1)])
def test_the_share_is_that_of_the_largest_spread(share: float, expected: int) -> None:
    change = np.where(np.indices((8, 8)).sum(axis=0) % 2, 0.5, -0.5)
    frames = (2.5 + np.resize([0.0, 0.5], 13))[:, None, None] * change  # standard deviation 1.5, steps of 0.25
    assert mfn.extract_features(frames, mfn.FeatureConfig(stability_share=share)).T_stable == expected


def test_the_window_is_configurable() -> None:
    frames = np.zeros((4, 8, 8))
    assert mfn.extract_features(frames, mfn.FeatureConfig(stability_window=3)).T_stable == 1
    assert mfn.extract_features(frames, mfn.FeatureConfig(stability_window=4)).T_stable == 3


@pytest.mark.parametrize("window", [1, 2, 5, 10, 40])
def test_compiled_rest_equals_the_definition(window: int) -> None:
    generator = np.random.default_rng(window)
    for _ in range(20):
        frames = history("".join(generator.choice(list("xx....o"), 30)) + "." * int(generator.integers(20)))
        found = mfn.extract_features(frames, mfn.FeatureConfig(stability_window=window)).T_stable
        assert found == reference.rest(frames, window=window)


def test_it_varies_over_the_shipped_scenario_medium() -> None:
    from mycelium_fractal_net.datasets import load_scenario
    from mycelium_fractal_net.datasets.sampling import rows_of

    rows = rows_of(load_scenario("medium"))[:24]
    found = {result.features.T_stable for result in mfn.simulate_ensemble(rows)}
    assert len(found) >= 10
