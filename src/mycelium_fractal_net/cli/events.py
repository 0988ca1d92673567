"""``mfn events``: what waits, was sent, or is dead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from mycelium_fractal_net.cli._console import print_json, print_table
from mycelium_fractal_net.errors import InvalidInputError

if TYPE_CHECKING:
    from mycelium_fractal_net.integrations import EventStore, StoredEvent

__all__ = ["events"]

events = typer.Typer(
    help="List, replay and follow events of an outbox or of dead letters.",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)

Store = Annotated[
    Path,
    typer.Option(
        "--store",
        exists=True,
        dir_okay=False,
        help="SQLite file of events: that of MFN_EVENTS_STORE, or a worker's dead_letters.",
    ),
]
OneState = Annotated[
    str | None,
    typer.Option(
        "--state",
        click_type=click.Choice(["pending", "sent", "dead"]),
        help="Only events in this state: pending, sent or dead.",
    ),
]
_LOOK_EVERY_S = 0.5


@events.command("list")
def list_events(
    store: Store,
    state: OneState = None,
    limit: Annotated[int, typer.Option(min=1, help="Most events.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List events in the order in which they came."""
    found = _opened(store).select(_state(state), limit=limit)
    if as_json:
        print_json([_facts(item) for item in found])
        return
    rows = [tuple(map(str, _facts(item).values())) for item in found]
    print_table("Events", ["id", "type", "subject", "state", "attempts", "created", "reason"], rows)


@events.command()
def replay(
    store: Store,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Ids of the events.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All dead events.")] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Configuration of the worker: failed jobs go back to its source."
        ),
    ] = None,
) -> None:
    """Send events again by the relay; with --config put failed jobs back to where they came from."""
    if bool(ids) == dead:
        raise InvalidInputError("give the ids of events, or --dead for all dead events")
    opened = _opened(store)
    wanted = ids or [item.event.id for item in opened.select("dead", limit=1_000_000)]
    count = opened.replay(wanted) if config is None else asyncio.run(_resubmit(opened, wanted, config))
    typer.echo(f"{count} events will be sent again" if config is None else f"{count} jobs were put back")


@events.command()
def tail(
    store: Store,
    state: OneState = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait for new events, until Ctrl-C.")] = True,
) -> None:
    """Print events as they come, a structured CloudEvent a line."""
    opened, last = _opened(store), 0
    while True:
        for item in opened.select(_state(state), after=last):
            typer.echo(item.event.structured().decode())
            last = item.number
        if not follow:
            return
        time.sleep(_LOOK_EVERY_S)


def _opened(path: Path) -> EventStore:
    from mycelium_fractal_net.integrations import EventStore

    return EventStore(path)


def _state(text: str | None) -> Any:
    return text


def _facts(item: StoredEvent) -> dict[str, Any]:
    created = datetime.fromtimestamp(item.created, UTC).isoformat(timespec="seconds")
    event = item.event
    reason = item.reason
    if not reason and item.state == "dead":
        reason = _reason_of(item)
    return {
        "id": event.id,
        "type": event.type,
        "subject": event.subject,
        "state": item.state,
        "attempts": item.attempts,
        "created": created,
        "reason": reason,
    }


def _content_of(item: StoredEvent) -> dict[str, Any]:
    import orjson

    content = orjson.loads(item.event.data)
    return content if isinstance(content, dict) else {}


def _reason_of(item: StoredEvent) -> str:
    reason = _content_of(item).get("reason") or {}
    return f"{reason.get('code', '')}: {reason.get('message', '')}"[:200] if isinstance(reason, dict) else str(reason)


async def _resubmit(store: EventStore, ids: Sequence[str], config: Path) -> int:
    """Publish failed jobs, as they came, to the place that the worker's source reads."""
    from mycelium_fractal_net import integrations

    options = integrations.load_worker_config(config).source
    publisher = integrations.make_publisher(integrations.back_to(options))
    items = {item.event.id: item for item in store.select("dead", limit=1_000_000)}
    try:
        for identity in ids:
            if identity not in items:
                raise InvalidInputError(f"there is no dead event {identity!r}; mfn events list --state dead shows them")
            item = items[identity]
            await publisher.publish(integrations.job_event(item.event))
            store.mark(item.number, "sent", "put back")
    finally:
        await publisher.close()
    return len(ids)
