"""Settings of the service: where they come from, what they may be, how they are shown, what they risk."""

from mycelium_fractal_net.service.settings.loading import load_settings, shown, without_secrets
from mycelium_fractal_net.service.settings.model import DEFAULT_LIMITS, EndpointClass, Environment, Settings
from mycelium_fractal_net.service.settings.risks import risks
from mycelium_fractal_net.service.settings.sources import config_directory

__all__ = [
    "DEFAULT_LIMITS",
    "EndpointClass",
    "Environment",
    "Settings",
    "config_directory",
    "load_settings",
    "risks",
    "shown",
    "without_secrets",
]
