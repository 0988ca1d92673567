"""Wherever an array is taken, pandas' Series and data frames are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.biophysics import stdp_window
from mycelium_fractal_net.dynamics import kaplan_yorke_dimension, lyapunov_spectrum, lyapunov_spectrum_flow
from mycelium_fractal_net.features import extract_extended_features
from mycelium_fractal_net.federated import NNM, CenteredClipping, Krum, Mean
from mycelium_fractal_net.fields import Simulation

pandas = pytest.importorskip("pandas")

FIELD = np.random.default_rng(0).uniform(-90.0, 30.0, (16, 16))
MASK = FIELD > -60.0
ROWS = np.random.default_rng(1).normal(size=(7, 3))
CONFIG = mfn.SimulationConfig(grid_size=16, steps=2)


def replaced(field: Any) -> Any:
    simulation = Simulation(CONFIG)
    simulation.replace_fields(field_mv=field)
    return simulation.field_mv


def vectors(rows: Any) -> Any:
    return [row for _, row in rows.iterrows()] if hasattr(rows, "iterrows") else list(rows)


CALLS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "nernst": (lambda x: mfn.nernst_potential_mv(1, x, 0.14), np.array([0.005, 0.01])),
    "nernst of a valence": (lambda x: mfn.nernst_potential_mv(x, 0.01, 0.14), np.array([1, 2, -1])),
    "an ion": (lambda x: mfn.ghk_potential_mv([mfn.Ion(1, 1.0, x, 0.14)]), np.array([0.005, 0.01])),
    "temperatures": (
        lambda x: mfn.ghk_potential_mv([mfn.Ion(1, 1.0, 0.01, 0.14)], x),
        np.array([300.0, 310.0]),
    ),
    "lags": (stdp_window, np.array([-5.0, 5.0])),
    "spikes before": (lambda x: mfn.stdp_weight_update(0.5, x, [12.0]), np.array([10.0, 20.0])),
    "spikes after": (lambda x: mfn.stdp_weight_update(0.5, [[12.0], [1.0]], x), np.array([10.0, 20.0])),
    "trains": (lambda x: mfn.stdp_weight_update(0.5, [x, x[:1]], [12.0]), np.array([10.0, 20.0])),
    "weights of synapses": (lambda x: mfn.stdp_weight_update(x, [[1.0]], [[5.0], [6.0]]), np.array([0.1, 0.2])),
    "a field": (lambda x: mfn.extract_features(x).to_array(), FIELD),
    "an extended field": (lambda x: list(extract_extended_features(x).values()), FIELD),
    "a mask": (lambda x: mfn.box_counting_dimension(x).counts, MASK),
    "lacunarity": (lambda x: mfn.lacunarity(x, [2, 4]), MASK),
    "box sides": (lambda x: mfn.box_counting_dimension(MASK, scales=x).counts, np.array([2, 4, 8])),
    "masses": (lambda x: mfn.generalised_dimensions(x).dimensions, np.abs(FIELD)),
    "orders": (lambda x: mfn.generalised_dimensions(MASK, x).dimensions, np.array([0.0, 2.0])),
    "a first field": (lambda x: mfn.simulate(CONFIG, x).field_mv, FIELD),
    "a replaced field": (replaced, FIELD),
    "updates": (Krum(1), ROWS),
    "a list of updates": (lambda x: Krum(1)(vectors(x)), ROWS),
    "mixed updates": (NNM(1), ROWS),
    "claimed counts": (lambda x: Mean()(ROWS, weights=x), np.arange(1, 8)),
    "a first centre": (lambda x: CenteredClipping(1.0, start=x)(ROWS), np.array([0.0, 1.0, 2.0])),
    "exponents": (kaplan_yorke_dimension, np.array([0.4, -1.6])),
    "a state": (lambda x: lyapunov_spectrum(lambda s: 0.5 * s, None, x, 5), np.array([0.1, 0.2])),
    "a state of a flow": (lambda x: lyapunov_spectrum_flow(lambda s: -s, None, x, 0.1, 5), np.array([0.1, 0.2])),
}


@pytest.mark.filterwarnings("ignore:the exponents have not converged")
@pytest.mark.parametrize(("call", "array"), CALLS.values(), ids=CALLS)
def test_series_and_frames_are_read_as_the_arrays_that_they_hold(call: Callable[[Any], Any], array: Any) -> None:
    wrapped = pandas.Series(array, index=range(5, 5 + len(array))) if array.ndim == 1 else pandas.DataFrame(array)
    np.testing.assert_array_equal(np.asarray(call(wrapped)), np.asarray(call(array)))
