"""Compare what a page shows with what is found."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["matches"]


def matches(shown: Any, found: Any) -> bool:
    """Compare, where "..." stands for anything: numbers to twelve digits."""
    if shown == "...":
        return True
    if isinstance(shown, dict):
        return _members_match(shown, found)
    if isinstance(shown, list):
        return len(shown) == len(found) and all(map(matches, shown, found))
    if isinstance(shown, float):
        return math.isclose(shown, found, rel_tol=1e-12)
    return bool(shown == found)


def _members_match(shown: dict[str, Any], found: dict[str, Any]) -> bool:
    more = "..." in shown
    named = {name: value for name, value in shown.items() if name != "..."}
    complete = named.keys() < found.keys() if more else named.keys() == found.keys()
    return complete and all(matches(value, found[name]) for name, value in named.items())
