"""The arrays of a model as Flower carries them: read from a reply with suspicion, and put together again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, RecordDict
from numpy.typing import NDArray

from mycelium_fractal_net.errors import AggregationError
from mycelium_fractal_net.federated._updates import FloatArray

__all__ = ["Model", "RefusedReplyError"]

_HEADER_BYTES = 4096


class RefusedReplyError(Exception):
    """A reply does not fit."""


class Model:
    """The arrays that a round starts from: real ones as one vector, integer ones by name."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        odd = {name: str(array.dtype) for name, array in arrays.items() if array.dtype.kind not in "fiub"}
        if odd:
            raise AggregationError(f"the model's arrays must be real numbers, integers or booleans; got {odd}")
        self._arrays = arrays
        self._real = [name for name, array in arrays.items() if array.dtype.kind == "f"]
        self.size = sum(arrays[name].size for name in self._real)
        if not self.size:
            raise AggregationError("the model holds no array of real numbers to aggregate")
        wide = any(arrays[name].dtype.itemsize > 4 for name in self._real)
        self.dtype = np.dtype(np.float64 if wide else np.float32)
        self._start = self._joined(arrays)

    def read(self, content: RecordDict) -> tuple[FloatArray, dict[str, NDArray[Any]]]:
        """Return a reply's update, shape (size,), and its integer arrays."""
        records = list(content.array_records.values())
        if len(records) != 1:
            raise RefusedReplyError(f"a reply must hold one ArrayRecord; got {len(records)}")
        if set(records[0]) != set(self._arrays):
            raise RefusedReplyError(f"the arrays must be {sorted(self._arrays)}; got {sorted(records[0])}")
        arrays = {name: _read_array(name, records[0][name], like) for name, like in self._arrays.items()}
        with np.errstate(over="ignore", invalid="ignore"):
            update = (self._joined(arrays) - self._start).astype(self.dtype)
        return update, {name: array for name, array in arrays.items() if name not in self._real}

    def moved(self, update: FloatArray, counters: list[dict[str, NDArray[Any]]]) -> ArrayRecord | None:
        """Return the model after an update, with its names, shapes and dtypes; counters are those of the nodes.

        None if the update takes a number of the model beyond what its dtype can hold.
        """
        places = np.cumsum([self._arrays[name].size for name in self._real])[:-1]
        with np.errstate(over="ignore"):
            parts = np.split(self._start + update, places)
            real = {name: part.astype(self._arrays[name].dtype) for name, part in zip(self._real, parts, strict=True)}
        if not all(np.isfinite(part).all() for part in real.values()):
            return None
        answer = {}
        for name, old in self._arrays.items():
            values = real[name] if name in real else _middle([found[name] for found in counters])
            answer[name] = Array(values.reshape(old.shape).astype(old.dtype))
        return ArrayRecord(answer)

    def _joined(self, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        return np.concatenate([arrays[name].ravel().astype(np.float64) for name in self._real])


def _read_array(name: str, array: Array, like: NDArray[Any]) -> NDArray[Any]:
    """Decode an array, no larger than the model's, and with its shape and dtype."""
    if len(array.data) > like.nbytes + _HEADER_BYTES:
        raise RefusedReplyError(f"{name} has {len(array.data)} bytes; {like.nbytes} were expected")
    try:
        values = array.numpy()
    except Exception as error:  # noqa: BLE001 # bytes that a node chose
        raise RefusedReplyError(f"{name} cannot be read: {error}") from None
    if not isinstance(values, np.ndarray) or (values.shape, values.dtype) != (like.shape, like.dtype):
        got = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        raise RefusedReplyError(f"{name} is {like.dtype} {like.shape}; got {got}")
    return values


def _middle(counters: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the lower median of integers, exactly."""
    return np.asarray(np.sort(np.stack(counters), axis=0)[(len(counters) - 1) // 2])
