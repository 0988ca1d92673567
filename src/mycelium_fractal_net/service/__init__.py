"""The service, which needs the extra ``server``: settings, keys, the application, the process, the description."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mycelium_fractal_net.errors import MissingExtraError

if TYPE_CHECKING:
    from mycelium_fractal_net.service.core.keys import SCOPES, KeyRing, add_key, make_key, read_key_file, remove_key
    from mycelium_fractal_net.service.http.app import create_app
    from mycelium_fractal_net.service.reference import environments_reference, openapi_text, settings_reference
    from mycelium_fractal_net.service.server import serve
    from mycelium_fractal_net.service.settings import Settings, load_settings, shown

__all__ = [
    "SCOPES",
    "KeyRing",
    "Settings",
    "add_key",
    "create_app",
    "environments_reference",
    "load_settings",
    "make_key",
    "openapi_text",
    "read_key_file",
    "remove_key",
    "serve",
    "settings_reference",
    "shown",
]

_HOMES = {
    "KeyRing": "core.keys",
    "SCOPES": "core.keys",
    "Settings": "settings",
    "add_key": "core.keys",
    "create_app": "http.app",
    "environments_reference": "reference",
    "load_settings": "settings",
    "make_key": "core.keys",
    "openapi_text": "reference",
    "read_key_file": "core.keys",
    "remove_key": "core.keys",
    "serve": "server",
    "settings_reference": "reference",
    "shown": "settings",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for, and say which extra it needs if that is not installed."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{home}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("mycelium_fractal_net"):
            raise
        raise MissingExtraError.for_extra("server", error.name) from None
