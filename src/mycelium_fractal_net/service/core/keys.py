"""Keys: made once, stored as hashes, found by their id, compared in constant time, reloaded when the file changes."""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import orjson

from mycelium_fractal_net._gil import hmac_held
from mycelium_fractal_net._inputs import read_regular
from mycelium_fractal_net._outputs import whole_file
from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.settings import Environment, Settings

__all__ = ["SCOPES", "Key", "KeyRing", "add_key", "make_key", "read_key_file", "remove_key"]

SCOPES = ("simulate", "federated", "metrics", "admin")
"""What a key may do; ``admin`` may do everything."""

_LONGEST_NAME = 100
_LOOK_EVERY_S = 0.5
_LONGEST_FILE = 10 * 2**20
_SHORT_FILE = 1 << 16  # read at once: to start a thread would take as long
_STRUCTURED = re.compile(rb"mfn_(dev|staging|prod)_([a-z0-9]{12})_[A-Za-z0-9_-]{43}")
_ID = re.compile(r"[a-z0-9]{12}")
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_MEMBERS = {"id", "name", "env", "hash", "scopes", "created"}

Complain = Callable[[str], object]
_Stamp = tuple[int, int, int, int]


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
        raise ConfigurationError(
            f"a key's name must be 1 to {_LONGEST_NAME} printable characters; got {name[:_LONGEST_NAME]!r}"
        )
    wanted = tuple(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise ConfigurationError(f"a scope must be one of {', '.join(SCOPES)}; got {', '.join(unknown) or 'none'}")
    identity = secrets.token_hex(6)
    text = f"mfn_{env}_{identity}_{secrets.token_urlsafe(32)}"
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return text, Key(identity, name, env, hmac.digest(pepper, text.encode(), "sha256").hex(), wanted, created)


def add_key(path: Path, key: Key) -> None:
    """Add a key to a key file, which is replaced as a whole, readable by its owner alone.

    Raises
    ------
    ConfigurationError
        If the key could not be read again, or the file cannot be used or written.
    """
    if fault := _fault({**asdict(key), "scopes": list(key.scopes)}):
        raise ConfigurationError(f"the new key {fault}")
    with _held(path) as held:
        _write(held, [*read_key_file(held), key] if held.exists() else [key])


def remove_key(path: Path, identity: str) -> None:
    """Take a key out of a key file.

    Raises
    ------
    ConfigurationError
        If it is not in the file, or the file cannot be used or written.
    """
    with _held(path) as held:
        keys = read_key_file(held)
        left = [key for key in keys if key.id != identity]
        if len(left) == len(keys):
            raise ConfigurationError(f"there is no key {identity!r} in {path}; mfn keys list shows them")
        _write(held, left)


@contextmanager
def _held(path: Path) -> Iterator[Path]:
    """Keep other writers out; the file itself is replaced, so that the lock is one beside it."""
    target = path.resolve()
    beside = target.with_name(f".{target.name}.lock")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield target
    except OSError as error:
        raise ConfigurationError(f"cannot write the key file {path}: {error.strerror}") from None


def _write(path: Path, keys: list[Key]) -> None:
    text = json.dumps({"keys": [asdict(item) for item in keys]}, indent=2)
    with whole_file(path, 0o600) as file:
        file.write(text.encode() + b"\n")


def read_key_file(path: Path) -> list[Key]:
    """Read a key file.

    Raises
    ------
    ConfigurationError
        If it cannot be read, is no regular file of up to 10 MiB, or holds anything else.
    """
    try:
        text = read_regular(path, _LONGEST_FILE)
        content = json.loads(text) if len(text) <= _SHORT_FILE else orjson.loads(text)  # json holds the GIL for longer
    except OSError as error:
        raise ConfigurationError(f"cannot read the key file {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        content = None
    keys = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(keys, list):
        raise ConfigurationError(f"the key file {path} is not usable: expected {{'keys': [...]}} in JSON")
    for number, item in enumerate(keys, start=1):
        if fault := _fault(item):
            raise ConfigurationError(f"the key file {path} is not usable: key {number} {fault}")
    return [Key(**{**item, "scopes": tuple(item["scopes"])}) for item in keys]


def _fault(item: Any) -> str | None:
    """Say what is wrong with a key of the file, not what it holds."""
    if not isinstance(item, dict) or set(item) != _MEMBERS:
        return f"must have the members {', '.join(sorted(_MEMBERS))}"
    texts = [item[name] for name in ("id", "name", "env", "hash", "created")]
    if not all(isinstance(text, str) and _is_unicode(text) for text in texts):
        return "has an id, name, env, hash or created that is not text"
    if not _ID.fullmatch(item["id"]) or not _HASH.fullmatch(item["hash"]):
        return "has an id that is not 12 of a-z and 0-9, or a hash that is not 32 bytes in hexadecimal"
    if item["env"] not in get_args(Environment):
        return f"has an env that is not one of {', '.join(get_args(Environment))}"
    scopes = item["scopes"]
    if not isinstance(scopes, list) or not scopes or any(scope not in SCOPES for scope in scopes):
        return f"has scopes that are not a list of {', '.join(SCOPES)}"
    return None


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


class KeyRing:
    """The keys in force.

    Parameters
    ----------
    settings : Settings
        Plain keys, key file and pepper.
    complain : callable
        Called with a message when a changed key file is not usable, in which case the keys of before stay in force,
        and when it holds no key that works although one is required.

    Attributes
    ----------
    signing_secret : bytes
        What tickets are signed with: made of the pepper, or of the plain keys; every process that has these has it.

    Raises
    ------
    ConfigurationError
        If the key file is not usable or holds keys of other environments alone although a key is required, or if no
        client can send a plain key.
    """

    def __init__(self, settings: Settings, complain: Complain) -> None:
        self._complain = complain
        self._path = settings.api_key_file
        pepper = settings.api_key_pepper
        own = pepper.get_secret_value().encode() if pepper else secrets.token_bytes(32)
        self._keyed = hmac.new(own, digestmod="sha256")
        self._unlike_any = secrets.token_bytes(32)
        known = own if pepper else b"\0".join(_plain_texts(settings)) or own
        self.signing_secret = hmac.digest(known, b"mfn tickets", "sha256")
        self._plain = [
            (hmac_held(self._keyed, text), _plain_key(number, settings.env))
            for number, text in enumerate(_plain_texts(settings), start=1)
        ]
        self._env = settings.env
        self._needs_stored = settings.api_key_required and not self._plain
        self._stored: dict[bytes, tuple[bytes, Key]] = {}
        self._others = 0
        self._stamp: _Stamp | None = None
        self._next_look = 0.0
        self._reading = False
        self._before: KeyRing | None = None
        self._before_until = 0.0
        if self._path is not None:
            self._stamp = _stamp(self._path)
            fault = self._load(self._path)
            if fault and self._others:
                raise ConfigurationError(fault)
            if fault:
                self._complain(fault)

    @property
    def counts(self) -> tuple[int, int]:
        """How many plain keys and how many of the key file are in force."""
        return len(self._plain), len(self._stored)

    def succeed(self, before: KeyRing, grace_s: float) -> None:
        """Let the keys of another ring, as they are now, go on to work for some seconds."""
        before._path = None  # its file is hashed under the new pepper by now
        self._before, self._before_until = before, time.monotonic() + grace_s

    def find(self, token: bytes) -> Key | None:
        """Return the key that a client sent, or None; the time it takes says nothing about the keys."""
        found, before = self._find(token), self._before
        if before is not None:
            if time.monotonic() >= self._before_until:
                self._before = None
            else:
                old = before.find(token)
                found = old if found is None else found
        return found

    def named(self, identity: str) -> Key | None:
        """Return the key in force that has an id, or None."""
        if self._path is not None:
            self._look(self._path)
        plain = (key for _, key in self._plain if key.id == identity)
        stored = self._stored.get(identity.encode())
        return next(plain, None if stored is None else stored[1])

    def _find(self, token: bytes) -> Key | None:
        if self._path is not None:
            self._look(self._path)
        digest = hmac_held(self._keyed, token)
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
        if now < self._next_look or self._reading:
            return
        self._next_look = now + _LOOK_EVERY_S
        stamp = _stamp(path)
        if stamp == self._stamp:
            return
        if stamp is None or stamp[2] <= _SHORT_FILE:
            self._stamp = stamp
            self._reload(path)
            return
        self._reading = True
        try:
            threading.Thread(target=self._reload, args=(path,), name="mfn-keys", daemon=True).start()
        except RuntimeError:  # no thread to be had: the next look tries again
            self._reading = False
            return
        self._stamp = stamp

    def _reload(self, path: Path) -> None:
        """Put what the file holds in force, or complain and keep what was there; in a thread where it is long."""
        try:
            fault = self._load(path)
        except ConfigurationError as error:
            fault = error.message
        finally:
            self._reading = False
        if fault:
            self._complain(fault)

    def _load(self, path: Path) -> str | None:
        """Put the keys of the file in force; return what is wrong if none is left although one is required."""
        keys = read_key_file(path)
        mine = [key for key in keys if key.env == self._env]
        self._stored = {key.id.encode(): (bytes.fromhex(key.hash), key) for key in mine}
        self._others = len(keys) - len(mine)
        if mine or not self._needs_stored:
            return None
        return (
            f"a key is required, and none of the {len(keys)} in {path} is for {self._env}: make one with "
            f"mfn keys create NAME --file {path} --env {self._env}, or set MFN_API_KEY"
        )


def _plain_texts(settings: Settings) -> list[bytes]:
    named = [("MFN_API_KEY", settings.api_key), *(("MFN_API_KEYS", key) for key in settings.api_keys)]
    return [_plain_text(name, key.get_secret_value()) for name, key in named if key is not None]


def _plain_text(setting: str, text: str) -> bytes:
    """Return a key as clients send it; those that no header can carry would never match."""
    if " " in text or not text.isprintable():
        raise ConfigurationError(
            f"{setting}: a key must not contain whitespace or control characters, not even at its ends"
        )
    return text.encode()


def _plain_key(number: int, env: str) -> Key:
    return Key(f"plain-{number}", f"plain key {number}", env, "", ("admin",), "")


def _stamp(path: Path) -> _Stamp | None:
    """Return what changes with the file: an edit in place may keep size and mtime, never ctime."""
    with suppress(OSError):
        status = path.stat()
        return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
    return None
