"""Checks of dimensions, exponents and features."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net.dynamics import (
    estimate_spectrum,
    estimate_spectrum_flow,
    kaplan_yorke_dimension,
    lyapunov_spectrum,
    lyapunov_spectrum_flow,
)
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features import FEATURE_NAMES, extract_features
from mycelium_fractal_net.fields import SimulationConfig, simulate, simulate_history
from mycelium_fractal_net.fractals import box_counting_dimension
from mycelium_fractal_net.validation.report import Check

__all__ = ["exponent_checks", "number_checks"]

Array = NDArray[np.float64]

_PINNED = (
    "D_box D_r2 V_min V_max V_mean V_std V_skew V_kurt dV_mean dV_max T_stable E_trend f_active N_clusters_low "
    "N_clusters_med N_clusters_high max_cluster_size cluster_size_std"
)


def number_checks(cancel: threading.Event | None = None) -> Iterator[Check]:
    """Yield the checks of fractals, dynamics and features."""
    yield from _dimensions()
    yield from exponent_checks(cancel)
    yield from _features()


def _dimensions() -> Iterator[Check]:
    row, column = np.indices((128, 128))
    triangle = np.pad((row & column) == 0, ((9, 14), (21, 3)))
    yield Check.number(
        "box dimension of the Sierpinski triangle", math.log2(3), box_counting_dimension(triangle).dimension, 1e-3,
        "Moran 1946, doi:10.1017/S0305004100022684",
    )  # fmt: skip
    carpet = np.ones((1, 1), dtype=bool)
    for _ in range(4):
        carpet = np.kron(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=bool), carpet)
    carpet = np.pad(carpet, ((5, 8), (2, 11)))
    found = box_counting_dimension(carpet, scales=(3, 9, 27)).dimension
    yield Check.number("box dimension of the Sierpinski carpet", math.log(8, 3), found, 1e-3, "Moran's equation")
    full = box_counting_dimension(np.ones((64, 64), dtype=bool)).dimension
    yield Check.number("box dimension of a full mask", 2.0, full, 0.0, "definition")


def exponent_checks(cancel: threading.Event | None = None) -> Iterator[Check]:
    def logistic(x: Array) -> Array:
        return np.asarray(4 * x * (1 - x))

    found = lyapunov_spectrum(logistic, lambda x: np.diag(4 - 8 * x), np.array([0.3]), 20_000, cancel=cancel)
    yield Check.number("Lyapunov exponent of the logistic map", math.log(2), float(found[0]), 0.005, "ln 2, exact")

    def henon(s: Array) -> Array:
        return np.array([1 - 1.4 * s[0] ** 2 + s[1], 0.3 * s[0]])

    def henon_jacobian(s: Array) -> Array:
        return np.array([[-2.8 * s[0], 1.0], [0.3, 0.0]])

    pair = lyapunov_spectrum(henon, henon_jacobian, np.array([0.1, 0.1]), 20_000, cancel=cancel)
    yield Check.number(
        "largest exponent of the Henon map", 0.41922, float(pair[0]), 0.01,
        "Sprott, Chaos and Time-Series Analysis, 2003, ISBN 978-0198508403",
    )  # fmt: skip
    yield Check.number("sum of the Henon map's exponents", math.log(0.3), float(pair.sum()), 1e-6, "ln 0.3, exact")
    estimate = estimate_spectrum(logistic, lambda x: np.diag(4 - 8 * x), np.array([0.3]), 4000, cancel=cancel)
    away = float((estimate.exponents[0] - math.log(2)) / estimate.standard_errors[0])
    yield Check.number("that exponent's distance from ln 2, in standard errors", 0.0, away, 3.0, "ln 2, exact")
    yield from _flow_checks()


def _flow_checks() -> Iterator[Check]:
    """Yield the checks of a flow solved by hand, and of half the time step as the judge of a whole one."""
    spiral = np.array([[-0.1, 2.0], [-2.0, -0.1]])
    found = estimate_spectrum_flow(lambda x: spiral @ x, lambda _: spiral, [1.0, 0.0], 0.05, 400)
    yield Check.number("exponents of a spiral", -0.1, float(found.exponents[0]), 1e-9, "its eigenvalues")
    yield Check.same("half the time step agrees there", "True", str(found.converged), "its eigenvalues")

    def oscillator(x: Array) -> Array:
        return np.array([x[1], 2.0 * (1.0 - x[0] ** 2) * x[1] - x[0]])

    def jacobian(x: Array) -> Array:
        return np.array([[0.0, 1.0], [-4.0 * x[0] * x[1] - 1.0, 2.0 * (1.0 - x[0] ** 2)]])

    pair = lyapunov_spectrum_flow(oscillator, jacobian, [1.0, 0.5], 0.05, 40, transient=0)
    yield Check.number(
        "growth along van der Pol's equation until time 2", 0.32682006, float(pair[0]), 5e-6,
        "SciPy's DOP853 for orbit and tangents, tolerance 1e-13",
    )  # fmt: skip
    dimension = kaplan_yorke_dimension([0.9056, 0.0, -14.5723])
    yield Check.number(
        "Kaplan-Yorke dimension of the Lorenz attractor", 2.06215, dimension, 1e-5,
        "Sprott, Chaos and Time-Series Analysis, 2003, ISBN 978-0198508403",
    )  # fmt: skip
    yield Check.same(
        "a time step of 0.12 for the Lorenz equations", "refused", _lorenz_at(0.12), "half of it disagrees"
    )


def _lorenz_at(dt: float) -> str:
    def lorenz(s: Array) -> Array:
        return np.array([10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]])

    try:
        return f"{estimate_spectrum_flow(lorenz, None, [1.0, 1.0, 20.0], dt, 200)}"
    except InvalidInputError:
        return "refused"


def _features() -> Iterator[Check]:
    yield Check.same("names and order of the features", _PINNED, " ".join(FEATURE_NAMES), "pinned")
    config = SimulationConfig(grid_size=48, steps=20)
    result, history = simulate(config), simulate_history(config)
    online, offline = result.features.to_array(), extract_features(history).to_array()
    difference = float(np.abs(online - offline).max())
    yield Check.number("features online against features of the history", 0.0, difference, 0.0, "equal to the bit")
    change = np.abs(np.diff(history, axis=0))
    energy = (history**2).mean(axis=(1, 2))
    last = history[-1]
    plain = {
        "V_mean": last.mean(), "V_std": last.std(), "dV_mean": change.mean(), "dV_max": change.max(),
        "f_active": (last > -60).mean(), "E_trend": np.polyfit(np.arange(len(energy)), energy, 1)[0],
    }  # fmt: skip
    for name, expected in plain.items():
        got = float(online[_PINNED.split().index(name)])
        yield Check.number(f"{name} against NumPy", float(expected), got, 1e-9 * max(1.0, abs(expected)), "definition")
