"""What an operation asks of its caller."""

from __future__ import annotations

from typing import NamedTuple

from mycelium_fractal_net.service.settings import EndpointClass

__all__ = ["OPEN", "Access"]


class Access(NamedTuple):
    """What an operation asks of its caller.

    Attributes
    ----------
    limit : str or None
        Class whose rate limit applies; None for what is never limited.
    scope : str or None
        Scope that the key needs.
    public : bool
        Whether no key is needed at all.
    """

    limit: EndpointClass | None = None
    scope: str | None = None
    public: bool = False


OPEN = Access(public=True)
"""For everybody, without limit."""
