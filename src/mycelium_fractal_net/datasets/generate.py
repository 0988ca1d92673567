"""From a scenario to a Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mycelium_fractal_net._checks import as_choice, as_whole
from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.datasets._engines import run_dask, run_local
from mycelium_fractal_net.datasets._journal import Journal
from mycelium_fractal_net.datasets._parquet import parquet_modules, write_parquet
from mycelium_fractal_net.datasets._rows import compute_numbers, row_of
from mycelium_fractal_net.datasets.sampling import rows_of
from mycelium_fractal_net.datasets.scenario import Scenario, load_scenario
from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.features import FeatureConfig
from mycelium_fractal_net.fields import SimulationConfig

__all__ = ["DatasetSummary", "generate_dataset"]

ENGINES = ("local", "dask")


@dataclass(frozen=True)
class DatasetSummary:
    """What was written.

    Attributes
    ----------
    path : Path
        The Parquet file.
    rows : int
        Rows in it.
    computed : int
        Rows that this call simulated; the others were there from an interrupted run.
    failed : int
        Rows without features because their field diverged; their column ``error`` says why.
    """

    path: Path
    rows: int
    computed: int
    failed: int


def generate_dataset(
    scenario: str | Path | Scenario | Mapping[str, Any],
    path: str | Path,
    *,
    samples: int | None = None,
    engine: str = "local",
    scheduler: str | None = None,
    threads: int | None = None,
    resume: bool = False,
    progress: Callable[[int, int], object] | None = None,
    sets: str | Iterable[str] | None = None,
    features: Mapping[str, Any] | None = None,
) -> DatasetSummary:
    """Simulate every row of a scenario and write identity, parameters, features and counters to Parquet.

    Parameters
    ----------
    scenario : str, Path, Scenario or mapping
        ``small``, ``medium``, ``large``, ``benchmark``, a YAML or JSON file, or what it would hold.
    path : str or Path
        The Parquet file to write.
    samples : int, optional
        Rows in place of the scenario's own number; not for a grid.
    engine : {"local", "dask"}
        Threads of this process, or the workers of a Dask cluster.
    scheduler : str, optional
        Address of the Dask scheduler; by default a cluster of local processes.
    threads : int, optional
        Threads, or processes of a local Dask cluster; all cores by default.
    resume : bool
        Go on with an interrupted run, or leave a finished file as it is.
    progress : callable, optional
        ``progress(rows done, rows)`` after each row.
    sets : iterable of str, optional
        Feature sets of a row, in place of the scenario's; see :func:`mycelium_fractal_net.extract_features`.
    features : mapping, optional
        Fields of ``FeatureConfig``, such as thresholds, in place of the scenario's.

    Returns
    -------
    DatasetSummary

    Raises
    ------
    ConfigurationError
        For a wrong scenario (file, line and key), a file that is there already, an unknown engine.
    MissingExtraError
        Without the extra ``datasets``.

    Notes
    -----
    Every row is kept in a journal, ``path`` + ``.journal``, as it is done: a run that is killed at any moment loses
    at most the rows that were being computed. The Parquet file appears whole, in the order of ``sim_id``. The same
    scenario gives the same rows to the bit, whatever the engine, the workers and the interruptions.

    Examples
    --------
    >>> import tempfile, mycelium_fractal_net as mfn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = mfn.generate_dataset("benchmark", f"{folder}/data.parquet", samples=2)
    >>> summary.rows, summary.failed
    (2, 0)
    """
    parquet_modules()
    recipe = load_scenario(scenario).with_samples(samples).with_features(sets, features)
    _check_engine(engine, scheduler, threads)
    target = Path(path)
    if not target.parent.is_dir():
        raise ConfigurationError(f"there is no directory {target.parent} for {target.name}; make it first")
    if target.exists():
        return _finished(target, recipe, resume)
    configs = rows_of(recipe)
    place = target.with_name(target.name + ".journal")
    if place.exists() and not resume:
        raise ConfigurationError(
            f"{place} holds rows of an interrupted run; go on with resume (--resume), or delete it"
        )
    header = {"scenario_digest": recipe.digest(), "version": __version__, "rows": len(configs)}
    journal = Journal(place, header)
    try:
        computed = _fill(journal, configs, recipe, engine, scheduler, threads, progress)
    finally:
        journal.close()
    rows = (row_of(recipe, sim_id, config, journal.rows[sim_id]) for sim_id, config in enumerate(configs))
    write_parquet(target, recipe, rows)
    place.unlink()
    failed = sum(numbers["error"] is not None for numbers in journal.rows.values())
    return DatasetSummary(target, len(configs), computed, failed)


def _fill(
    journal: Journal,
    configs: list[SimulationConfig],
    recipe: Scenario,
    engine: str,
    scheduler: str | None,
    threads: int | None,
    progress: Callable[[int, int], object] | None,
) -> int:
    """Compute the rows that the journal lacks, and return how many those were."""
    tasks = {i: config.model_dump_json() for i, config in enumerate(configs) if i not in journal.rows}
    if progress is not None:
        progress(len(configs) - len(tasks), len(configs))
    compute = partial(compute_numbers, sets=recipe.sets, feature_config=FeatureConfig(**recipe.features))
    local = engine == "local"
    done = run_local(tasks, threads, compute) if local else run_dask(tasks, scheduler, threads, compute)
    for sim_id, numbers in done if tasks else ():
        journal.add(sim_id, numbers)
        if progress is not None:
            progress(len(journal.rows), len(configs))
    return len(tasks)


def _check_engine(engine: str, scheduler: str | None, threads: int | None) -> None:
    as_choice("engine", engine, ENGINES, ConfigurationError)
    if scheduler is not None and engine != "dask":
        raise ConfigurationError(f"a scheduler ({scheduler}) needs engine='dask' (--engine dask)")
    if threads is not None:
        as_whole("threads", threads, 1, error=ConfigurationError)


def _finished(path: Path, recipe: Scenario, resume: bool) -> DatasetSummary:
    """Return the summary of a file that is whole already, or refuse to touch it."""
    if not resume:
        raise ConfigurationError(f"{path} is there already; choose another name, or delete it")
    _, parquet = parquet_modules()
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} is no Parquet file: {error}") from None
    with file:
        metadata = file.schema_arrow.metadata or {}
        if metadata.get(b"mfn.scenario_digest", b"").decode() != recipe.digest():
            raise ConfigurationError(f"{path} holds another scenario; choose another name, or delete it")
        rows = file.metadata.num_rows
        failed = rows - file.read(columns=["error"]).column("error").null_count
    return DatasetSummary(path, rows, 0, failed)
