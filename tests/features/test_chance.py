"""Chances and cosine waves equal SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import dctn
from scipy.stats import f

from mycelium_fractal_net.features._chance import cosine_transform, f_tail

DEGREES = st.floats(0.5, 1e5)


@given(st.floats(0.0, 1e4), DEGREES, DEGREES)
def test_the_tail_of_f_is_that_of_scipy(ratio: float, above: float, below: float) -> None:
    assert f_tail(ratio, above, below) == pytest.approx(f.sf(ratio, above, below), rel=1e-8, abs=1e-14)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (7, 16), (33, 20)])
def test_cosine_waves_are_those_of_scipy(shape: tuple[int, int]) -> None:
    field = np.random.default_rng(0).normal(size=shape)
    assert cosine_transform(field) == pytest.approx(dctn(field, norm="ortho"), abs=1e-12)
