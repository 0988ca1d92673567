"""What each feature set is worth: R^2 of each parameter on held-out fields, beside spectra and quantiles of the field.

    python -m benchmarks.feature_worth --samples 700 --alone 700 --out docs/feature-worth.json

Fields of 64 x 64 cells after 128 steps, eight parameters drawn at once, uniformly and independently. The better of
extra trees and of a ridge regression on all squares and products, fitted to 500 fields, predicts the others. The
baselines are ten lines of NumPy on the last field. ``--alone`` varies one parameter at a time, the others at their
defaults. Of each set it says how many numbers it has, how many directions hold 99% of their variance, and which pairs
of parameters are mistaken for each other: correlations of what is left of them.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import mycelium_fractal_net as mfn

Array = NDArray[np.float64]

RANGES = {
    "bias": (-0.06, 0.05),
    "beta": (1.0, 1.3),
    "r_a": (0.2, 0.35),
    "D_h": (1.2, 3.0),
    "alpha": (0.08, 0.2),
    "leak": (0.05, 0.2),
    "turing_drive_mv": (2.0, 8.0),
    "spike_probability": (0.0, 0.5),
}
RATES = ("bias", "beta", "r_a", "D_h")
SETS = ("core", "spectral", "activator", "events", "topology", "extended")
SIDE, STEPS, TRAINED = 64, 128, 500


def radial_spectrum(field: Array) -> Array:
    wave = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None])
    ring = np.minimum((wave / 0.5 * 24).astype(int), 23).ravel()
    power = np.abs(np.fft.fft2(field - field.mean())).ravel() ** 2
    return np.log(np.bincount(ring, power, 24) / np.bincount(ring, minlength=24) + 1e-12)


def quantiles(field: Array) -> Array:
    return np.quantile(field, np.linspace(0.0, 1.0, 21))


def run(values: dict[str, float], seed: int) -> mfn.SimulationResult:
    rates = {name: values[name] for name in RATES if name in values}
    other = {name: value for name, value in values.items() if name not in RATES}
    config = mfn.SimulationConfig(grid_size=SIDE, steps=STEPS, seed=seed, kinetics_parameters=rates, **other)
    return mfn.simulate(config, threads=1, sets=SETS)


def measured(result: mfn.SimulationResult, name: str) -> Array:
    return mfn.extract_features(result, sets=name).to_array()


def experiment(names: tuple[str, ...], samples: int, seed: int) -> tuple[dict[str, Array], Array, dict[str, float]]:
    """Return a table of numbers for each source, the parameters, and processor seconds a field for each source."""
    draw = np.random.default_rng(seed)
    parameters = np.array([[draw.uniform(*RANGES[name]) for name in names] for _ in range(samples)])
    tables: dict[str, list[Array]] = {}
    cost: dict[str, float] = {}
    for index, row in enumerate(parameters):
        result = run(dict(zip(names, map(float, row), strict=True)), seed + index)
        sources: dict[str, Callable[[], Array]] = {name: partial(measured, result, name) for name in SETS}
        sources["spectrum"] = partial(radial_spectrum, result.field_mv)
        sources["quantiles"] = partial(quantiles, result.field_mv)
        for name, measure in sources.items():
            begun = time.process_time()
            tables.setdefault(name, []).append(measure())
            cost[name] = cost.get(name, 0.0) + (time.process_time() - begun) / samples
    return {name: np.array(rows) for name, rows in tables.items()}, parameters, cost


def completed(table: Array, trained: int) -> Array:
    """Return the table with the median of the fields that are trained on where a feature does not exist."""
    usual = np.nan_to_num(np.nanmedian(table[:trained], axis=0))
    return np.where(np.isfinite(table), table, usual)


def worth(table: Array, parameters: Array) -> tuple[Array, Array]:
    """Return R^2 of each parameter on the fields not trained on, by the better of two regressions, and errors."""
    trained = min(TRAINED, 5 * len(table) // 7)
    numbers = completed(table, trained)
    low, high = parameters.min(axis=0), parameters.max(axis=0)
    ridge = make_pipeline(
        StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler(), RidgeCV(np.logspace(-1, 5, 13))
    )
    trees = ExtraTreesRegressor(200, random_state=0)
    scores, errors = [], []
    for model in (ridge, trees):
        target = parameters[:trained] if parameters.shape[1] > 1 else parameters[:trained, 0]
        predicted = model.fit(numbers[:trained], target).predict(numbers[trained:]).reshape(-1, parameters.shape[1])
        guess = np.clip(predicted, low, high)
        scores.append(r2_score(parameters[trained:], guess, multioutput="raw_values"))
        errors.append(parameters[trained:] - guess)
    best = np.argmax(scores, axis=0)
    return np.max(scores, axis=0), np.stack([errors[model][:, k] for k, model in enumerate(best)], axis=1)


def mistaken(names: tuple[str, ...], errors: Array) -> dict[str, float]:
    """Return the pairs of parameters whose errors go together, and how much."""
    together = np.corrcoef(errors.T)
    pairs = [(i, j) for i in range(len(names)) for j in range(i) if abs(together[i, j]) > 0.4]
    return {f"{names[j]}, {names[i]}": round(float(together[i, j]), 2) for i, j in pairs}


def redundancy(table: Array, trained: int) -> dict[str, Any]:
    """Return how many numbers there are, how many directions hold 99% of their variance, and how many have a twin."""
    ranks = np.argsort(np.argsort(completed(table, trained), axis=0, kind="stable"), axis=0)
    ranks = ranks[:, np.ptp(completed(table, trained), axis=0) > 0.0]
    alike = np.corrcoef(ranks.T)
    held = np.sort(np.linalg.eigvalsh(alike))[::-1].cumsum() / len(alike)
    twins = (np.abs(alike - np.eye(len(alike))) > 0.95).any(axis=0)
    return {"numbers": table.shape[1], "directions": int((held < 0.99).sum()) + 1, "twins": int(twins.sum())}


def combinations(tables: dict[str, Array]) -> dict[str, Array]:
    together = {
        "core": ("core",), "spectral": ("spectral",), "activator": ("activator",), "events": ("events",),
        "topology": ("topology",), "extended": ("extended",),
        "core, spectral": ("core", "spectral"), "core, events": ("core", "events"),
        "core, activator": ("core", "activator"), "core, extended": ("core", "extended"),
        "activator, events": ("activator", "events"), "all of these": SETS,
        "spectrum of V": ("spectrum",), "quantiles of V": ("quantiles",), "both": ("spectrum", "quantiles"),
    }  # fmt: skip
    return {label: np.concatenate([tables[name] for name in names], axis=1) for label, names in together.items()}


def together(samples: int) -> dict[str, Any]:
    """Return R^2 of every parameter for every source when all of them vary, what is mistaken for what, and costs."""
    names = tuple(RANGES)
    tables, parameters, cost = experiment(names, samples, 7)
    answer: dict[str, Any] = {"samples": samples, "parameters": names}
    answer["cost_ms"] = {name: round(1e3 * seconds, 3) for name, seconds in cost.items()}
    answer |= {"r2": {}, "mistaken": {}, "redundancy": {}}
    for label, table in combinations(tables).items():
        scores, errors = worth(table, parameters)
        answer["r2"][label] = dict(zip(names, scores.round(3).tolist(), strict=True))
        answer["mistaken"][label] = mistaken(names, errors)
        answer["redundancy"][label] = redundancy(table, min(TRAINED, 5 * len(table) // 7))
        print(f"{label:16s}", *(f"{name}={score:.2f}" for name, score in answer["r2"][label].items()), flush=True)
        print(f"{'':16s}", answer["mistaken"][label], answer["redundancy"][label], flush=True)
    return answer


def alone(name: str, samples: int) -> dict[str, float]:
    """Return R^2 of one parameter for every source when nothing else varies."""
    tables, single, _ = experiment((name,), samples, 11)
    found = {label: round(float(worth(table, single)[0][0]), 4) for label, table in combinations(tables).items()}
    print("alone", name, *(f"{label}={score:.3f}" for label, score in found.items()), flush=True)
    return found


def main() -> None:
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=700)
    parser.add_argument("--alone", type=int, default=0, help="Samples of the experiments with one parameter alone.")
    parser.add_argument("--out", type=Path, default=Path("feature-worth.json"))
    options = parser.parse_args()
    answer = together(options.samples)
    answer["alone"] = {name: alone(name, options.alone) for name in RANGES if options.alone}
    options.out.write_text(json.dumps(answer, indent=1) + "\n")


if __name__ == "__main__":
    main()
