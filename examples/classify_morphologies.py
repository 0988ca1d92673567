"""Tell spots, labyrinths and nets apart by their features: ``python examples/classify_morphologies.py``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline

import mycelium_fractal_net as mfn

MORPHOLOGIES = {"spots": -0.05, "labyrinth": 0.0, "net": 0.04}


def configurations(samples: int) -> Iterator[mfn.SimulationConfig]:
    """Yield as many configurations of each morphology, each with its own seed."""
    for seed in range(samples):
        for number, bias in enumerate(MORPHOLOGIES.values()):
            yield mfn.SimulationConfig(
                grid_size=48, steps=128, seed=3 * seed + number, kinetics_parameters={"bias": bias}
            )


def make_fields(samples: int) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Simulate fields, (3 samples, 48, 48) in mV, and return them with the names of their morphologies."""
    results = mfn.simulate_ensemble(configurations(samples))
    fields = np.stack([result.field_mv for result in results])
    return fields, np.array(list(MORPHOLOGIES) * samples)


def make_classifier() -> Pipeline:
    """Return a pipeline from fields to names."""
    forest = RandomForestClassifier(n_estimators=200, random_state=0)
    return make_pipeline(mfn.FieldFeatureExtractor(), forest).set_output(transform="pandas")


def main(samples: int = 40) -> float:
    """Train on three quarters of the fields and return the share of the others that is named rightly."""
    fields, names = make_fields(samples)
    seen, held_out, seen_names, held_out_names = train_test_split(
        fields, names, test_size=0.25, stratify=names, random_state=0
    )
    classifier = make_classifier().fit(seen, seen_names)
    score = float(classifier.score(held_out, held_out_names))
    print(f"{score:.1%} of {len(held_out)} held-out fields are named rightly; guessing names a third")
    weights = classifier[-1].feature_importances_
    for index in np.argsort(weights)[::-1][:5]:
        print(f"  {mfn.FEATURE_NAMES[index]:18} {weights[index]:.2f}")
    return score


if __name__ == "__main__":
    main()
