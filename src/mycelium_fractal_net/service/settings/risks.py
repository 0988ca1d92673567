"""What is allowed and still dangerous: one line for each such setting, for the log and for ``mfn config check``."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping

from mycelium_fractal_net.service.settings.links import service_links
from mycelium_fractal_net.service.settings.model import Settings, is_wide

__all__ = ["risks"]

_SHORT_PEPPER = 16


def risks(settings: Settings, environment: Mapping[str, str] | None = None) -> list[str]:
    """Return what an operator should know before strangers find out.

    Examples
    --------
    >>> from mycelium_fractal_net.service.settings import load_settings
    >>> risks(load_settings(env="dev"), {})
    []
    >>> risks(load_settings(env="dev", host="0.0.0.0"), {})
    ['MFN_HOST=0.0.0.0 without MFN_API_KEY_REQUIRED: anybody who can reach this machine can use the service ...']
    """
    return list(_risks(settings, os.environ if environment is None else environment))


def _risks(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    if links := service_links(environment):
        yield (
            f"{len(links)} variables of Kubernetes service links, such as {links[0]}, are ignored; they come from a "
            "Service whose name begins with mfn: set enableServiceLinks: false in the pod's spec"
        )
    if not settings.api_key_required and (settings.env != "dev" or not _is_loopback(settings.host)):
        limits = "" if settings.rate_limit_enabled else " and without rate limits"
        name = f"MFN_HOST={settings.host} without MFN_API_KEY_REQUIRED"
        if settings.env != "dev":
            name = f"MFN_API_KEY_REQUIRED=false in {settings.env}"
        yield f"{name}: anybody who can reach this machine can use the service without a key{limits}"
    if not settings.rate_limit_enabled and settings.env != "dev":
        yield f"MFN_RATE_LIMIT_ENABLED=false in {settings.env}: one client can use all of the computing time"
    if wide := [network for network in settings.trusted_proxies if is_wide(network)]:
        yield (
            f"MFN_TRUSTED_PROXIES={wide[0]}: nearly every address counts as a trusted proxy, and can forge a "
            f"client's address in X-Forwarded-For; list the proxies' own networks"
        )
    pepper = settings.api_key_pepper
    if settings.env != "dev" and pepper is not None and len(pepper.get_secret_value()) < _SHORT_PEPPER:
        yield f"MFN_API_KEY_PEPPER has fewer than {_SHORT_PEPPER} characters: anybody who has the key file can guess it"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
