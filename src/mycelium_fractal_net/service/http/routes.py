"""Which path leads to which operation, and the table in which a request finds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.core.access import OPEN, Access
from mycelium_fractal_net.service.core.errors import ServiceError

__all__ = ["PAGES", "PATHS", "UNMATCHED", "RouteTable", "Target"]

UNMATCHED = "unmatched"

PATHS: Mapping[tuple[str, str], str] = {
    ("GET", "/health"): "health",
    ("GET", "/health/live"): "live",
    ("GET", "/health/ready"): "ready",
    ("GET", "/metrics"): "metrics",
    ("POST", "/simulate"): "simulate",
    ("POST", "/stability"): "stability",
    ("POST", "/features"): "features",
    ("POST", "/validate"): "validate",
    ("POST", "/nernst"): "nernst",
    ("POST", "/federated/aggregate"): "aggregate",
    ("POST", "/tickets"): "tickets",
    ("POST", "/clip"): "clip",
}
"""The operation behind a method and a path."""

PAGES: Mapping[str, Access] = {"/openapi.json": OPEN}
"""What FastAPI shows of this service where MFN_DOCS_ENABLED is set: its description, for everybody."""


class Target(NamedTuple):
    """The template of a path, what it asks of its caller, and what answers."""

    template: str
    access: Access
    app: Any


class RouteTable:
    """Find the target of a request; refuse unknown paths and methods before anything is spent on them.

    Parameters
    ----------
    routes : iterable of Starlette routes
        All that an application has.
    accesses : mapping of str to Access
        What each path asks of its caller.

    Raises
    ------
    ConfigurationError
        For a route that is none of the table: nobody said who may call it.
    """

    def __init__(self, routes: Iterable[Any], accesses: Mapping[str, Access]) -> None:
        self._targets: dict[str, dict[str, Target]] = {}
        for route in routes:
            path = getattr(route, "path", None)
            access = accesses.get(str(path))
            if not isinstance(access, Access) or "{" in str(path):
                raise ConfigurationError(f"the path {path} declares no access; add it to the table of paths")
            target = Target(str(path), access, route.app)
            self._targets.setdefault(str(path), {}).update(dict.fromkeys(route.methods, target))

    def methods(self, path: str) -> list[str]:
        """Return the methods that a path takes, in order."""
        return sorted(self._targets.get(path, ()))

    def target(self, path: str, method: str) -> Target:
        """Return the target of a request.

        Raises
        ------
        ServiceError
            NOT_FOUND, or METHOD_NOT_ALLOWED with the methods that are.
        """
        targets = self._targets.get(path)
        if targets is None:
            raise ServiceError("NOT_FOUND")
        target = targets.get(method)
        if target is None:
            allowed = self.methods(path)
            raise ServiceError("METHOD_NOT_ALLOWED", f"this path supports {', '.join(allowed)}", allowed=allowed)
        return target

    def template(self, path: str) -> str:
        """Return the template of a path, whatever the method."""
        return path if path in self._targets else UNMATCHED
