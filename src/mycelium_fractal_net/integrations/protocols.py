"""What a source, a publisher and a source of secrets have to do; implementations need to inherit from nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from mycelium_fractal_net.errors import MFNError
from mycelium_fractal_net.integrations.messages import Delivery, Event

__all__ = [
    "ConnectionFailedError",
    "Connector",
    "PublishRefusedError",
    "Publisher",
    "Secret",
    "SecretSource",
    "SecretUnavailableError",
    "Source",
]


class ConnectionFailedError(MFNError):
    """A broker, a store or a receiver cannot be reached, or does not let this client in; it may be tried again."""

    code = "CONNECTION_FAILED"


class PublishRefusedError(MFNError):
    """The sink refuses this event and would refuse it again: it is too long, or there is nobody to take it."""

    code = "PUBLISH_REFUSED"


class SecretUnavailableError(MFNError):
    """A secret cannot be read."""

    code = "SECRET_UNAVAILABLE"


@runtime_checkable
class Source(Protocol):
    """Where jobs come from."""

    def deliveries(self) -> AsyncIterator[Delivery]:
        """Connect, and yield messages as they come; none is fetched before it is asked for, but for a small window.

        A message that was neither acknowledged nor given back is delivered again, to this process or another one,
        after the connection is gone.

        Raises
        ------
        ConnectionFailedError
            When the connection cannot be made or is lost; whoever reads opens a new source.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection; messages that were not acknowledged stay with the broker."""
        ...


@runtime_checkable
class Publisher(Protocol):
    """Where events go."""

    async def publish(self, event: Event) -> None:
        """Return when the event is durable at the other side, and not before.

        Raises
        ------
        PublishRefusedError
            When it would be refused again.
        ConnectionFailedError
            When it is not known whether the event arrived: publish it again, its id is the same.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class Secret:
    """A secret value and its version; neither ``repr`` nor ``str`` tells the value.

    Examples
    --------
    >>> Secret("hidden", "3")
    Secret(***, version='3')
    """

    __slots__ = ("_value", "version")

    def __init__(self, value: str, version: str) -> None:
        self._value = value
        self.version = version

    def get_secret_value(self) -> str:
        """Return the value."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret(***, version={self.version!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._value, self.version) == (other._value, other.version)

    def __hash__(self) -> int:
        return hash((self._value, self.version))


@runtime_checkable
class SecretSource(Protocol):
    """Where secrets come from."""

    def get(self, name: str) -> Secret:
        """Return the present value.

        Raises
        ------
        SecretUnavailableError
            With the name, never with a value.
        """
        ...

    def watch(self) -> Iterator[None]:
        """Yield whenever something may have changed; block in between. Ends after :meth:`close`."""
        ...

    def close(self) -> None:
        """Let go of connections, and end ``watch``."""
        ...


class Connector(BaseModel):
    """Options of a source or publisher, and the connection made of them.

    A subclass declares its options as fields; an unknown option is refused. ``repr`` and error messages tell no
    value of a secret field.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
