"""Where machine code is looked for and kept, and which of it may be trusted: whoever writes there runs code here."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mycelium_fractal_net._version import __version__

__all__ = ["SHIPPED", "Place", "is_safe", "kernel_directory", "places", "places_of"]

_logger = logging.getLogger(__name__)


class Place(NamedTuple):
    """A directory of machine code."""

    path: Path
    writable: bool


def kernel_directory(base: str | Path) -> Path:
    """Return the directory below ``base`` that holds the kernels of this version of the package."""
    return Path(base) / "mycelium-fractal-net" / f"kernels-{__version__}"


SHIPPED = kernel_directory(Path(__file__).parent / "cache")
"""Directory beside the code that ``make kernels`` fills and a wheel carries; kernels in use are never written there."""


@cache
def places() -> tuple[Place, ...]:
    """Return the directories of this process in the order in which they are searched."""
    found = tuple(places_of(os.environ))
    return found if any(place.writable for place in found) else (*found, *_private())


def places_of(environment: Mapping[str, str]) -> Iterator[Place]:
    """Yield the directories that an environment names and that nobody else can write to, in order.

    ``$MFN_CACHE_DIR``, the directory beside the code, the user's cache.
    """
    own, shared = environment.get("MFN_CACHE_DIR"), environment.get("XDG_CACHE_HOME")
    if own:
        yield from _usable(kernel_directory(own), "MFN_CACHE_DIR")
    if is_safe(SHIPPED):
        yield Place(SHIPPED, writable=False)
    home = environment.get("HOME")
    if shared or home:
        yield from _usable(kernel_directory(shared or Path(str(home)) / ".cache"), "the user's cache")


def is_safe(path: Path) -> bool:
    """Tell whether a file or directory exists that only its trusted owner, root or this user, can change.

    Every directory above must be as safe, or sticky as /tmp is; a link counts as what it points to.
    """
    try:
        real = path.resolve(strict=True)
        return all(_is_guarded(step.stat(), below=step != real) for step in (real, *real.parents))
    except OSError:
        return False


def _is_guarded(status: os.stat_result, *, below: bool) -> bool:
    if not hasattr(os, "getuid"):
        return True  # Windows: the mode does not say who may write
    if status.st_uid not in {0, os.geteuid()}:
        return False
    if below and status.st_mode & stat.S_ISVTX:
        return True
    others = stat.S_IWOTH if _is_private(status.st_gid) else stat.S_IWOTH | stat.S_IWGRP
    return not status.st_mode & others


@cache
def _is_private(group: int) -> bool:
    """Tell whether a group is the user's alone, as where every user has a group of the same name."""
    import grp
    import pwd

    try:
        user, entry = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return user.pw_gid == group and user.pw_name == entry.gr_name and set(entry.gr_mem) <= {user.pw_name}


def _usable(path: Path, name: str) -> Iterator[Place]:
    try:
        for step in (*reversed(path.parents), path):
            if not step.is_dir():
                step.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return  # a read-only home is normal in containers
    if not is_safe(path):
        _logger.warning(
            "no kernels are taken from %s, %s: users other than this one and root can change it", path, name
        )
        return
    yield Place(path, writable=os.access(path, os.W_OK | os.X_OK))


def _private() -> Iterator[Place]:
    """Yield a directory for the life of the process, or nothing where none can be made."""
    try:
        path = tempfile.mkdtemp(prefix="mfn-kernels-")
    except OSError:
        return
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    yield Place(Path(path), writable=True)
