"""What stands here because of CPython's global interpreter lock (GIL), and nowhere else.

A C function that releases the GIL has to get it back before it returns. With other threads at work that wait takes up
to `sys.getswitchinterval()`, 5 ms. For a call that lasts microseconds the wait costs more than the parallelism gains,
so that short calls keep the GIL and only long ones release it. A build of Python without the GIL (PEP 703) ends all
of this: every constant becomes 0 and every function the one that it stands in for.
"""

from __future__ import annotations

import hmac
import os
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["HELD_CELLS", "HELD_SIDE", "TURN_S", "hash_held", "hmac_held", "lazy", "random_id"]

HELD_CELLS = 64 * 64
"""Up to this many cells the kernel of the features keeps the GIL."""

HELD_SIDE = 128
"""Up to this side fields are copied out of the engine with the GIL kept."""

TURN_S = 0.0005
"""Seconds after which a thread of the service that computes in Python gives the GIL to one that waits for it.

CPython's 5 ms are too long beside thousands of short kernel calls, each of which waits so long to come back: the
exponent in `/validate` took four times as long beside one busy thread as it does with this.
"""

_HASHED_AT_ONCE = 2047  # hashlib and hmac release the GIL for more
_HASHED_HELD = 1 << 17

_random = random.Random()  # noqa: S311 # no secret; os.urandom releases the GIL
os.register_at_fork(after_in_child=_random.seed)

T = TypeVar("T")


def hash_held(state: _Hash, data: memoryview) -> None:
    """Hash bytes, of a short text piece by piece, so that the GIL is kept."""
    step = _HASHED_AT_ONCE if data.nbytes <= _HASHED_HELD else data.nbytes
    for start in range(0, data.nbytes, step):
        state.update(data[start : start + step])


def hmac_held(keyed: hmac.HMAC, text: bytes) -> bytes:
    """Return the HMAC of a short text; `hmac.digest` would release the GIL."""
    digest = keyed.copy()
    digest.update(text)
    return digest.digest()


def random_id() -> str:
    """Return 32 random hexadecimal digits that are no secret; `os.urandom`, and so `uuid4`, would release the GIL."""
    return f"{_random.getrandbits(128):032x}"


class lazy(Generic[T]):  # noqa: N801 # a decorator
    """Compute a property at its first use and keep it.

    `functools.cached_property` does the same, but in Python 3.11 under one lock for all objects: threads that
    simulate would compute their features one after the other. It can be used from Python 3.12 on.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type | None = None) -> T: ...

    def __get__(self, instance: object | None, owner: type | None = None) -> Self | T:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._function(instance)
        return value
