"""Variables that Kubernetes sets for a Service whose name begins with mfn, and that mean nothing here."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["is_service_link", "service_links"]

_URL = re.compile(r"(?:tcp|udp|sctp)://\S+:\d+")
_PLAIN = re.compile(
    r"MFN(?:_[A-Z0-9_]+)?_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)"
)
_PORT = re.compile(r"MFN(?:_[A-Z0-9_]+)?_PORT")


def is_service_link(name: str, value: str) -> bool:
    """Tell whether Kubernetes made a variable for a Service, as Docker does for a link.

    Examples
    --------
    >>> is_service_link("MFN_PORT", "tcp://10.0.0.7:8000"), is_service_link("MFN_PORT", "8000")
    (True, False)
    >>> is_service_link("MFN_REDIS_SERVICE_HOST", "10.0.0.8"), is_service_link("MFN_HOST", "10.0.0.8")
    (True, False)
    """
    return _PLAIN.fullmatch(name) is not None or (
        _PORT.fullmatch(name) is not None and _URL.fullmatch(value) is not None
    )


def service_links(environment: Mapping[str, str]) -> list[str]:
    """Return the names of all such variables."""
    return sorted(name for name, value in environment.items() if is_service_link(name, value))
