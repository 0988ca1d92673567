"""Entry point of ``mfn``: find the command, run it, turn what it raises into one line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import click
import typer
import typer.core

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.cli._console import compilation_shown
from mycelium_fractal_net.cli._errors import EXIT_BROKEN_PIPE, EXIT_INTERRUPTED, describe, exit_code
from mycelium_fractal_net.cli._lazy import COMMANDS, LazyCommand

__all__ = ["application", "main"]


class LazyGroup(typer.core.TyperGroup):
    """A group whose commands are imported when they run, so that ``mfn --help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's interface
        """Return the names in the order in which the help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # as above
        """Return a stand-in that knows its name and its line in the help."""
        entry = COMMANDS.get(cmd_name)
        return LazyCommand(cmd_name, entry) if entry else None


application = typer.Typer(
    cls=LazyGroup, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]}
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mfn {__version__}")
        raise typer.Exit


@application.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 # its callback acts on it
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    show_traceback: Annotated[  # noqa: ARG001 # main() acts on it
        bool, typer.Option("--traceback", help="Show the traceback of an error, for a bug report.")
    ] = False,
) -> None:
    """Grow a field from parameters, and turn fields into numbers.

    Exit codes: 0 done; 1 a check failed or the field diverged; 2 wrong usage or input, or a missing extra;
    70 an internal error; 130 interrupted.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``mfn`` with the given arguments, by default those of the process, and return its exit code.

    Examples
    --------
    >>> main(["nernst", "1", "0.005", "0.140"])
    -89.0587 mV
    0
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with compilation_shown():
            code = application(args=given, prog_name="mfn", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # Click made the one from the other
            return _leave_closed_pipe()
        raise
    except click.exceptions.NoArgsIsHelpError as error:  # a group without a command, as ``mfn keys``
        typer.echo(error.format_message())
        return 0
    except (KeyboardInterrupt, click.Abort):
        code = EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 # the last stop: whatever it is, the user gets one line
        if "--traceback" in given:
            traceback.print_exception(error)
        typer.echo(describe(error), err=True)
        return exit_code(error)
    if code == EXIT_INTERRUPTED:  # what Typer makes of Ctrl-C too
        typer.echo("mfn: interrupted", err=True)
    return code if isinstance(code, int) else 0


def _leave_closed_pipe() -> int:
    """Let ``mfn ... | head`` end without a complaint from the interpreter's own flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_BROKEN_PIPE
