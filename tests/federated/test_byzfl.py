"""The rules agree with ByzFL where both follow one definition."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from mycelium_fractal_net.federated import (
    NNM,
    ALittleIsEnough,
    CenteredClipping,
    InnerProductManipulation,
    Krum,
    Mean,
    Median,
    MultiKrum,
    NormClipping,
    SignFlip,
    TrimmedMean,
)

X = np.random.default_rng(0).normal(size=(15, 40))


@pytest.fixture(scope="module")
def byzfl() -> Iterator[Any]:
    """Import ByzFL without torchvision, which only its training benchmark uses."""
    stubs = {name: MagicMock() for name in ("torchvision", "torchvision.datasets", "torchvision.transforms")}
    kept = {name: sys.modules.get(name) for name in stubs}
    sys.modules.update(stubs)
    try:
        yield pytest.importorskip("byzfl")
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


PAIRS = [
    (Krum(3, neighbors="byzfl"), "Krum", {"f": 3}),
    (MultiKrum(3, neighbors="byzfl"), "MultiKrum", {"f": 3}),
    (TrimmedMean(3), "TrMean", {"f": 3}),
    (Median(), "Median", {}),
    (Mean(), "Average", {}),
    (NNM(3), "NNM", {"f": 3}),
    (NormClipping(2.0), "Clipping", {"c": 2.0}),
    (
        CenteredClipping(2.0, iterations=3, start=[0.0] * 40),
        "CenteredClipping",
        {"L": 3, "tau": 2.0},
    ),
    (SignFlip(), "SignFlipping", {}),
    (InnerProductManipulation(0.7), "InnerProductManipulation", {"tau": 0.7}),
    (ALittleIsEnough(z=-1.5 * np.sqrt(15 / 14)), "ALittleIsEnough", {"tau": 1.5}),
]


@pytest.mark.parametrize(("ours", "name", "parameters"), PAIRS, ids=[name for _, name, _ in PAIRS])
def test_the_answers_agree(byzfl: Any, ours: Any, name: str, parameters: dict[str, Any]) -> None:
    theirs = getattr(byzfl, name)(**parameters)(X)
    np.testing.assert_allclose(np.squeeze(ours(X)), theirs, rtol=1e-10, atol=1e-12)
