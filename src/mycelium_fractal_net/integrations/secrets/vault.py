"""HashiCorp Vault and OpenBao: key-value store of version 2; token, AppRole or Kubernetes; tokens are renewed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hvac
from hvac.exceptions import Forbidden, InvalidPath, VaultError
from requests import RequestException

from mycelium_fractal_net._inputs import read_bytes
from mycelium_fractal_net.integrations.protocols import Secret, SecretUnavailableError

__all__ = ["VaultSecrets"]

_TIMEOUT_S = 5
_KUBERNETES_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_RENEW_AT = 2 / 3


def _token() -> str:
    """Return what the pod is known by."""
    return read_bytes(_KUBERNETES_TOKEN, error=SecretUnavailableError).decode("ascii", "replace").strip()


class VaultSecrets:
    """Read ``secret:vault:MOUNT/PATH#KEY``.

    Where and as whom is told by Vault's own variables: ``VAULT_ADDR``, ``VAULT_NAMESPACE``, ``VAULT_CACERT``, and
    ``VAULT_TOKEN``, or ``VAULT_ROLE_ID`` with ``VAULT_SECRET_ID``, or ``VAULT_KUBERNETES_ROLE``. A token is renewed
    at two thirds of its life; where that fails, or it is revoked, the login is made again.

    Parameters
    ----------
    poll_s : float
        How often :meth:`watch` has the values read again, in s.
    """

    def __init__(self, poll_s: float = 10.0) -> None:
        self._poll_s = poll_s
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._client: Any = None
        self._renew_at = float("inf")

    def get(self, name: str) -> Secret:
        """Return the newest version of a value."""
        path, _, key = name.partition("#")
        mount, _, inner = path.strip("/").partition("/")
        if not inner or not key:
            raise SecretUnavailableError(f"a secret of Vault is named MOUNT/PATH#KEY; got {name!r}")
        with self._lock:
            try:
                data = self._read(mount, inner)
            except Forbidden:  # the token may have ended: one login more
                self._client = None
                data = self._again(mount, inner)
            except (VaultError, RequestException) as error:
                raise self._unavailable(name, error) from None
        if not isinstance(data["data"].get(key), str):
            raise SecretUnavailableError(f"Vault has no text {key!r} at {path}")
        return Secret(data["data"][key], str(data["metadata"]["version"]))

    def _again(self, mount: str, path: str) -> Any:
        try:
            return self._read(mount, path)
        except (VaultError, RequestException) as error:
            raise self._unavailable(f"{mount}/{path}", error) from None

    def _read(self, mount: str, path: str) -> Any:
        client = self._logged_in()
        found = client.secrets.kv.v2.read_secret_version(path, mount_point=mount, raise_on_deleted_version=True)
        return found["data"]

    def _logged_in(self) -> Any:
        if self._client is not None and time.monotonic() >= self._renew_at:
            try:
                self._note_life(self._client.auth.token.renew_self()["auth"])
            except VaultError:
                self._client = None
        if self._client is None:
            client = hvac.Client(
                url=os.environ.get("VAULT_ADDR"), namespace=os.environ.get("VAULT_NAMESPACE"), timeout=_TIMEOUT_S
            )
            self._log_in(client)
            self._client = client
        return self._client

    def _log_in(self, client: Any) -> None:
        role, secret = os.environ.get("VAULT_ROLE_ID"), os.environ.get("VAULT_SECRET_ID")
        pod = os.environ.get("VAULT_KUBERNETES_ROLE")
        self._renew_at = float("inf")
        if role and secret:
            self._note_life(client.auth.approle.login(role, secret)["auth"])
        elif pod:
            self._note_life(client.auth.kubernetes.login(pod, _token())["auth"])
        elif not client.token:
            raise SecretUnavailableError(
                "Vault needs VAULT_TOKEN, VAULT_ROLE_ID with VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE"
            )
        else:
            life = client.auth.token.lookup_self()["data"]
            if life.get("renewable") and life.get("ttl"):
                self._renew_at = time.monotonic() + _RENEW_AT * life["ttl"]

    def _note_life(self, auth: Any) -> None:
        life_s = auth.get("lease_duration") or 0
        self._renew_at = time.monotonic() + _RENEW_AT * life_s if life_s else float("inf")

    def _unavailable(self, name: str, error: Exception) -> SecretUnavailableError:
        if isinstance(error, InvalidPath):
            return SecretUnavailableError(f"Vault has nothing at {name.partition('#')[0]}")
        return SecretUnavailableError(f"Vault did not give {name}: {type(error).__name__}")

    def watch(self) -> Iterator[None]:
        """Yield after every interval."""
        while not self._closed.wait(self._poll_s):
            yield

    def close(self) -> None:
        """End ``watch``."""
        self._closed.set()
