"""Seeds: given by the caller, or drawn from the system's secure generator."""

from __future__ import annotations

import secrets

from mycelium_fractal_net.federated._updates import require_count

__all__ = ["drawn_seed", "require_seed"]


def require_seed(seed: int | None) -> None:
    """Refuse a seed that is not None or an integer >= 0."""
    if seed is not None:
        require_count("seed", seed, 0)


def drawn_seed(seed: int | None) -> int:
    """Return the seed, or 128 bits that nobody can guess."""
    return secrets.randbits(128) if seed is None else int(seed)
