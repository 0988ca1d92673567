"""Who may call what: the access each endpoint asks for, and the table of all endpoints by path and method."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from mycelium_fractal_net.service.core.errors import ServiceError
from mycelium_fractal_net.service.settings import EndpointClass

__all__ = ["Access", "RouteTable", "Target", "access"]

F = TypeVar("F", bound=Callable[..., Any])

UNMATCHED = "unmatched"


class Access(NamedTuple):
    """What an endpoint asks of its caller.

    Attributes
    ----------
    limit : str or None
        Class of endpoint whose rate limit applies.
    scope : str or None
        Scope that the key needs.
    public : bool
        Whether no key is needed at all.
    """

    limit: EndpointClass | None = None
    scope: str | None = None
    public: bool = False


class Target(NamedTuple):
    """The route template a request goes to, its access, and what answers it without a further look at the path."""

    template: str
    access: Access
    app: Any = None


_OPEN = Access(public=True)


def access(limit: EndpointClass, scope: str | None = None, *, public: bool = False) -> Callable[[F], F]:
    """Note on an endpoint what it asks of its caller."""

    def note(function: F) -> F:
        function.__access__ = Access(limit, scope, public)  # type: ignore[attr-defined] # a note for RouteTable
        return function

    return note


class RouteTable:
    """Find the target of a request; refuse unknown paths and methods before anything is spent on them."""

    def __init__(self, routes: Iterable[Any]) -> None:
        self._plain: dict[str, dict[str, Target]] = {}
        self._patterns: list[tuple[Any, dict[str, Target]]] = []
        for route in routes:
            path, methods = getattr(route, "path", None), getattr(route, "methods", None)
            if path is not None and methods:
                self._add(route, path, methods)

    def _add(self, route: Any, path: str, methods: Iterable[str]) -> None:
        target = Target(path, getattr(route.endpoint, "__access__", _OPEN), getattr(route, "runner", None))
        methods = {*methods, "HEAD"} if "GET" in methods else set(methods)
        if "{" in path:
            self._patterns.append((route.path_regex, dict.fromkeys(methods, target)))
        else:
            self._plain.setdefault(path, {}).update(dict.fromkeys(methods, target))

    def find(self, path: str) -> dict[str, Target] | None:
        """Return the targets of a path by method."""
        found = self._plain.get(path)
        if found is None:
            return next((targets for pattern, targets in self._patterns if pattern.fullmatch(path)), None)
        return found

    def target(self, path: str, method: str) -> Target:
        """Return the target of a request.

        Raises
        ------
        ServiceError
            NOT_FOUND, or METHOD_NOT_ALLOWED with the header Allow.
        """
        targets = self.find(path)
        if targets is None:
            raise ServiceError("NOT_FOUND")
        target = targets.get(method)
        if target is None:
            allowed = ", ".join(sorted(targets))
            raise ServiceError("METHOD_NOT_ALLOWED", f"this path takes {allowed}", headers={"Allow": allowed})
        return target

    def template(self, path: str) -> str:
        """Return the template of a path, whatever the method."""
        targets = self.find(path)
        return next(iter(targets.values())).template if targets else UNMATCHED
