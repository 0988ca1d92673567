"""Generate a dataset: run the rows of a scenario, survive interruptions, write Parquet."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mycelium_fractal_net._checks import as_choice, as_flag, as_whole, one_line
from mycelium_fractal_net._outputs import whole_file
from mycelium_fractal_net._version import BITS_SINCE, __version__
from mycelium_fractal_net.datasets._engines import run_dask, run_local
from mycelium_fractal_net.datasets._journal import Journal
from mycelium_fractal_net.datasets._parquet import parquet_modules, write_parquet
from mycelium_fractal_net.datasets._rows import compute_numbers, row_of
from mycelium_fractal_net.datasets.sampling import Rows, rows_of
from mycelium_fractal_net.datasets.scenario import Scenario, load_scenario
from mycelium_fractal_net.errors import CancelledError, ConfigurationError
from mycelium_fractal_net.features import FeatureConfig
from mycelium_fractal_net.fields import get_kinetics

__all__ = ["DatasetSummary", "generate_dataset"]

ENGINES = ("local", "dask")
_TOLD = ("version", "bits_since", "scenario_digest", "kinetics")


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
    fields: bool = False,
    progress: Callable[[int, int], object] | None = None,
    cancel: threading.Event | None = None,
    sets: str | Iterable[str] | None = None,
    features: Mapping[str, Any] | None = None,
    wavelengths: bool | None = None,
    morphology: bool | None = None,
) -> DatasetSummary:
    """Simulate every row of a scenario and write identity, parameters, features and counters to Parquet.

    Parameters
    ----------
    scenario : str, Path, Scenario or mapping
        ``small``, ``medium``, ``large``, ``benchmark``, a YAML or JSON file, or what it would hold.
    path : str or Path
        The Parquet file to write; its name ends in ``.parquet``, ``.pq`` or nothing.
    samples : int, optional
        Points in place of the scenario's own number; not for a grid.
    engine : {"local", "dask"}
        Threads of this process, or the workers of a Dask cluster.
    scheduler : str, optional
        Address of the Dask scheduler; by default a cluster of local processes.
    threads : int, optional
        Threads, or processes of a local Dask cluster; all cores by default.
    resume : bool
        Go on with an interrupted run, or leave a finished file as it is.
    fields : bool
        Write the last potential, activator and inhibitor of each row to a file in the directory ``path`` +
        ``.fields``, which the column ``field_file`` names.
    progress : callable, optional
        ``progress(rows done, rows)`` after each row.
    cancel : threading.Event, optional
        Ends the run soon after it is set; what is done stays in the journal.
    sets : iterable of str, optional
        Feature sets of a row, in place of the scenario's; see :func:`mycelium_fractal_net.extract_features`.
    features : mapping, optional
        Fields of ``FeatureConfig``, such as thresholds, in place of the scenario's.
    wavelengths : bool, optional
        Add the wavelength as predicted, as it grew first and as it settled, each with step and verdict; see
        :func:`mycelium_fractal_net.fields.measure_wavelengths`. The scenario says it by default.
    morphology : bool, optional
        Add what the pattern looks like; see :func:`mycelium_fractal_net.fields.classify_morphology`.

    Returns
    -------
    DatasetSummary

    Raises
    ------
    ConfigurationError
        For a wrong scenario (file, line and key), a file that already exists or is being written, an unknown
        engine; and to resume with another kinetics, or a version whose bits may differ.
    MissingExtraError
        Without the extra ``datasets``.
    CancelledError
        When ``cancel`` was set; carries ``rows`` and ``done``.

    Notes
    -----
    Every row is kept in a journal, ``path`` + ``.journal``, as it is done: a run that is killed at any moment loses
    at most the rows that were being computed. The Parquet file appears whole, in the order of ``sim_id``. The same
    scenario gives the same rows to the bit, whatever the engine, the workers and the interruptions. Each column's
    metadata says its ``role``: identity, constant, target (what is swept), feature, count, pattern, field or error.

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
    recipe = recipe.with_patterns(wavelengths, morphology)
    _check_engine(engine, scheduler, threads)
    target = _checked_target(Path(path))
    kinetics = _kinetics_of(recipe)
    if target.exists():
        return _finished(target, recipe, kinetics, resume)
    configs = rows_of(recipe)
    header = {
        "scenario_digest": recipe.digest(),
        "version": __version__,
        "bits_since": BITS_SINCE,
        "kinetics": kinetics,
        "rows": len(configs),
        "fields": as_flag("fields", fields, ConfigurationError),
    }
    journal = Journal(target.with_name(target.name + ".journal"), header, partial(_difference, header), resume=resume)
    try:
        if target.exists():  # another process has finished it meanwhile
            return _finished(target, recipe, kinetics, resume)
        run = _Run(recipe, configs, journal, target.with_name(target.name + ".fields") if fields else None, cancel)
        computed = run.fill(engine, scheduler, threads, progress)
        rows = (row_of(recipe, sim_id, config, journal.rows[sim_id]) for sim_id, config in enumerate(configs))
        write_parquet(target, recipe, rows, kinetics, fields)
        journal.remove()
    finally:
        journal.close()
    failed = sum(numbers["error"] is not None for numbers in journal.rows.values())
    return DatasetSummary(target, len(configs), computed, failed)


