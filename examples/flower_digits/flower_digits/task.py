"""What is learned: softmax regression on 8 x 8 images of digits."""

from __future__ import annotations

import numpy as np
from flwr.app import Array, ArrayRecord
from numpy.typing import NDArray
from sklearn.datasets import load_digits

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

TEST_IMAGES = 400
STEPS, BATCH, RATE = 40, 32, 0.5


def start() -> ArrayRecord:
    """Return the first model: zeros."""
    return pack(np.zeros((64, 10)), np.zeros(10))


def pack(weights: Floats, biases: Floats) -> ArrayRecord:
    """Return a model as Flower sends it."""
    return ArrayRecord({"weights": Array(weights), "biases": Array(biases)})


def unpack(arrays: ArrayRecord) -> tuple[Floats, Floats]:
    """Return weights, (64, 10), and biases, (10,)."""
    return arrays["weights"].numpy(), arrays["biases"].numpy()


def load(seed: int) -> tuple[Floats, Labels, Floats, Labels]:
    """Return images and labels to learn from, and those for the test."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(images))
    train, test = order[TEST_IMAGES:], order[:TEST_IMAGES]
    return images[train] / 16.0, labels[train], images[test] / 16.0, labels[test]


def shard(client: int, clients: int, alpha: float, seed: int) -> tuple[Floats, Labels]:
    """Return a client's images: of each class a Dirichlet(alpha) share."""
    images, labels, _, _ = load(seed)
    rng = np.random.default_rng([seed, 1])
    mine = []
    for digit in range(10):
        rows = np.flatnonzero(labels == digit)
        cuts = np.rint(np.cumsum(rng.dirichlet(np.full(clients, alpha)))[:-1] * len(rows)).astype(int)
        mine.append(np.split(rows, cuts)[client])
    chosen = np.concatenate(mine)
    return images[chosen], labels[chosen]


def probabilities(weights: Floats, biases: Floats, images: Floats) -> Floats:
    """Return the probability of each digit, (images, 10)."""
    logits = images @ weights + biases
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def learn(arrays: ArrayRecord, images: Floats, labels: Labels, seed: int) -> ArrayRecord:
    """Return the model after some steps of stochastic gradient descent."""
    weights, biases = (values.copy() for values in unpack(arrays))
    rng = np.random.default_rng(seed)
    for _ in range(STEPS):
        rows = rng.integers(len(images), size=BATCH)
        slope = probabilities(weights, biases, images[rows])
        slope[np.arange(BATCH), labels[rows]] -= 1.0
        weights -= RATE / BATCH * images[rows].T @ slope
        biases -= RATE / BATCH * slope.sum(axis=0)
    return pack(weights, biases)


def accuracy(arrays: ArrayRecord, images: Floats, labels: Labels) -> float:
    """Return the share of images that are recognised."""
    return float(np.mean(probabilities(*unpack(arrays), images).argmax(axis=1) == labels))
