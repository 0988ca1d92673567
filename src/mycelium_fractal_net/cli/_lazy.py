"""The table of commands, and stand-ins that import a command when it is run."""

from __future__ import annotations

from typing import Any, NamedTuple

import click
import typer
import typer.core

from mycelium_fractal_net._lazy import resolve

__all__ = ["COMMANDS", "Entry", "LazyCommand", "load"]

# Typer escapes brackets in the help for Rich wherever Rich is installed, even when the help is not Rich's.
typer.core.HAS_RICH = False


class Entry(NamedTuple):
    """Say where a command lives and how the help sums it up.

    ``target`` is ``module:name`` inside this package; ``name`` is a function or a ``typer.Typer``.
    """

    target: str
    summary: str


COMMANDS = {
    "simulate": Entry("simulate:simulate", "Simulate a field; print its features, and write files to --out."),
    "features": Entry("features:features", "Extract the features of a field or a history from a file."),
    "fractal": Entry("fractal:fractal", "Measure the box-counting dimension of a field, a mask or a picture."),
    "lyapunov": Entry("lyapunov:lyapunov", "Measure Lyapunov exponents, of a field or of a reference system."),
    "stability": Entry("stability:stability", "Tell whether a kinetics can form a pattern, and of what wavelength."),
    "kinetics": Entry("kinetics:kinetics", "List the reaction kinetics with their parameters and sources."),
    "regimes": Entry("regimes:regimes", "List named regimes of patterns, and what to look for in each."),
    "aggregate": Entry("aggregate:aggregate", "Aggregate clients' updates with a rule that resists hostile ones."),
    "scan": Entry("scan:scan", "Map features over two parameters, beside what linear stability predicts."),
    "dataset": Entry("dataset:dataset", "Simulate every row of a scenario into one Parquet file."),
    "validate": Entry(
        "validate:validate_command", "Check this installation against known results; exit code 1 on failure."
    ),
    "nernst": Entry("potentials:nernst", "Compute the equilibrium potential of one ion."),
    "ghk": Entry("potentials:ghk", "Compute the resting potential of a membrane that several ions cross."),
    "serve": Entry("serve:serve", "Serve the HTTP interface until SIGTERM or Ctrl-C."),
    "worker": Entry("worker:worker", "Take jobs from a broker or a directory, and publish the results."),
    "events": Entry("events:events", "List, replay and follow events of an outbox or of dead letters."),
    "signals": Entry("signals:signals", "Look for early-warning signals in the columns of a file."),
    "keys": Entry("keys:keys", "Create, list and revoke API keys of the service."),
    "config": Entry("config:config", "Show, check and explain the settings of the service."),
    "openapi": Entry("openapi:openapi", "Print the OpenAPI description of the HTTP interface."),
    "warmup": Entry("warmup:warmup", "Compile every kernel now, so that the first use is quick."),
}


def load(entry: Entry) -> click.Command:
    """Import the module of an entry and return its command."""
    target = resolve(f"mycelium_fractal_net.cli.{entry.target}")
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(rich_markup_mode=None, add_completion=False)
        target.command()(function)
    return typer.main.get_command(target)


class LazyCommand(click.Command):
    """Stand in for a command in the list; become the real one when it is given arguments."""

    def __init__(self, name: str, entry: Entry) -> None:
        super().__init__(name, short_help=entry.summary, help=entry.summary)
        self.entry = entry

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse the arguments with the real command, which the context then belongs to."""
        return load(self.entry).make_context(info_name, args, parent, **extra)
