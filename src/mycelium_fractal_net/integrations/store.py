"""A durable table of events in SQLite: the outbox of the service, and dead letters."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError
from mycelium_fractal_net.integrations.messages import Event

__all__ = ["STATES", "EventStore", "State", "StoredEvent"]

State = Literal["pending", "sent", "dead"]
STATES: tuple[str, ...] = get_args(State)
"""What becomes of an event: it waits, its sink has confirmed it, or it needs a person."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    source TEXT NOT NULL,
    data BLOB NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    changed REAL NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS events_by_state ON events (state, number);
"""
_WAIT_S = 30.0
_COLUMNS = "number, id, type, subject, key, traceparent, source, data, state, attempts, created, changed, reason"


class StoredEvent(NamedTuple):
    """An event and what has become of it; ``created`` and ``changed`` are seconds since 1970."""

    number: int
    event: Event
    state: State
    attempts: int
    created: float
    changed: float
    reason: str


class EventStore:
    """Events on disk, in the order in which they came.

    Parameters
    ----------
    path : Path
        The file, made if it is not there; ``-wal`` and ``-shm`` lie beside it. It must be on a local disk.
    durable : bool
        Whether each change is on disk before the call returns (``synchronous=FULL``): then nothing is lost when the
        machine goes down. Otherwise the last changes may be, but not when the process dies alone.

    Raises
    ------
    ConfigurationError
        When the file cannot be opened, or is no such store.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise ConfigurationError(f"cannot use {path} as a store of events: {error}") from None

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            yield self._connection

    def add(self, event: Event, state: State = "pending", reason: str = "") -> bool:
        """Keep an event; return False where its id is there already."""
        now = time.time()
        values = (event.id, event.type, event.subject, event.key, event.traceparent, event.source, event.data)
        with self._using() as connection:
            done = connection.execute(
                "INSERT INTO events "
                "(id, type, subject, key, traceparent, source, data, state, created, changed, reason) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                (*values, state, now, now, reason),
            )
            return done.rowcount == 1

    def select(self, state: State | None = None, after: int = 0, limit: int = 100) -> list[StoredEvent]:
        """Return events in order, from a number on."""
        with self._using() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM events WHERE number > ? AND (? IS NULL OR state = ?) "  # noqa: S608 # constants
                "ORDER BY number LIMIT ?",
                (after, state, state, limit),
            ).fetchall()
        return [
            StoredEvent(row[0], Event(row[1], row[2], row[3], row[7], row[4], row[5], row[6]), *row[8:]) for row in rows
        ]

    def mark(self, number: int, state: State, reason: str = "") -> None:
        """Say what has become of an event."""
        with self._using() as connection:
            connection.execute(
                "UPDATE events SET state = ?, attempts = attempts + 1, changed = ?, reason = ? WHERE number = ?",
                (state, time.time(), reason, number),
            )

    def replay(self, ids: Iterable[str]) -> int:
        """Let events be sent again; return how many there are.

        Raises
        ------
        InvalidInputError
            For an id that is not in the store; then none is sent again.
        """
        wanted = list(dict.fromkeys(ids))
        with self._using() as connection:
            for identity in wanted:
                if not connection.execute("SELECT 1 FROM events WHERE id = ?", (identity,)).fetchone():
                    raise InvalidInputError(f"there is no event {identity!r}; mfn events list shows them", field="id")
            connection.executemany(
                "UPDATE events SET state = 'pending', attempts = 0, changed = ?, reason = '' WHERE id = ?",
                [(time.time(), identity) for identity in wanted],
            )
        return len(wanted)

    def count(self, state: State) -> int:
        """Return how many events are in a state."""
        with self._using() as connection:
            return int(connection.execute("SELECT count(*) FROM events WHERE state = ?", (state,)).fetchone()[0])

    def oldest_age_s(self, state: State) -> float:
        """Return how long ago the oldest event of a state came, in s; 0 where there is none."""
        with self._using() as connection:
            created = connection.execute("SELECT min(created) FROM events WHERE state = ?", (state,)).fetchone()[0]
        return 0.0 if created is None else max(0.0, time.time() - created)

    def forget(self, sent_before: float) -> int:
        """Delete what was sent before a time, in seconds since 1970; return how many."""
        with self._using() as connection:
            return connection.execute(
                "DELETE FROM events WHERE state = 'sent' AND changed < ?", (sent_before,)
            ).rowcount

    def close(self) -> None:
        """Close the file."""
        with self._using() as connection:
            connection.close()
