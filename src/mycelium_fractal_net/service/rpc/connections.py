"""Connections of gRPC, which keeps them to itself: counted, and closed, by their sockets."""

from __future__ import annotations

import os
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["SPARE", "trim"]

SPARE = 64
"""Connections beyond the most there may be, which let newcomers in until the next look."""

_FILES = Path("/proc/self/fd")
_LAST_RECEIVED = 52  # where Linux's tcp_info says how many ms ago the peer has sent something
_INFO_BYTES = 56


class _Peer(NamedTuple):
    silent_ms: int
    name: tuple[str, int]
    file: int


def trim(port: int, most: int, per_address: int, is_proxy: Callable[[str], bool]) -> int:
    """Close connections beyond so many, those first whose peers have said nothing for longest.

    gRPC has a bound for all of them, at which it turns newcomers away, and none for one address. Where the system does
    not list a process's files, as Linux does, nothing is closed.

    Parameters
    ----------
    port : int
        Where gRPC listens in this process.
    most, per_address : int
        Connections in all, and from one address.
    is_proxy : callable
        Tells whether many clients share an address.

    Returns
    -------
    int
        How many were closed.
    """
    files = _open_files()
    if len(files) <= min(most, per_address):
        return 0
    kept, closed = 0, 0
    of: Counter[str] = Counter()
    for peer in sorted(filter(None, (_peer(file, port) for file in files))):
        address = peer.name[0]
        of[address] += 1
        if kept < most and (of[address] <= per_address or is_proxy(address)):
            kept += 1
        else:
            closed += _end(peer)
    return closed


def _open_files() -> list[int]:
    try:
        return [int(path.name) for path in _FILES.iterdir()]
    except OSError:
        return []


def _peer(file: int, port: int) -> _Peer | None:
    """Return who is at the other end of a connection to the port; None for any other file."""
    with suppress(OSError), socket.socket(fileno=os.dup(file)) as connection:  # closed meanwhile, or no socket
        if connection.family not in {socket.AF_INET, socket.AF_INET6} or connection.getsockname()[1] != port:
            return None
        name = connection.getpeername()[:2]
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
        return _Peer(struct.unpack_from("=I", info, _LAST_RECEIVED)[0], (_plain(name[0]), name[1]), file)
    return None


def _end(peer: _Peer) -> bool:
    """Close a connection, if the file is still the same."""
    with suppress(OSError), socket.socket(fileno=os.dup(peer.file)) as connection:
        name = connection.getpeername()[:2]
        if (_plain(name[0]), name[1]) == peer.name:
            connection.shutdown(socket.SHUT_RDWR)
            return True
    return False


def _plain(address: str) -> str:
    """Return an address of IPv4 as such, that a socket of IPv6 has accepted."""
    return address.removeprefix("::ffff:")
