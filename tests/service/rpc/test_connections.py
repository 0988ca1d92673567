"""Connections to a port of this process are counted by their sockets, and closed beyond a bound."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from mycelium_fractal_net.service.rpc.connections import trim


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _nobody(_: str) -> bool:
    return False


class Ends:
    """Connections, seen from both sides, those that spoke last first."""

    def __init__(self, listener: socket.socket, addresses: list[str]) -> None:
        self.port: int = listener.getsockname()[1]
        self.far = [socket.create_connection(("127.0.0.1", self.port), source_address=(one, 0)) for one in addresses]
        self.near = [listener.accept()[0] for _ in addresses]
        for one in reversed(self.far):
            time.sleep(0.02)
            one.sendall(b"x")

    def open(self) -> int:
        """Close all; return how many still were open."""
        ended = 0
        for near, far in zip(self.near, self.far, strict=True):
            far.setblocking(False)
            with suppress(BlockingIOError):
                ended += far.recv(1) == b""
            near.close()
            far.close()
        return len(self.far) - ended


@pytest.mark.parametrize(("most", "of_one", "left"), [(9, 3, [0, 1, 2, 6]), (4, 9, [0, 1, 2, 3]), (9, 9, None)])
def test_those_who_said_nothing_for_longest_make_room(
    listener: socket.socket, most: int, of_one: int, left: list[int] | None
) -> None:
    ends = Ends(listener, ["127.0.0.2"] * 6 + ["127.0.0.3"])
    closed = trim(ends.port, most, of_one, _nobody)
    kept = range(7) if left is None else left
    for number, far in enumerate(ends.far):
        far.settimeout(0.05 if number in kept else 60)
        if number in kept:
            with pytest.raises(TimeoutError):
                far.recv(1)
        else:
            assert far.recv(1) == b""
    assert closed == 7 - len(kept)
    ends.open()


def test_connections_of_proxies_and_other_sockets_are_left_alone(listener: socket.socket) -> None:
    ends = Ends(listener, ["127.0.0.2"] * 6)
    assert trim(ends.port, 100, 2, lambda address: address == "127.0.0.2") == 0
    assert trim(ends.port + 1, 1, 1, _nobody) == 0
    assert ends.open() == 6
