"""What maps and flows share: checked functions, Jacobians by differences, growth of a frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_whole
from mycelium_fractal_net._lazy import need
from mycelium_fractal_net.dynamics._estimate import Growth
from mycelium_fractal_net.errors import DivergedError, InvalidInputError

__all__ = ["Frame", "Function", "Vector", "VectorField", "as_state", "default_transient", "quiet"]

Vector: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Any], Any]
"""What a caller passes: a state in, a state or a matrix out."""

_DIFFERENCE = float(np.finfo(np.float64).eps) ** (1.0 / 3.0)
_BENT = 0.1
_STEEP = 1e-2
_SUSPECT = 1e-4  # of the largest value, over one difference


class VectorField:
    """A function of the state and its Jacobian, with their shapes and values checked.

    Parameters
    ----------
    name : str
        Name of the function's parameter, for messages.
    function, jacobian : callable
        What the caller gave; without a Jacobian, central differences take its place.
    scalar : bool
        Whether the function takes and gives plain numbers.
    dimension : int
        Length of the state.
    """

    def __init__(self, name: str, function: Function, jacobian: Function | None, scalar: bool, dimension: int) -> None:
        if not callable(function):
            raise InvalidInputError(f"{name} must be a function of the state; got {function!r}", field=name)
        if jacobian is not None and not callable(jacobian):
            raise InvalidInputError(
                f"jacobian must be a function of the state, or None; got {jacobian!r}", field="jacobian"
            )
        self._name = name
        self._function = function
        self._jacobian = jacobian
        self._scalar = scalar
        self._dimension = dimension
        self._scale = np.zeros(dimension)
        self._size = np.zeros(dimension)

    def __call__(self, state: Vector, step: int) -> Vector:
        """Return the function's value; ``step`` is named when it is not finite."""
        return self._call(self._name, self._function, state, (self._dimension,), step)

    def jacobian(self, state: Vector, step: int) -> Vector:
        """Return the Jacobian, (dimension, dimension), given or by central differences.

        Raises
        ------
        InvalidInputError
            When the differences forward and backward disagree, as at a jump or a kink.
        """
        if self._jacobian is not None:
            shape = (self._dimension, self._dimension)
            return self._call("jacobian", self._jacobian, state, shape, step)
        self._scale = np.maximum(self._scale, np.abs(state))
        width = _DIFFERENCE * np.where(self._scale > 0.0, self._scale, 1.0)
        here = self(state, step)
        self._size = np.maximum(self._size, np.abs(here))
        columns = np.empty((self._dimension, self._dimension))
        for index in range(self._dimension):
            ahead, behind = state.copy(), state.copy()
            ahead[index] += width[index]
            behind[index] -= width[index]
            high, low = self(ahead, step), self(behind, step)
            columns[:, index] = (high - low) / (ahead[index] - behind[index])
            forward, backward = (
                (high - here) / (ahead[index] - state[index]),
                (here - low) / (state[index] - behind[index]),
            )
            gap = np.abs(forward - backward)
            steep = _STEEP * self._size * _DIFFERENCE / width[index]
            if ((gap > _BENT * np.maximum(np.abs(forward), np.abs(backward))) & (gap > steep)).any():
                raise self._jump(state, step)
            suspect = np.abs(high - low) > _SUSPECT * self._size
            if suspect.any() and self._steepens(state, index, width[index] / 4, columns[:, index], suspect, step):
                raise self._jump(state, step)
        return columns

    def _steepens(
        self, state: Vector, index: int, width: float, slopes: Vector, suspect: NDArray[np.bool_], step: int
    ) -> bool:
        """Return whether nearer differences are steeper in proportion, as in the middle of a jump, where both agree."""
        ahead, behind = state.copy(), state.copy()
        ahead[index] += width
        behind[index] -= width
        nearer = (self(ahead, step) - self(behind, step)) / (ahead[index] - behind[index])
        return bool((suspect & (np.abs(nearer) > 2.0 * np.abs(slopes))).any())

    def _jump(self, state: Vector, step: int) -> InvalidInputError:
        return InvalidInputError(
            f"{self._name} is not smooth at the state {state.tolist()} of step {step}, where forward and backward "
            f"differences disagree: give its jacobian",
            field="jacobian",
        )

    def _call(self, name: str, function: Function, state: Vector, shape: tuple[int, ...], step: int) -> Vector:
        argument = float(state[0]) if self._scalar else state.copy()
        try:
            value = np.asarray(function(argument), dtype=np.float64)
        except OverflowError:
            value = np.full(shape, np.inf)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"{name} must return real numbers: {error}", field=name) from error
        if value.shape != shape and (value.size != math.prod(shape) or value.ndim > 1):
            raise InvalidInputError(
                f"{name} must return an array of shape {shape}; got shape {value.shape}", field=name
            )
        if not math.isfinite(np.vdot(value, value)) and not np.isfinite(value).all():
            raise DivergedError(
                f"{name} is no longer finite at step {step}, from the state {state.tolist()}; "
                "start in the basin of the attractor, or take a smaller step",
                step=step,
            )
        return value.reshape(shape)


def quiet() -> AbstractContextManager[Any]:
    """Return a context without NumPy's warnings: what is not finite is reported as an error, with its step."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")


class Frame:
    """An orthonormal frame that moves with the dynamics, and the logarithms of its growth.

    Parameters
    ----------
    dimension : int
        Length of the state.
    steps : int
        How many steps will count.
    """

    def __init__(self, dimension: int, steps: int) -> None:
        lapack = need("scipy.linalg:lapack", "scipy")
        self._factorise, self._assemble = lapack.dgeqrf, lapack.dorgqr
        self._axes = np.eye(dimension)
        self.growth = Growth(dimension, steps)

    def move(self, tangent: Vector, *, count: bool) -> None:
        """Apply a tangent map, orthonormalise by Householder's QR, and count the growth if asked to."""
        factored, reflectors, _, _ = self._factorise(tangent @ self._axes)
        if count:
            self.growth.add(np.log(np.abs(factored.diagonal())))
        self._axes = self._assemble(factored, reflectors)[0]


def as_state(state: Any) -> tuple[Vector, bool]:
    """Return the state as a vector, and whether it was a plain number."""
    expected = "a number or a sequence of numbers, all finite"
    try:
        array = np.array(state, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInputError(f"state must be {expected}; got {state!r}", field="state") from None
    if array.ndim > 1 or array.size == 0 or not np.isfinite(array).all():
        raise InvalidInputError(f"state must be {expected}; got {state!r}", field="state")
    return np.atleast_1d(array), array.ndim == 0


def default_transient(transient: Any, steps: int) -> int:
    """Return how many steps go before those that count: by default a tenth of them, at most 1000."""
    return min(1000, steps // 10) if transient is None else as_whole("transient", transient, 0)
