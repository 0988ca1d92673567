"""FeatureConfig refuses what cannot be measured with, and compares by value."""

import json
from dataclasses import FrozenInstanceError, asdict
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("active_threshold_mv", np.nan),
        ("active_threshold_mv", "-60"),
        ("active_threshold_mv", True),
        ("active_threshold_mv", 10**400),
        ("cluster_thresholds_mv", (-60.0, -50.0)),
        ("cluster_thresholds_mv", (-40.0, -50.0, -60.0)),
        ("cluster_thresholds_mv", (-60.0, -60.0, -40.0)),
        ("cluster_thresholds_mv", (-60, -50, 10**400)),
        ("cluster_thresholds_mv", "abc"),
        ("cluster_thresholds_mv", -60.0),
        ("cluster_thresholds_mv", np.array(-60.0)),
        ("rest_potential_mv", np.inf),
        ("stability_share", 0.0),
        ("stability_share", 1.5),
        ("stability_share", np.nan),
        ("stability_window", 0),
        ("stability_window", 2.5),
        ("connectivity", 6),
        ("connectivity", 4.0),
        ("box_scales", (2,)),
        ("box_scales", (0, 2)),
        ("box_scales", (2.5, 4)),
        ("box_scales", ([2], [4])),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(mfn.InvalidInputError, match=f"{name} must be"):
        mfn.FeatureConfig(**{name: value})


def test_equal_settings_compare_and_hash_equal() -> None:
    one = mfn.FeatureConfig(
        cluster_thresholds_mv=np.array([-60, -50, -40]),  # type: ignore[arg-type] # any three numbers do
        box_scales=[8, 4, 8],  # type: ignore[arg-type] # any whole numbers do
    )
    other = mfn.FeatureConfig(cluster_thresholds_mv=(-60.0, -50.0, -40.0), box_scales=(4, 8))
    assert one == other
    assert hash(one) == hash(other)


def test_settings_write_as_json_and_return() -> None:
    config = mfn.FeatureConfig(connectivity=8, stability_window=np.int64(3))  # type: ignore[arg-type] # NumPy's do
    assert mfn.FeatureConfig(**json.loads(json.dumps(asdict(config)))) == config


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError, match="connectivity"):
        mfn.FeatureConfig().connectivity = 8  # type: ignore[misc] # it is read-only
