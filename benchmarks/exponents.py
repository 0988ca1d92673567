"""Measure Lyapunov exponents and errors for docs/lyapunov.md: ``python -m benchmarks.exponents [systems] [fields]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from mycelium_fractal_net import SimulationConfig
from mycelium_fractal_net.dynamics import (
    LyapunovEstimate,
    dimension_error,
    estimate_exponent,
    get_system,
    kaplan_yorke_dimension,
    list_systems,
    with_error,
)

PAGE = Path(__file__).resolve().parent.parent / "docs" / "lyapunov.md"
STEPS = 200_000
DISTURBANCE = 0.00013
SIDES, PRESETS, SEEDS = (32, 64, 128), ("spots", "labyrinth", "net"), (1, 2, 3)


def told(estimate: LyapunovEstimate) -> str:
    """Return exponents with their errors, and a star where they have not converged."""
    return str(estimate) if estimate.converged else f"{estimate} *"


def told_of_field(estimate: LyapunovEstimate) -> str:
    """Return an exponent with an error that is no less than what another first disturbance makes of it."""
    error = max(float(estimate.standard_errors[0]), DISTURBANCE)
    return with_error(float(estimate.exponents[0]), error) + ("" if estimate.converged else " *")


def systems() -> Iterator[list[str]]:
    """Yield a row for each reference system."""
    for name in list_systems():
        system = get_system(name)
        found = system.estimate(STEPS)
        gap = abs(float(found.exponents.sum()) - system.known[1])
        size = with_error(kaplan_yorke_dimension(found.exponents), dimension_error(found))
        yield [system.title, told(found), f"{system.known[0]:.5g}", f"{gap:.0e}", size]


def fields() -> Iterator[list[str]]:
    """Yield a row for each size and seed: the exponents of three presets."""
    for side in SIDES:
        for seed in SEEDS:
            configs = [SimulationConfig.preset(name, grid_size=side, seed=seed) for name in PRESETS]
            yield [f"{side} x {side}", str(seed), *(told_of_field(estimate_exponent(config)) for config in configs)]


def table(head: list[str], rows: Iterator[list[str]]) -> str:
    """Return a Markdown table; each row is shown on the error stream as it comes."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


TABLES = {
    "systems": lambda: table(
        ["system", "exponents", "largest in the literature", "sum, distance from exact", "Kaplan-Yorke dimension"],
        systems(),
    ),
    "fields": lambda: table(["cells", "seed", *PRESETS], fields()),
}


def main() -> None:
    """Write the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", default=list(TABLES), help="systems, fields; both by default")
    for name in parser.parse_args().tables:
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(begin)
        made = TABLES[name]()
        PAGE.write_text(f"{before}{begin}{made}\n{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
