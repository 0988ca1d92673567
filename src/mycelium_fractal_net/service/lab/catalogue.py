"""What the lab must know of the service it came from: parameters, kinetics, regimes, features, limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.features import FEATURE_UNITS
from mycelium_fractal_net.fields import REGIMES, SimulationConfig, get_kinetics, list_kinetics
from mycelium_fractal_net.service.settings import Settings

__all__ = ["lab_catalogue", "unit_of"]

_UNITS = (
    (re.compile(r"\bmV\b"), "mV"),
    (re.compile(r"cells\^2/step"), "cells²/step"),
    (re.compile(r"^Cells|\bin cells\b"), "cells"),
    (re.compile(r"^Steps\b"), "steps"),
    (re.compile(r"^Prob"), "per step"),
)


def lab_catalogue(schema: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what the page is built from.

    Parameters
    ----------
    schema : mapping
        JSON Schema of the request of ``POST /simulate``, as OpenAPI has it: its parameters are the page's.
    settings : Settings
        Of this service.
    """
    return {
        "version": __version__,
        "key_required": settings.api_key_required,
        "docs_enabled": settings.docs_enabled,
        "max_cell_steps": settings.max_cell_steps,
        "parameters": {name: _parameter(schema["properties"][name]) for name in SimulationConfig.model_fields},
        "kinetics": {name: _kinetics(name) for name in list_kinetics()},
        "regimes": [_regime(name) for name in REGIMES],
        "features": dict(FEATURE_UNITS),
    }


def unit_of(description: str) -> str:
    """Return the unit that a description names, empty where it names none.

    Examples
    --------
    >>> unit_of("Potential at rest in mV."), unit_of("Seed of every random process.")
    ('mV', '')
    """
    return next((unit for pattern, unit in _UNITS if pattern.search(description)), "")


def _parameter(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "unit": unit_of(schema.get("description", ""))}


def _kinetics(name: str) -> dict[str, Any]:
    model = get_kinetics(name)
    return {
        "source": model.source,
        "activator_range": model.activator_range,
        "patches": None if model.patches is None else asdict(model.patches),
        "parameters": {
            parameter: {"default": value, "range": model.ranges.get(parameter)}
            for parameter, value in model.parameters.items()
        },
    }


def _regime(name: str) -> dict[str, Any]:
    regime = REGIMES[name]
    return {
        "name": name,
        "look_for": regime.look_for,
        "moving": regime.moving,
        "source": regime.source,
        "settings": {
            key: dict(value) if isinstance(value, Mapping) else value for key, value in regime.settings.items()
        },
    }


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
