"""Learn scikit-learn's digits on many clients: data, partition, and the gradients of all clients at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]

CLASSES = 10
PIXELS = 64
TEST_IMAGES = 450


@dataclass(frozen=True)
class Digits:
    """Images as rows of 64 values in 0..1, their labels, and what is kept for the test."""

    images: Floats
    labels: Labels
    test_images: Floats
    test_labels: Labels

    @classmethod
    @cache
    def load(cls, seed: int) -> Digits:
        """Read the 1797 images and set 450 of them aside; read once, never written to."""
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        order = np.random.default_rng(seed).permutation(len(images))
        test, train = order[:TEST_IMAGES], order[TEST_IMAGES:]
        return cls(images[train] / 16.0, labels[train], images[test] / 16.0, labels[test])


def dirichlet_shards(labels: Labels, clients: int, alpha: float, rng: np.random.Generator) -> list[Labels]:
    """Split every class over the clients in Dirichlet(alpha) shares; drawn again until nobody is left empty."""
    while True:
        parts: list[list[Labels]] = [[] for _ in range(clients)]
        for label in range(CLASSES):
            members = rng.permutation(np.flatnonzero(labels == label))
            cuts = np.cumsum(rng.dirichlet(np.full(clients, alpha)))[:-1] * len(members)
            for part, rows in zip(parts, np.split(members, np.rint(cuts).astype(int)), strict=True):
                part.append(rows)
        shards = [np.concatenate(part) for part in parts]
        if min(len(shard) for shard in shards) > 0:
            return shards


class Batches:
    """Draw one batch per client, with replacement, as two arrays for all clients."""

    def __init__(self, images: Floats, labels: list[Labels], shards: list[Labels], size: int, rng: Any) -> None:
        self._images, self._size, self._rng = images, size, rng
        self._lengths = np.array([len(shard) for shard in shards])
        widest = int(self._lengths.max())
        self._rows = np.array([np.resize(shard, widest) for shard in shards])
        self._labels = np.array([np.resize(own, widest) for own in labels])

    def draw(self) -> tuple[Floats, Labels]:
        """Return images (clients, size, 64) and labels (clients, size)."""
        chances = self._rng.random((len(self._lengths), self._size))
        picks = (chances * self._lengths[:, None]).astype(np.intp)
        rows = np.take_along_axis(self._rows, picks, axis=1)
        return self._images[rows], np.take_along_axis(self._labels, picks, axis=1)


@dataclass(frozen=True)
class Network:
    """Softmax regression, or with hidden units one tanh layer before it; parameters are one flat vector."""

    hidden: int = 0

    def start(self, rng: np.random.Generator) -> Floats:
        """Return the first parameters: zero for the regression, which is convex."""
        if not self.hidden:
            return np.zeros((PIXELS + 1) * CLASSES)
        first = rng.normal(scale=PIXELS**-0.5, size=(PIXELS + 1, self.hidden))
        second = rng.normal(scale=self.hidden**-0.5, size=(self.hidden + 1, CLASSES))
        first[-1], second[-1] = 0.0, 0.0
        return np.concatenate([first.ravel(), second.ravel()])

    def gradients(self, parameters: Floats, images: Floats, labels: Labels) -> Floats:
        """Return the gradient of every client's mean cross-entropy, shape (clients, d)."""
        clients, size = labels.shape
        first, second = self._layers(parameters)
        inner = self._inner(first, images)
        slope = _softmax(_affine(inner, second))
        slope[np.arange(clients)[:, None], np.arange(size), labels] -= 1.0
        slope /= size
        last = _outer(inner, slope)
        if first is None:
            return last
        back = (slope @ second[:-1].T) * (1.0 - inner**2)
        return np.concatenate([_outer(images, back), last], axis=1)

    def accuracy(self, parameters: Floats, images: Floats, labels: Labels) -> float:
        """Return the share of images that are recognised."""
        first, second = self._layers(parameters)
        return float(np.mean(_affine(self._inner(first, images), second).argmax(axis=-1) == labels))

    def _layers(self, parameters: Floats) -> tuple[Floats | None, Floats]:
        if not self.hidden:
            return None, parameters.reshape(PIXELS + 1, CLASSES)
        cut = (PIXELS + 1) * self.hidden
        return parameters[:cut].reshape(PIXELS + 1, self.hidden), parameters[cut:].reshape(-1, CLASSES)

    @staticmethod
    def _inner(first: Floats | None, images: Floats) -> Floats:
        return images if first is None else np.tanh(_affine(images, first))


def _affine(values: Floats, layer: Floats) -> Floats:
    return np.asarray(values @ layer[:-1] + layer[-1])


def _softmax(logits: Floats) -> Floats:
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def _outer(inputs: Floats, slope: Floats) -> Floats:
    weights = np.swapaxes(inputs, 1, 2) @ slope
    biases = slope.sum(axis=1, keepdims=True)
    return np.concatenate([weights, biases], axis=1).reshape(len(inputs), -1)
