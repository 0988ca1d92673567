"""When a field counts as at rest."""

import numpy as np
import pytest

import mycelium_fractal_net as mfn


def moving(flags: str) -> float:
    """Return T_stable of a history that changes unevenly at each "x" and rests at each "."."""
    pattern = np.random.default_rng(5).normal(size=(8, 8))
    sizes = [1.0 if flag == "x" else 1e-5 for flag in flags]
    return float(mfn.extract_features(np.cumsum([0.0, *sizes])[:, None, None] * pattern).T_stable)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("." * 10, 1),
        ("." * 9, 9),
        ("xxx" + "." * 10, 4),
        ("xxx" + "." * 9, 12),
        ("." * 9 + "x" + "." * 12, 11),
        ("." * 10 + "x", 1),
        ("x" * 25, 25),
        ("", 0),
    ],
)
def test_rest_begins_with_the_first_full_window(flags: str, expected: int) -> None:
    assert moving(flags) == expected


def test_a_drift_that_all_cells_share_is_rest() -> None:
    frames = np.arange(20.0)[:, None, None] * 0.5 * np.ones((8, 8)) - 70.0
    assert mfn.extract_features(frames).T_stable == 1


@pytest.mark.parametrize(("threshold", "expected"), [(0.09, 12), (0.11, 1)])
def test_the_threshold_is_that_of_the_standard_deviation(threshold: float, expected: int) -> None:
    change = np.indices((8, 8)).sum(axis=0) % 2 * 0.2
    frames = np.arange(13.0)[:, None, None] * change
    assert mfn.extract_features(frames, mfn.FeatureConfig(stability_threshold_mv=threshold)).T_stable == expected


def test_the_window_is_configurable() -> None:
    frames = np.zeros((4, 8, 8))
    assert mfn.extract_features(frames, mfn.FeatureConfig(stability_window=3)).T_stable == 1
    assert mfn.extract_features(frames, mfn.FeatureConfig(stability_window=4)).T_stable == 3
