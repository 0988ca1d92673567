"""Files from outside: each is a regular file of a bounded size, and what it says has bounds too.

A few hundred bytes can stand for gigabytes (aliases in YAML, compression, a shape in a header), and a named pipe is
never read to its end. What is read here is measured before it is believed.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mycelium_fractal_net._checks import one_line, shown
from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError, MFNError, MissingExtraError

__all__ = [
    "LARGEST_ARRAY",
    "LARGEST_RATIO",
    "LARGEST_TEXT",
    "array_names",
    "check_npy",
    "check_ratio",
    "load_arrays",
    "load_members",
    "parse_json",
    "parse_toml",
    "parse_yaml",
    "read_bytes",
    "read_regular",
    "regular_file",
]

LARGEST_TEXT = 1 << 20
LARGEST_ARRAY = 1 << 30
LARGEST_RATIO = 100
_FREE = 1 << 26  # what is smaller than this may be packed as tightly as it likes
_DEEPEST = 32
_MOST_NODES = 50_000
_LONGEST_SCALAR = 4096
_MOST_MEMBERS = 1000
_PIECE = 1 << 20
_LONG_KEY = re.compile(rf"""(?<![\w"'-])(?:[\w"'-]++[ \t]*+\.[ \t]*+){{{_DEEPEST}}}""")
_DEADLINE_S = 10.0


@contextmanager
def regular_file(path: Path, most: int, error: type[MFNError] = InvalidInputError) -> Iterator[BinaryIO]:
    """Open a regular file of at most ``most`` bytes; a pipe, a device or a directory is refused without a wait."""
    try:
        descriptor = _open(path, most)
    except OSError as reason:
        raise error(f"cannot read {path}: {reason.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        yield file


def read_bytes(path: Path, most: int = LARGEST_TEXT, error: type[MFNError] = ConfigurationError) -> bytes:
    """Return the content of a regular file of at most ``most`` bytes, read within ten seconds."""
    try:
        return read_regular(path, most)
    except OSError as reason:
        raise error(f"cannot read {path}: {reason.strerror}") from None


def read_regular(path: Path, most: int = LARGEST_TEXT) -> bytes:
    """Return the same, for whoever names the file in other words.

    Raises
    ------
    OSError
        Whose ``strerror`` says why it cannot be read.
    """
    end = monotonic() + _DEADLINE_S
    pieces: list[bytes] = []
    with os.fdopen(_open(path, most), "rb") as file:
        while piece := file.read(_PIECE):
            pieces.append(piece)
            if len(pieces) * _PIECE > most + _PIECE:
                raise OSError(errno.EFBIG, f"it must have at most {most} bytes; it has more")
            if monotonic() > end:
                raise OSError(errno.ETIMEDOUT, f"reading it took more than {_DEADLINE_S:g} s")
    return b"".join(pieces)


def _open(path: Path, most: int) -> int:
    """Open a regular file that is not too long; the caller closes it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except ValueError as reason:  # a name that none can have
        raise OSError(errno.EINVAL, str(reason)) from None
    state = os.fstat(descriptor)
    if stat.S_ISREG(state.st_mode) and state.st_size <= most:
        return descriptor
    os.close(descriptor)
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "it must be a regular file, not a pipe, a device or a directory")
    raise OSError(errno.EFBIG, f"it must have at most {most} bytes; it has {state.st_size}")


def parse_json(data: bytes) -> Any:
    """Parse JSON as it is defined: without NaN, keys that repeat, or half characters; ValueError otherwise."""
    try:
        value = json.loads(_text(data), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _at(error.lineno, f"not JSON: {error.msg}") from None
    except RecursionError:
        raise ValueError(f"it is nested more than {_DEEPEST} deep") from None
    _measure(value)
    return value


def parse_toml(data: bytes) -> Any:
    """Parse TOML; ValueError for what is no TOML, or too much of it."""
    text = _text(data)
    if _LONG_KEY.search(text):  # the parser takes the square of its length
        raise ValueError(f"a dotted key is more than {_DEEPEST} deep")
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {error}") from None
    except RecursionError:
        raise ValueError(f"it is nested more than {_DEEPEST} deep") from None
    _measure(value)
    return value


def parse_yaml(data: bytes) -> tuple[Any, dict[tuple[str, ...], int]]:
    """Parse YAML without aliases; return what it says, and the line of every key.

    Raises
    ------
    ValueError
        For what is no YAML, or too much of it; ``line`` is an attribute of the error where it is known.
    """
    try:
        import yaml
    except ImportError:
        raise MissingExtraError.for_extra("datasets", "PyYAML") from None
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    lines: dict[tuple[str, ...], int] = {}
    try:
        text = _text(data)
        _measure_yaml(yaml, yaml.parse(text, Loader=loader))
        root = yaml.compose(text, Loader=loader)
        _note_lines(root, (), lines)
        return yaml.load(text, Loader=loader), lines  # noqa: S506 # a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise _at(min(mark.line, data.count(b"\n")) + 1 if mark else None, f"not YAML: {problem}") from None
    except RecursionError:
        raise ValueError(f"it is nested more than {_DEEPEST} deep") from None
    except (OverflowError, TypeError, AttributeError) as error:  # what constructors make of hostile scalars
        raise ValueError(f"not YAML: {error}") from None


def load_arrays(path: Path, names: tuple[str, ...] | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of a .npy or .npz file by name; the one of a .npy file is named "".

    Parameters
    ----------
    path : Path
        A file, compressed or not. Nothing is unpickled.
    names : tuple of str, optional
        Arrays to read of a .npz file, those of them that are there; all by default.

    Raises
    ------
    InvalidInputError
        When the file is none, is damaged, or would unpack to more than 1 GiB or, beyond 64 MiB, to more than a
        hundred times its size.
    """
    with regular_file(path, LARGEST_ARRAY) as file:
        try:
            start = file.read(len(npy.MAGIC_PREFIX))
            file.seek(0)
            if start == npy.MAGIC_PREFIX:
                return {"": _read_npy(file, os.fstat(file.fileno()).st_size)}
            with zipfile.ZipFile(file) as archive:
                return load_members(archive, names)
        except MFNError:
            raise
        except Exception as error:  # noqa: BLE001 # whatever zlib, zipfile and NumPy raise for damaged files
            raise _unreadable(path, error) from None


def array_names(path: Path) -> tuple[str, ...]:
    """Return the names of the arrays in a .npz file, and "" for the array of a .npy file, however large."""
    with regular_file(path, 1 << 63) as file:
        if file.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX:
            return ("",)
        try:
            with zipfile.ZipFile(file) as archive:
                return tuple(name.removesuffix(".npy") for name in archive.namelist())
        except Exception as error:  # noqa: BLE001 # whatever zipfile raises for damaged files
            raise _unreadable(path, error) from None


def check_ratio(packed: int, unpacked: int, what: str, most: int = LARGEST_ARRAY) -> None:
    """Refuse what would unpack to more than ``most`` bytes or, beyond 64 MiB, to more than a hundred times its size."""
    if unpacked > most or unpacked > max(_FREE, LARGEST_RATIO * packed):
        raise InvalidInputError(
            f"{what} of {packed} bytes would unpack to {unpacked}; "
            f"the most is {LARGEST_RATIO} times as many, and {most}"
        )


def load_members(
    archive: zipfile.ZipFile, names: tuple[str, ...] | None = None, most: int = LARGEST_ARRAY
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an open archive by name; see :func:`load_arrays`."""
    entries = archive.infolist()
    if len(entries) > _MOST_MEMBERS:
        raise InvalidInputError(f"an archive of arrays may hold at most {_MOST_MEMBERS}; it holds {len(entries)}")
    wanted = [entry for entry in entries if names is None or entry.filename.removesuffix(".npy") in names]
    check_ratio(sum(e.compress_size for e in wanted), sum(e.file_size for e in wanted), "an archive", most)
    arrays: dict[str, NDArray[Any]] = {}
    for entry in wanted:
        with archive.open(entry) as member:
            arrays[entry.filename.removesuffix(".npy")] = _read_npy(member, entry.file_size)
    return arrays


def _unreadable(path: Path, error: Exception) -> InvalidInputError:
    text = one_line(error) or type(error).__name__
    return InvalidInputError(f"{path} cannot be read as {path.suffix} of plain numbers: {text}", file=str(path))


def check_npy(path: Path) -> None:
    """Refuse a .npy file, however large, whose header claims more than there is."""
    with regular_file(path, 1 << 63) as file:
        try:
            _check_header(file, os.fstat(file.fileno()).st_size)
        except Exception as error:  # noqa: BLE001 # whatever NumPy raises for damaged files
            raise _unreadable(path, error) from None


def _read_npy(file: Any, size: int) -> NDArray[Any]:
    _check_header(file, size)
    file.seek(0)
    return np.asarray(npy.read_array(file, allow_pickle=False))


def _check_header(file: Any, size: int) -> None:
    """Refuse an array that is not made of plain values, or whose header claims more than there is."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"format {version} of .npy is not supported")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if any(side < 0 for side in shape) or math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"its header claims the shape {shown(shape)}, which is more than the file holds")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not text in UTF-8: {error.reason} at byte {error.start}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"{shown(key)} occurs twice")
        values[key] = value
    return values


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _measure(value: Any) -> None:
    """Refuse what is too deep, too much, or holds half a character."""
    pending, count = [(value, 0)], 0
    while pending:
        item, depth = pending.pop()
        count += 1
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} deep")
        if isinstance(item, dict):
            pending += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            pending += [(part, depth + 1) for part in item]
        elif isinstance(item, str) and not _is_unicode(item):
            raise ValueError("it holds half a character (a lone surrogate)")
        if count + len(pending) > _MOST_NODES:
            raise ValueError(f"it holds more than {_MOST_NODES} values")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _measure_yaml(yaml: Any, events: Any) -> None:
    depth = 0
    for count, event in enumerate(events):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _at(line, "anchors and aliases (& and *) are not allowed: write the value out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent) and len(event.value) > _LONGEST_SCALAR:
            raise _at(line, f"a value has more than {_LONGEST_SCALAR} characters")
        if depth > _DEEPEST:
            raise _at(line, f"it is nested more than {_DEEPEST} deep")
        if count > _MOST_NODES:
            raise _at(line, f"it holds more than {_MOST_NODES} values")


def _note_lines(node: Any, place: tuple[str, ...], lines: dict[tuple[str, ...], int]) -> None:
    if getattr(node, "id", "") != "mapping":
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value) if key.id == "scalar" else shown(key.tag)
        if name in seen:
            raise _at(key.start_mark.line + 1, f"{shown(name)} occurs twice")
        seen.add(name)
        lines[(*place, name)] = key.start_mark.line + 1
        _note_lines(value, (*place, name), lines)


def _at(line: int | None, message: str) -> ValueError:
    error = ValueError(message)
    error.line = line  # type: ignore[attr-defined] # read by whoever knows the file's name
    return error
