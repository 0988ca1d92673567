"""Pages for browsers, from files of the package: the lab, and the two that show the description of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from starlette.routing import Route

from mycelium_fractal_net.service.core.access import OPEN, Access
from mycelium_fractal_net.service.http.openapi import describe
from mycelium_fractal_net.service.lab import Asset, lab_catalogue, packaged_assets
from mycelium_fractal_net.service.settings import Settings

__all__ = ["CONTENT_POLICY", "AssetPage", "docs_pages", "lab_pages"]

CONTENT_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; object-src 'none'"
"""Nothing from elsewhere, nothing inline."""

_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",  # an empty one, which ReDoc fills
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",  # ReDoc's scroll bars
)
_DOCS_POLICY = f"{CONTENT_POLICY}; img-src 'self' data:; style-src 'self' {' '.join(_STYLES)}"
"""The pages of the API have icons in their style sheets, and two style elements by their hashes."""

_PAGE = "index.html"
_GUARDS = (
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),
    (b"vary", b"Accept-Encoding"),
)


class AssetPage:
    """Serve one file.

    Parameters
    ----------
    make : callable
        Returns the file; called once, when somebody asks.
    policy : str
        What a browser may do with it.
    """

    def __init__(self, make: Callable[[], Asset], policy: str = CONTENT_POLICY) -> None:
        self._make = make
        self._policy = policy.encode()
        self._asset: Asset | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 # ASGI's form
        """Answer with the file, or that the browser has it already."""
        asset = self._asset = self._asset or self._make()
        headers = scope["mfn.headers"]
        answer = [
            *_GUARDS,
            (b"content-security-policy", self._policy),
            (b"etag", asset.tag.encode()),
            (b"content-type", asset.media.encode()),
        ]
        if asset.tag in headers.get(b"if-none-match", b"").decode("latin-1"):
            await send({"type": "http.response.start", "status": 304, "headers": answer})
            await send({"type": "http.response.body", "body": b""})
            return
        content = asset.content
        if asset.compressed is not None and b"gzip" in headers.get(b"accept-encoding", b""):
            content = asset.compressed
            answer.append((b"content-encoding", b"gzip"))
        answer.append((b"content-length", b"%d" % len(content)))
        await send({"type": "http.response.start", "status": 200, "headers": answer})
        await send({"type": "http.response.body", "body": content})


def lab_pages(settings: Settings) -> Iterator[tuple[Route, Access]]:
    """Yield the routes of the lab: its page, its files, and what it must know of this service."""

    def catalogue() -> Asset:
        schema = describe()["components"]["schemas"]["SimulateRequest"]
        return Asset.of("catalogue.json", orjson.dumps(lab_catalogue(schema, settings)))

    makers: dict[str, Callable[[], Asset]] = {"/lab/catalogue.json": catalogue}
    for name, asset in packaged_assets("mycelium_fractal_net.service.lab").items():
        makers["/lab" if name == _PAGE else f"/lab/{name}"] = lambda asset=asset: asset  # type: ignore[misc]
    for path, make in makers.items():
        yield Route(path, AssetPage(make), methods=["GET"]), OPEN


def docs_pages() -> Iterator[tuple[Route, Access]]:
    """Yield the routes of Swagger UI at ``/docs`` and of ReDoc at ``/redoc``; neither asks another host."""
    for name, asset in packaged_assets("mycelium_fractal_net.service.http").items():
        path = f"/{name.removesuffix(f'/{_PAGE}')}"
        yield Route(path, AssetPage(lambda asset=asset: asset, _DOCS_POLICY), methods=["GET"]), OPEN  # type: ignore[misc]
