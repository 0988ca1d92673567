"""What goes to the terminal: progress, tables, JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import typer

from mycelium_fractal_net._compiled.watch import Announcement, watching
from mycelium_fractal_net.cli._errors import EXIT_INTERRUPTED

__all__ = ["cancel_on_signal", "compilation_shown", "print_json", "print_table", "progress_bar"]


def print_json(value: Any) -> None:
    """Print one JSON document; numbers keep all their digits, and there is no NaN in it."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: str = "") -> None:
    """Print a table; the columns named in ``numbers`` (separated by spaces) are set flush right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100, markup=False)
    cells = [tuple(row) for row in rows]
    kept = [index for index, column in enumerate(columns) if column != "meaning"]
    needed = [max(len(text) for text in (columns[i], *(row[i] for row in cells))) for i in kept]
    shown = list(range(len(columns)))
    if sum(needed) + 3 * len(kept) + _LEAST_MEANING > console.width:
        shown = kept
    if sum(needed) + 2 * len(kept) > console.width:  # nothing is cut: a line for each cell
        typer.echo("\n".join([title, *(_stacked(columns, row, kept) for row in cells)]))
        return
    roomy = sum(needed) + 3 * len(kept) + 2 <= console.width
    style: dict[str, Any] = {"box": SIMPLE_HEAD, "pad_edge": False} if roomy else {"box": None, "padding": (0, 2, 0, 0)}
    table = Table(title=title, title_justify="left", **style)
    for index in shown:
        right = columns[index] in numbers.split()
        table.add_column(columns[index], justify="right" if right else "left", no_wrap=columns[index] != "meaning")
    for row in cells:
        table.add_row(*(row[index] for index in shown))
    console.print(table)


_LEAST_MEANING = 24


def _stacked(columns: Sequence[str], row: Sequence[str], shown: Sequence[int]) -> str:
    first, *rest = (row[index] for index in shown)
    names = [columns[index] for index in shown[1:]]
    return "\n".join([first, *(f"  {name} {text}" for name, text in zip(names, rest, strict=True) if text)])


@contextmanager
def progress_bar(description: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yield ``report(done, total)``; it draws on a terminal and does nothing in a pipe."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def cancel_on_signal() -> Iterator[threading.Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; a second one interrupts at once."""
    event = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Compilation:
    """Show that kernels are being compiled, and let SIGINT and SIGTERM stop it where no result is lost."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._stop = False
        self._bar: Any = None

    def __call__(self, announcement: Announcement) -> None:
        if announcement.state == "begins":
            self._begin(announcement)
        elif announcement.state == "ends":
            self.end()
        if self._stop:
            self.end()
            raise KeyboardInterrupt

    def _begin(self, announcement: Announcement) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        if sys.stderr.isatty():
            self._draw(str(announcement))
        elif not announcement.told:
            typer.echo(f"mfn: {announcement}", err=True)

    def _draw(self, text: str) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.add_task(text, total=None)
        self._bar.start()

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        """Remember a signal until the compiler is between two functions; a second one ends at once."""
        if self._stop:
            os._exit(EXIT_INTERRUPTED)
        self._stop = True

    def end(self) -> None:
        """Take away what was drawn and give the signals back."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


@contextmanager
def compilation_shown() -> Iterator[None]:
    """Say on standard error when kernels are compiled meanwhile."""
    shown = _Compilation()
    try:
        with watching(shown):
            yield
    finally:
        shown.end()
