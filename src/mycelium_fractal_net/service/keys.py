"""Keys: made once, stored as hashes, found by their id, compared in constant time, reloaded when the file changes."""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.settings import Settings

__all__ = ["SCOPES", "Key", "KeyRing", "add_key", "make_key", "read_key_file", "remove_key"]

SCOPES = ("simulate", "federated", "metrics", "admin")
"""What a key may do; ``admin`` may do everything."""

_LONGEST_NAME = 100
_LOOK_EVERY_S = 0.5
_STRUCTURED = re.compile(rb"mfn_(dev|staging|prod)_([a-z0-9]{12})_[A-Za-z0-9_-]{43}")
_MEMBERS = {"id", "name", "env", "hash", "scopes", "created"}

Complain = Callable[[str], object]


@dataclass(frozen=True)
class Key:
    """A key as the service knows it: never the key itself.

    Attributes
    ----------
    id : str
        Public part, by which it is found, limited and logged.
    name : str
        Whose it is, for people.
    env : str
        The environment it is made for.
    hash : str
        HMAC-SHA256 of the whole key under the pepper, hexadecimal.
    scopes : tuple of str
        What it may do.
    created : str
        When it was made, ISO 8601.
    """

    id: str
    name: str
    env: str
    hash: str
    scopes: tuple[str, ...]
    created: str

    def may(self, scope: str | None) -> bool:
        """Tell whether the key has a scope."""
        return scope is None or scope in self.scopes or "admin" in self.scopes


def make_key(name: str, env: str, pepper: bytes, scopes: Iterable[str] = SCOPES[:3]) -> tuple[str, Key]:
    """Make a key; return its text, which is shown once, and what is stored of it.

    Raises
    ------
    ConfigurationError
        For an unknown scope, or a name that is empty, longer than 100 characters or not printable.

    Examples
    --------
    >>> text, key = make_key("laboratory", "dev", b"pepper")
    >>> text.startswith(f"mfn_dev_{key.id}_"), text in str(key)
    (True, False)
    """
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigurationError(f"a name is 1 to {_LONGEST_NAME} printable characters; got {name[:_LONGEST_NAME]!r}")
    wanted = tuple(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise ConfigurationError(f"a scope is one of {', '.join(SCOPES)}; got {', '.join(unknown) or 'none'}")
    identity = secrets.token_hex(6)
    text = f"mfn_{env}_{identity}_{secrets.token_urlsafe(32)}"
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return text, Key(identity, name, env, hmac.digest(pepper, text.encode(), "sha256").hex(), wanted, created)


def add_key(path: Path, key: Key) -> None:
    """Add a key to a key file, which is replaced as a whole, readable by its owner alone.

    Raises
    ------
    ConfigurationError
        If the file is not usable, or its directory does not exist.
    """
    if not path.parent.is_dir():
        raise ConfigurationError(f"cannot write the key file {path}: there is no directory {path.parent}")
    _write(path, [*read_key_file(path), key] if path.exists() else [key])


def remove_key(path: Path, identity: str) -> None:
    """Take a key out of a key file.

    Raises
    ------
    ConfigurationError
        If it is not in the file.
    """
    keys = read_key_file(path)
    left = [key for key in keys if key.id != identity]
    if len(left) == len(keys):
        raise ConfigurationError(f"there is no key {identity!r} in {path}; mfn keys list shows them")
    _write(path, left)


def _write(path: Path, keys: list[Key]) -> None:
    text = json.dumps({"keys": [asdict(item) for item in keys]}, indent=2)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text + "\n")
    beside.replace(path)


def read_key_file(path: Path) -> list[Key]:
    """Read a key file.

    Raises
    ------
    ConfigurationError
        If it cannot be read or holds anything else.
    """
    try:
        content = json.loads(path.read_bytes())
        return [_read_key(item) for item in content["keys"]]
    except OSError as error:
        raise ConfigurationError(f"cannot read the key file {path}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = str(error) if isinstance(error, ConfigurationError) else "expected {'keys': [...]} in JSON"
        raise ConfigurationError(f"the key file {path} is not usable: {reason}") from None


def _read_key(item: Mapping[str, Any]) -> Key:
    if set(item) != _MEMBERS:
        raise ConfigurationError(f"a key has the members {', '.join(sorted(_MEMBERS))}")
    key = Key(**{**item, "scopes": tuple(item["scopes"])})
    if not set(key.scopes) <= set(SCOPES) or len(bytes.fromhex(key.hash)) != 32:
        raise ConfigurationError(f"key {key.id}: unknown scope, or a hash that is not 32 bytes")
    return key


def _digest(keyed: hmac.HMAC, text: bytes) -> bytes:
    """Return the HMAC of a short text; ``hmac.digest`` would give Python's interpreter away and wait for it."""
    digest = keyed.copy()
    digest.update(text)
    return digest.digest()


class KeyRing:
    """The keys in force.

    Parameters
    ----------
    settings : Settings
        Plain keys, key file and pepper.
    complain : callable
        Called with a message when a changed key file is not usable; the keys of before stay in force.
    """

    def __init__(self, settings: Settings, complain: Complain) -> None:
        self._complain = complain
        self._path = settings.api_key_file
        pepper = settings.api_key_pepper
        own = pepper.get_secret_value().encode() if pepper else secrets.token_bytes(32)
        self._keyed = hmac.new(own, digestmod="sha256")
        self._unlike_any = secrets.token_bytes(32)
        plain = [*([settings.api_key] if settings.api_key else []), *settings.api_keys]
        self._plain = [
            (_digest(self._keyed, key.get_secret_value().encode()), _plain_key(number, settings.env))
            for number, key in enumerate(plain, start=1)
        ]
        self._env = settings.env
        self._stored: dict[bytes, tuple[bytes, Key]] = {}
        self._stamp: tuple[int, int, int] | None = None
        self._next_look = 0.0
        if self._path is not None:
            self._stamp = _stamp(self._path)
            self._load(self._path)

    def find(self, token: bytes) -> Key | None:
        """Return the key that a client sent, or None; the time it takes says nothing about the keys."""
        if self._path is not None:
            self._look(self._path)
        digest = _digest(self._keyed, token)
        match = _STRUCTURED.fullmatch(token)
        known = self._stored.get(match[2]) if match else None
        found = None
        if known is None:
            hmac.compare_digest(digest, self._unlike_any)
        elif hmac.compare_digest(digest, known[0]):
            found = known[1]
        for expected, key in self._plain:
            if hmac.compare_digest(digest, expected):
                found = key
        return found

    def _look(self, path: Path) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_EVERY_S
        stamp = _stamp(path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._load(path)
        except ConfigurationError as error:
            self._complain(error.message)

    def _load(self, path: Path) -> None:
        keys = [key for key in read_key_file(path) if key.env == self._env]
        self._stored = {key.id.encode(): (bytes.fromhex(key.hash), key) for key in keys}


def _plain_key(number: int, env: str) -> Key:
    return Key(f"plain-{number}", f"plain key {number}", env, "", ("admin",), "")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    with suppress(OSError):
        status = path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino
    return None
