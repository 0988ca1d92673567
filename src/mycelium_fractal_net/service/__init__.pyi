from .asyncapi import asyncapi_text
from .core.keys import SCOPES, KeyRing, add_key, make_key, read_key_file, remove_key
from .http.app import create_app
from .reference import environments_reference, openapi_text, settings_reference
from .server import serve
from .settings import Settings, load_settings, risks, shown
from .worker import serve_worker

__all__ = [
    "SCOPES",
    "KeyRing",
    "Settings",
    "add_key",
    "asyncapi_text",
    "create_app",
    "environments_reference",
    "load_settings",
    "make_key",
    "openapi_text",
    "read_key_file",
    "remove_key",
    "risks",
    "serve",
    "serve_worker",
    "settings_reference",
    "shown",
]
