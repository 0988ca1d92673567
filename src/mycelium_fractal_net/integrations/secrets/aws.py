"""AWS Secrets Manager."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mycelium_fractal_net.integrations.protocols import Secret, SecretUnavailableError

__all__ = ["AwsSecrets"]

_CONFIG = Config(connect_timeout=5, read_timeout=5, retries={"max_attempts": 2})
_STAGES = ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS")


class AwsSecrets:
    """Read ``secret:aws:NAME``, ``secret:aws:NAME#KEY`` of a JSON object, or with a stage: ``NAME@AWSPENDING#KEY``.

    Region, credentials and endpoint are AWS's own variables or the role of the machine.

    Parameters
    ----------
    poll_s : float
        How often :meth:`watch` has the values read again, in s.
    """

    def __init__(self, poll_s: float = 30.0) -> None:
        self._poll_s, self._closed = poll_s, threading.Event()
        self._client: Any = None

    def get(self, name: str) -> Secret:
        """Return the value of a stage, ``AWSCURRENT`` by default."""
        whole, _, key = name.partition("#")
        identity, _, stage = whole.partition("@")
        if stage and stage not in _STAGES:
            raise SecretUnavailableError(f"a stage must be one of {', '.join(_STAGES)}; got {stage!r}")
        try:
            if self._client is None:
                self._client = boto3.client("secretsmanager", config=_CONFIG)
            found = self._client.get_secret_value(SecretId=identity, VersionStage=stage or _STAGES[0])
        except (ClientError, BotoCoreError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            raise SecretUnavailableError(f"AWS Secrets Manager did not give {whole}: {code}") from None
        value = found.get("SecretString")
        if key and value is not None:
            value = _member(value, key)
        if not value:
            raise SecretUnavailableError(f"AWS Secrets Manager has no text {key!r} in {whole}")
        return Secret(value, str(found["VersionId"]))

    def watch(self) -> Iterator[None]:
        """Yield after every interval."""
        while not self._closed.wait(self._poll_s):
            yield

    def close(self) -> None:
        """End ``watch``."""
        self._closed.set()


def _member(text: str, key: str) -> str | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    value = content.get(key) if isinstance(content, dict) else None
    return value if isinstance(value, str) else None
