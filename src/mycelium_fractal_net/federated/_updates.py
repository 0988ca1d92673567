"""Read what a caller hands over into one matrix, and hand the answer back in the caller's kind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_number, as_whole
from mycelium_fractal_net.errors import AggregationError

__all__ = ["Batch", "FloatArray", "read_updates", "require_count", "require_positive"]

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Batch:
    """Hold n updates as rows, float32 or float64, and the way back to the caller's kind."""

    values: FloatArray
    restore: Callable[[FloatArray], Any]


def read_updates(updates: Any) -> Batch:
    """Turn an (n, d) array, a list of vectors or torch tensors into a `Batch`; never writes to the input.

    Integers become float64, float16 is computed in float32; the answer has the dtype of the input.

    Raises
    ------
    AggregationError
        For anything that is not n >= 1 real vectors of one length d >= 1.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        if isinstance(updates, torch.Tensor):
            return _from_torch(updates, torch)
        updates = _listed(updates)
        if isinstance(updates, list) and updates and isinstance(updates[0], torch.Tensor):
            return _from_torch(_stack_torch(updates, torch), torch)
    else:
        updates = _listed(updates)
    return _from_numpy(_as_array(updates))


def _listed(updates: Any) -> Any:
    """Make a list of any iterable that is not an array."""
    if isinstance(updates, (str, bytes, Mapping, AbstractSet)) or not isinstance(updates, Iterable):
        raise AggregationError(
            f"updates must be an (n, d) array, a list of vectors or a torch tensor; got {type(updates).__name__}"
        )
    if hasattr(updates, "__array__") or isinstance(updates, list):
        return updates
    return list(updates)


def _as_array(updates: Any) -> NDArray[Any]:
    if isinstance(updates, np.ma.MaskedArray):
        raise AggregationError("masked arrays are not supported: fill or drop the masked updates first")
    if not isinstance(updates, list):
        return np.asarray(updates)
    if not updates:
        raise AggregationError("there is no update to aggregate: the list is empty")
    rows = [_row(i, row) for i, row in enumerate(updates)]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        odd = next(i for i, row in enumerate(rows) if len(row) != len(rows[0]))
        raise AggregationError(
            f"all updates need one length; update 0 has {len(rows[0])} values, update {odd} has {len(rows[odd])}"
        )
    return np.stack(rows)


def _row(index: int, row: Any) -> NDArray[Any]:
    try:
        values = np.asarray(row)
    except (TypeError, ValueError) as error:
        raise AggregationError(f"update {index} is not a vector of numbers: {error}") from error
    if values.ndim != 1:
        raise AggregationError(
            f"every update must be a vector (d,); update {index} has shape {values.shape}. "
            "For scalars pass a matrix of one column"
        )
    _require_real(values.dtype, f"update {index}")
    return values


def _require_real(dtype: np.dtype[Any], what: str) -> None:
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise AggregationError(f"updates must be float16, float32, float64 or integers; {what} has dtype {dtype}")


def _from_numpy(array: NDArray[Any]) -> Batch:
    values, dtype = _to_work(array)
    return Batch(values, lambda answer: answer.astype(dtype, copy=False))


def _to_work(array: NDArray[Any]) -> tuple[FloatArray, np.dtype[Any]]:
    """Give the matrix in the working dtype, and the dtype of the answer."""
    _require_real(array.dtype, "the array")
    if array.ndim != 2 or 0 in array.shape:
        raise AggregationError(
            f"updates need shape (n, d) with n >= 1 clients and d >= 1 values; got shape {array.shape}"
        )
    floating = array.dtype.kind == "f"
    work = np.float32 if floating and array.dtype.itemsize <= 4 else np.float64
    answer = array.dtype.newbyteorder("=") if floating else np.dtype(np.float64)
    return np.ascontiguousarray(array, dtype=work), answer


def _stack_torch(rows: list[Any], torch: Any) -> Any:
    shapes = {tuple(row.shape) if isinstance(row, torch.Tensor) else None for row in rows}
    if len(shapes) > 1 or None in shapes:
        raise AggregationError(f"all updates need to be tensors of one shape; got {sorted(map(str, shapes))}")
    if rows[0].ndim != 1:
        raise AggregationError(f"every update must be a vector (d,); got tensors of shape {tuple(rows[0].shape)}")
    return torch.stack(rows)


def _from_torch(tensor: Any, torch: Any) -> Batch:
    """Go through NumPy; the answer is a tensor of the same dtype on the same device."""
    plain = tensor.detach().cpu()
    dtype = tensor.dtype if tensor.dtype.is_floating_point else torch.float64
    if plain.dtype == torch.bfloat16:
        plain = plain.float()
    values, _ = _to_work(plain.numpy())

    def restore(answer: FloatArray) -> Any:
        return torch.from_numpy(np.array(answer)).to(dtype=dtype, device=tensor.device)

    return Batch(values, restore)


def require_count(name: str, value: Any, least: int) -> None:
    """Refuse a parameter that is not a whole number of at least `least`."""
    as_whole(name, value, least, error=AggregationError)


def require_positive(name: str, value: Any) -> None:
    """Refuse a parameter that is not a finite positive number."""
    as_number(name, value, above=0, error=AggregationError)
