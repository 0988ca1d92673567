"""``mfn validate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from mycelium_fractal_net._compiled.watch import Announcement, watching
from mycelium_fractal_net.cli._console import cancel_on_signal, print_json, print_table, progress_bar
from mycelium_fractal_net.validation import Check, quick_checks, validate

__all__ = ["validate_command"]


def validate_command(
    seed: Annotated[int, typer.Option(min=0, help="Seed of the example and of the ensemble.")] = 42,
    epochs: Annotated[int, typer.Option(min=1, max=100, help="Training epochs of the network.")] = 1,
    batch_size: Annotated[int, typer.Option(min=1, max=192, help="Batch size: fields per step of the optimiser.")] = 4,
    grid_size: Annotated[int, typer.Option(help="Cells along each side.")] = 64,
    steps: Annotated[int, typer.Option(help="Steps of each field.")] = 64,
    turing_enabled: Annotated[bool, typer.Option("--turing-enabled/--no-turing-enabled", help="Turing pair.")] = True,
    quantum_jitter: Annotated[bool, typer.Option("--quantum-jitter", help="Add Gaussian noise each step.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only the checks that need no compiled kernel; a few seconds.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check this installation against known results, and that a network can learn from its features.

    Ends with exit code 1 when a check fails.
    """
    if quick:
        _print_quick(as_json=as_json)
        return
    with watching(_Hint()), cancel_on_signal() as cancel, progress_bar("fields") as progress:
        report = validate(
            seed, epochs, batch_size, grid_size, steps, turing_enabled, quantum_jitter, cancel=cancel, progress=progress
        )
    if as_json:
        print_json(report.to_dict())
    else:
        _print_checks(report.checks)
        typer.echo(
            f"A network learns {report.target} from the features: loss {report.loss_start:.4g} -> "
            f"{report.loss_final:.4g} (drop {report.loss_drop:.4g}), R^2 {report.r2_held_out:.4g} on held-out fields."
        )
        failed = sum(not check.passed for check in report.checks)
        typer.echo(f"{len(report.checks) - failed} checks passed, {failed} failed.")
    if not report.passed:
        raise typer.Exit(1)


class _Hint:
    """Name the quick way once, when the first kernel has to be compiled."""

    def __init__(self) -> None:
        self._said = False

    def __call__(self, announcement: Announcement) -> None:
        if announcement.state == "begins" and not self._said:
            self._said = True
            typer.echo(
                "mfn: the kernels of this version are not compiled yet; a full validation does that first, a minute or "
                "two. --quick needs none of them.",
                err=True,
            )


def _print_quick(*, as_json: bool) -> None:
    with cancel_on_signal() as cancel:
        checks = quick_checks(cancel)
    passed = all(check.passed for check in checks)
    if as_json:
        print_json({"passed": passed, "quick": True, "checks": [asdict(check) for check in checks]})
    else:
        _print_checks(checks)
        typer.echo(f"{sum(check.passed for check in checks)} of {len(checks)} quick checks passed.")
    if not passed:
        raise typer.Exit(1)


def _print_checks(checks: Sequence[Check]) -> None:
    rows = [(check.name, _short(check.expected), _short(check.got), _verdict(check)) for check in checks]
    print_table("Scientific self-check", ("check", "expected", "got", "verdict"), rows, numbers="expected got")


def _short(value: float | str) -> str:
    if isinstance(value, str):
        return value if len(value) <= 18 else f"{value[:14]}..."
    return f"{value:.7g}"


def _verdict(check: Check) -> str:
    return "passed" if check.passed else "FAILED"