@dataclass(frozen=True)
class _Run:
    """Rows that are computed into a journal, and their fields into a directory."""

    recipe: Scenario
    configs: Rows
    journal: Journal
    directory: Path | None
    cancel: threading.Event | None

    def fill(
        self,
        engine: str,
        scheduler: str | None,
        threads: int | None,
        progress: Callable[[int, int], object] | None,
    ) -> int:
        """Compute the rows that the journal lacks, and return how many those were."""
        before, total = len(self.journal.rows), len(self.configs)
        if progress is not None:
            progress(before, total)
        if before == total:
            return 0
        tasks = ((i, config) for i, config in enumerate(self.configs) if i not in self.journal.rows)
        work = partial(
            compute_numbers,
            sets=self.recipe.sets,
            feature_config=FeatureConfig(**self.recipe.features),
            fields=self.directory is not None,
            wavelengths=self.recipe.wavelengths,
            morphology=self.recipe.morphology,
        )
        if engine == "local":
            done = run_local(tasks, partial(work, cancel=self.cancel), threads)
        else:
            done = run_dask(tasks, work, scheduler, threads)
        with closing(done):
            try:
                for sim_id, numbers in done:
                    self._keep(sim_id, numbers)
                    if progress is not None:
                        progress(len(self.journal.rows), total)
                    self._stop_if_cancelled()
            except CancelledError:  # seen here, or within a row
                kept = len(self.journal.rows)
                raise CancelledError(f"cancelled after {kept} of {total} rows", done=kept, rows=total) from None
        return total - before

    def _keep(self, sim_id: int, numbers: dict[str, Any]) -> None:
        fields = numbers.pop("fields", None)
        if fields is not None and self.directory is not None:
            self.directory.mkdir(exist_ok=True)
            numbers["field_file"] = f"{self.directory.name}/{sim_id:07d}.npz"
            with whole_file(self.directory.parent / numbers["field_file"]) as file:
                np.savez(file, **fields)
        self.journal.add(sim_id, numbers)

    def _stop_if_cancelled(self) -> None:
        if self.cancel is not None and self.cancel.is_set() and len(self.journal.rows) < len(self.configs):
            raise CancelledError("cancelled between two rows")


def _checked_target(path: Path) -> Path:
    if path.suffix.lower() not in ("", ".parquet", ".pq"):
        raise ConfigurationError(
            f"a data set is written as Parquet, so its name must end in .parquet; got {path.name!r} "
            "(pandas.read_parquet(...).to_csv(...) converts it to CSV)"
        )
    if not path.parent.is_dir():
        raise ConfigurationError(f"there is no directory {path.parent} for {path.name}; create it first")
    return path


def _kinetics_of(recipe: Scenario) -> dict[str, Any]:
    """Return the description of every kinetics that occurs in the rows."""
    swept = [axis.values for axis in recipe.axes if axis.name == "kinetics" and axis.values is not None]
    names = swept[0] if swept else (recipe.base.get("kinetics", "mycelium"),)
    return {name: get_kinetics(name).describe() for name in sorted(set(names))}


def _difference(header: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Say in what a journal's header, or a table's, differs from the present run."""
    if found.get("bits_since") != header["bits_since"]:
        return f"was started by version {found.get('version')}, whose bits may differ from those of {__version__}"
    theirs = found.get("kinetics")
    for name, description in (theirs if isinstance(theirs, dict) else {}).items():
        if name in header["kinetics"] and description != header["kinetics"][name]:
            return f"was started with a different kinetics {name!r} ({get_kinetics(name).differences(description)})"
    if found.get("scenario_digest") == header["scenario_digest"] and found.get("fields") != header["fields"]:
        return "was started with other options for fields"
    return "holds rows of another scenario, seed or version"


def _check_engine(engine: str, scheduler: str | None, threads: int | None) -> None:
    as_choice("engine", engine, ENGINES, ConfigurationError)
    if scheduler is not None and engine != "dask":
        raise ConfigurationError(f"a scheduler ({scheduler}) needs engine='dask' (--engine dask)")
    if threads is not None:
        as_whole("threads", threads, 1, error=ConfigurationError)


def _finished(path: Path, recipe: Scenario, kinetics: dict[str, Any], resume: bool) -> DatasetSummary:
    """Return the summary of a file that is whole already, or refuse to touch it."""
    if not resume:
        raise ConfigurationError(f"{path} already exists; choose another name, or delete it")
    _, parquet = parquet_modules()
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} is not a Parquet file: {one_line(error)}") from None
    with file:
        metadata = file.schema_arrow.metadata or {}
        found = {name: metadata.get(f"mfn.{name}".encode(), b"").decode() for name in _TOLD}
        if found["scenario_digest"] != recipe.digest():
            raise ConfigurationError(f"{path} holds another scenario; choose another name, or delete it")
        header = {"scenario_digest": recipe.digest(), "bits_since": BITS_SINCE, "kinetics": kinetics, "fields": None}
        told = {**found, "kinetics": json.loads(found["kinetics"] or "{}"), "fields": None}
        if told != {**header, "version": found["version"]}:
            raise ConfigurationError(f"{path} {_difference(header, told)}; choose another name, or delete it")
        rows = file.metadata.num_rows
        failed = rows - file.read(columns=["error"]).column("error").null_count
    return DatasetSummary(path, rows, 0, failed)
