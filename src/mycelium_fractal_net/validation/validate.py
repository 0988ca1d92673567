"""The self-check behind ``mfn validate`` and ``POST /validate``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from mycelium_fractal_net._checks import as_whole
from mycelium_fractal_net.biophysics import nernst_potential_mv
from mycelium_fractal_net.dynamics import estimate_exponent
from mycelium_fractal_net.errors import CancelledError
from mycelium_fractal_net.fields import SimulationConfig, simulate
from mycelium_fractal_net.validation._examples import (
    aggregation_checks,
    history_checks,
    measure_checks,
    plasticity_checks,
)
from mycelium_fractal_net.validation._fields import field_checks
from mycelium_fractal_net.validation._kinetics import kinetics_checks
from mycelium_fractal_net.validation._learning import Learnability, learnability
from mycelium_fractal_net.validation._membrane import exact_nernst_mv, membrane_checks
from mycelium_fractal_net.validation._numbers import number_checks
from mycelium_fractal_net.validation._patterns import pattern_checks
from mycelium_fractal_net.validation.report import Check, ValidationReport

__all__ = ["validate"]

_GROUPS = {
    "membrane": membrane_checks,
    "plasticity": plasticity_checks,
    "fields": field_checks,
    "kinetics": kinetics_checks,
    "numbers": number_checks,
    "histories": history_checks,
    "measures": measure_checks,
    "patterns": pattern_checks,
    "aggregation": aggregation_checks,
}


def validate(
    seed: int = 42,
    epochs: int = 1,
    batch_size: int = 4,
    grid_size: int = 64,
    steps: int = 64,
    turing_enabled: bool = True,
    quantum_jitter: bool = False,
    *,
    threads: int | None = None,
    cancel: threading.Event | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> ValidationReport:
    """Check the science of this installation, and that something can be learnt from its features.

    Parameters
    ----------
    seed, grid_size, steps, turing_enabled, quantum_jitter
        Of the example and of the 240 fields of the learnability check, see :class:`SimulationConfig`.
    epochs : int
        Passes of the network over its 192 training fields, [1, 100].
    batch_size : int
        Fields a step of the optimiser, [1, 192].
    threads : int, optional
        Fields simulated at a time; all cores by default.
    cancel : threading.Event, optional
        Stops the work soon after it is set.
    progress : callable, optional
        ``progress(fields done, fields)`` while the ensemble is simulated.

    Returns
    -------
    ValidationReport
        ``report.passed`` says whether every check passed.

    Raises
    ------
    InvalidInputError
        For a parameter out of range.
    MissingExtraError
        Without scikit-learn (extra ``learn``).
    CancelledError
        When ``cancel`` was set.

    Notes
    -----
    ``lyapunov_exponent`` is that of :func:`lyapunov_exponent` for the example, with its defaults.

    The scientific checks do not depend on the parameters. They compare with published values, closed forms and an
    independent NumPy model, never with earlier output, but for the digest of the default simulation.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> report = mfn.validate(grid_size=16, steps=16)
    >>> report.passed, report.loss_drop > 0
    (True, True)
    """
    as_whole("epochs", epochs, 1, 100)
    as_whole("batch_size", batch_size, 1, 192)
    config = SimulationConfig(
        seed=seed, grid_size=grid_size, steps=steps, turing_enabled=turing_enabled, quantum_jitter=quantum_jitter
    )
    learnt = learnability(config, epochs, batch_size, threads=threads, cancel=cancel, progress=progress)
    checks = tuple(_run(cancel))
    example = simulate(config, threads=threads, cancel=cancel)
    exponent = estimate_exponent(config, cancel=cancel)
    return ValidationReport(
        checks=(*checks, *_learnability_checks(learnt)),
        loss_start=learnt.loss_start,
        loss_final=learnt.loss_final,
        loss_drop=learnt.loss_start - learnt.loss_final,
        r2_held_out=learnt.r2_held_out,
        target=learnt.target,
        pot_min_mv=float(example.field_mv.min()),
        pot_max_mv=float(example.field_mv.max()),
        example_fractal_dim=example.features.D_box,
        lyapunov_exponent=float(exponent.exponents[0]),
        lyapunov_standard_error=float(exponent.standard_errors[0]),
        lyapunov_converged=exponent.converged,
        growth_events=example.growth_events,
        nernst_symbolic_mv=float(exact_nernst_mv(1, "0.005", "0.14", "310.15")),
        nernst_numeric_mv=float(nernst_potential_mv(1, 0.005, 0.14)),
    )


def _run(cancel: threading.Event | None) -> Iterator[Check]:
    """Yield every scientific check; one that raises counts as failed."""
    for group, checks in _GROUPS.items():
        try:
            for check in checks(cancel):
                _stop_if(cancel)
                yield check
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 # whatever a broken installation raises is the finding
            yield Check.broken(f"checks of {group}", error)


def _stop_if(cancel: threading.Event | None) -> None:
    if cancel is not None and cancel.is_set():
        raise CancelledError("cancelled during the scientific checks")


def _learnability_checks(learnt: Learnability) -> Iterator[Check]:
    drop = learnt.loss_start - learnt.loss_final
    reference = "a network that learns must have less error than before"
    yield Check("the loss falls", "above 0", drop, 0.0, drop > 0, reference)
