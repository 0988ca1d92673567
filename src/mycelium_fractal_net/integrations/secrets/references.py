"""``secret:KIND:NAME`` in place of a secret: resolved, kept, watched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from mycelium_fractal_net._checks import did_you_mean
from mycelium_fractal_net.errors import ConfigurationError, MissingExtraError
from mycelium_fractal_net.integrations.protocols import Secret, SecretSource, SecretUnavailableError

__all__ = ["PREFIX", "SECRETS", "Secrets", "is_reference"]

PREFIX = "secret:"
"""What a reference begins with."""

_KINDS: Mapping[str, tuple[str, str]] = {
    "aws": ("aws:AwsSecrets", "aws"),
    "env": ("environment:EnvironmentSecrets", ""),
    "file": ("directory:DirectorySecrets", "server"),
    "vault": ("vault:VaultSecrets", "vault"),
}


def is_reference(value: Any) -> bool:
    """Tell whether a value names a secret.

    Examples
    --------
    >>> is_reference("secret:env:REDIS_URL"), is_reference("redis://127.0.0.1")
    (True, False)
    """
    return isinstance(value, str) and value.startswith(PREFIX)


class Secrets:
    """Resolve references; a value that was read once stays in force while its back-end is away.

    Parameters
    ----------
    sources : mapping of str to SecretSource, optional
        By kind, in place of those that the environment describes.

    Attributes
    ----------
    texts : frozenset of str
        Every value that was ever read: no log line tells one.
    failures : int
        How often a value could not be read.
    """

    def __init__(self, sources: Mapping[str, SecretSource] | None = None) -> None:
        self._sources: dict[str, SecretSource] = dict(sources or {})
        self._values: dict[str, tuple[Secret, float]] = {}
        self._subscribers: list[Callable[[], object]] = []
        self._watched: set[str] = set()
        self._lock = threading.RLock()
        self.texts: frozenset[str] = frozenset()
        self._tell: Callable[[str], object] = lambda _message: None
        self.failures = 0

    def resolve(self, reference: str) -> Secret:
        """Return the value in force.

        Raises
        ------
        ConfigurationError
            For a reference that cannot be read, or a kind that does not exist.
        SecretUnavailableError
            When it was never read, and cannot be now; with the reference, never with a value.
        """
        kind, _, name = reference.removeprefix(PREFIX).partition(":")
        source = self._source(kind)
        try:
            found = source.get(name)
        except SecretUnavailableError as error:
            self.failures += 1
            with self._lock:
                known = self._values.get(reference)
            if known is None:
                raise SecretUnavailableError(f"{reference}: {error.message}") from None
            self._tell(f"{reference} cannot be read, its last value stays in use: {error.message}")
            return known[0]
        with self._lock:
            self._values[reference] = (found, time.monotonic())
            self.texts |= {found.get_secret_value()}
        return found

    def resolved(self, value: Any) -> Any:
        """Return a value with every reference in it, at any depth, replaced by the secret."""
        if isinstance(value, str):
            return self.resolve(value).get_secret_value() if is_reference(value) else value
        if isinstance(value, Mapping):
            return {name: self.resolved(inner) for name, inner in value.items()}
        return [self.resolved(inner) for inner in value] if isinstance(value, list) else value

    def oldest_age_s(self) -> float:
        """Return for how long the value that was read the longest ago has not been read again, in s."""
        with self._lock:
            return max((time.monotonic() - read for _, read in self._values.values()), default=0.0)

    def subscribe(self, changed: Callable[[], object], tell: Callable[[str], object] | None = None) -> None:
        """Call ``changed``, in a thread of the watch, after a value has become another one."""
        with self._lock:
            self._subscribers.append(changed)
            self._tell = tell or self._tell
            kinds = list(self._sources)
        for kind in kinds:
            self._watch(kind)

    def unsubscribe(self, changed: Callable[[], object]) -> None:
        """Call it no longer."""
        with self._lock:
            self._subscribers = [known for known in self._subscribers if known != changed]

    def check(self) -> None:
        """Read all values again, and tell the subscribers if one has changed."""
        with self._lock:
            before = {reference: secret for reference, (secret, _) in self._values.items()}
        changed = [reference for reference, secret in before.items() if self.resolve(reference) != secret]
        if changed:
            for subscriber in list(self._subscribers):
                subscriber()

    def _source(self, kind: str) -> SecretSource:
        with self._lock:
            if kind not in self._sources:
                self._sources[kind] = _make(kind)
                if self._subscribers:
                    self._watch(kind)
            return self._sources[kind]

    def _watch(self, kind: str) -> None:
        with self._lock:
            if kind in self._watched:
                return
            self._watched.add(kind)
            source = self._sources[kind]
        threading.Thread(target=self._follow, args=(source,), name=f"mfn-secrets-{kind}", daemon=True).start()

    def _follow(self, source: SecretSource) -> None:
        for _ in source.watch():
            try:
                self.check()
            except Exception as error:  # noqa: BLE001 # a thread that ends would notice no rotation any more
                self._tell(f"secrets were not read again: {type(error).__name__}")

    def close(self) -> None:
        """Let go of every source."""
        with self._lock:
            for source in self._sources.values():
                source.close()
            self._sources.clear()
            self._watched.clear()
            self._values.clear()
            self._subscribers.clear()


def _make(kind: str) -> SecretSource:
    entry = _KINDS.get(kind)
    if entry is None:
        hint = did_you_mean(kind, _KINDS)
        raise ConfigurationError(f"a reference is {PREFIX}KIND:NAME with one of {', '.join(_KINDS)}{hint}")
    module, _, name = entry[0].partition(":")
    try:
        made: SecretSource = getattr(import_module(f"mycelium_fractal_net.integrations.secrets.{module}"), name)()
    except ModuleNotFoundError as error:
        raise MissingExtraError.for_extra(entry[1], str(error.name)) from None
    return made


SECRETS = Secrets()
"""Those of this process."""
