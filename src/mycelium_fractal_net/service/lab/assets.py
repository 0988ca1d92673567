"""Files that travel in the package and are shown to browsers as they are."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

__all__ = ["Asset", "packaged_assets"]

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "webp": "image/webp",
    "bin": "application/octet-stream",
    "LICENSE": "text/plain; charset=utf-8",
}
_COMPRESSED = frozenset({"html", "css", "js", "json", "svg"})


class Asset(NamedTuple):
    """What a browser gets for a path.

    Attributes
    ----------
    media : str
        Its media type.
    content : bytes
        The file.
    compressed : bytes or None
        The same as gzip, where that is shorter.
    tag : str
        Names the content, as an ETag does.
    """

    media: str
    content: bytes
    compressed: bytes | None
    tag: str

    @classmethod
    def of(cls, name: str, content: bytes) -> Asset:
        """Make the asset of a file.

        Examples
        --------
        >>> asset = Asset.of("a.js", b"let a = 1;" * 50)
        >>> asset.media, len(asset.compressed) < 50
        ('text/javascript; charset=utf-8', True)
        """
        suffix = name.rpartition(".")[2]
        compressed = gzip.compress(content, mtime=0) if suffix in _COMPRESSED else None
        return cls(_KINDS[suffix], content, compressed, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


@cache
def packaged_assets(package: str) -> dict[str, Asset]:
    """Return every file below ``static`` of a package, by its path with slashes.

    Examples
    --------
    >>> "index.html" in packaged_assets("mycelium_fractal_net.service.lab")
    True
    """
    found: dict[str, Asset] = {}
    _collect(files(package) / "static", "", found)
    return found


def _collect(folder: Traversable, prefix: str, found: dict[str, Asset]) -> None:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            _collect(entry, f"{prefix}{entry.name}/", found)
        else:
            found[prefix + entry.name] = Asset.of(entry.name, entry.read_bytes())
