"""`mfn aggregate`: run a robust rule on the updates in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from mycelium_fractal_net._checks import one_line
from mycelium_fractal_net._inputs import array_names, check_npy, load_arrays
from mycelium_fractal_net._outputs import whole_file
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.federated import Aggregation
from mycelium_fractal_net.federated.rules import DEFAULT_RULE, RULES, make_rule

__all__ = ["aggregate"]


def aggregate(
    file: Annotated[Path, typer.Argument(help="Updates, one row per client: .npy, or .npz (see --key).")],
    rule: Annotated[str, typer.Option(help="One of: " + ", ".join(RULES) + ".")] = DEFAULT_RULE,
    byzantine_fraction: Annotated[float, typer.Option(help="Share of hostile clients to tolerate.")] = 0.2,
    num_clusters: Annotated[
        int | None,
        typer.Option(min=1, help="hierarchical_krum: clusters, at least 3; 1 means Krum over all. [default: up to 10]"),
    ] = None,
    radius: Annotated[
        float, typer.Option(help="centered_clipping: differences longer than this radius are clipped to it.")
    ] = 1.0,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Seed of the assignment to clusters or leaves. [default: random, and printed]"),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Name of the array in an .npz file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the aggregate to this .npy file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Aggregate clients' updates with a rule that resists hostile ones."""
    updates = _read(file, key)
    made = make_rule(
        rule,
        max(1, len(updates)) if updates.ndim else 1,
        byzantine_fraction=byzantine_fraction,
        num_clusters=num_clusters,
        radius=radius,
        seed=seed,
    )
    result = made.aggregate(updates)
    if out is not None:
        _write(out, result.vector)
    typer.echo(json.dumps(result.to_dict(), allow_nan=False) if as_json else _describe(result))


def _read(file: Path, key: str | None) -> NDArray[Any]:
    """Load an array without ever unpickling anything."""
    names = array_names(file)
    if names != ("",):
        wanted = _only_key(file, names, key)
        return load_arrays(file, (wanted,))[wanted]
    check_npy(file)
    try:
        mapped: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)  # updates may be larger than memory
    except Exception as error:
        raise InvalidInputError(f"{file} cannot be read as .npy of plain numbers: {one_line(error)}") from error
    return mapped


def _only_key(file: Path, names: tuple[str, ...], key: str | None) -> str:
    if key is None and len(names) == 1:
        return names[0]
    if key is None or key not in names:
        held = one_line(", ".join(names)) or "nothing"
        raise InvalidInputError(f"{file} holds {held}; choose one with --key", key=key)
    return key


def _write(out: Path, vector: NDArray[Any]) -> None:
    try:
        with whole_file(out) as stream:
            np.save(stream, vector)
    except OSError as error:
        raise InvalidInputError(f"cannot write {out}: {error.strerror or error}", file=str(out)) from error


def _describe(result: Aggregation) -> str:
    """Write a few lines for people."""
    head = np.array2string(result.vector, threshold=12, edgeitems=4)
    lines = [
        f"{result.rule}",
        f"n = {result.n}, f = {result.f}",
        f"answer ({result.vector.size} values): {head}",
    ]
    if result.selected:
        lines.append(f"selected: {', '.join(map(str, result.selected[:20]))}")
    lines += [f"rejected update {index}: {reason}" for index, reason in list(result.rejected.items())[:20]]
    if result.assumption:
        lines.append(f"holds if {result.assumption}; leaf failure probability {result.failure_probability:.3g}")
    return "\n".join(lines)
