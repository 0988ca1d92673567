"""Two parameters over a grid: fields, features, and what linear stability predicts."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._inputs import load_arrays
from mycelium_fractal_net._outputs import whole_file
from mycelium_fractal_net.datasets._axes import field_type
from mycelium_fractal_net.datasets._parquet import number_columns
from mycelium_fractal_net.datasets.generate import generate_dataset
from mycelium_fractal_net.datasets.scenario import load_scenario
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.features.spectrum import find_wavelength
from mycelium_fractal_net.fields import MORPHOLOGY_NAMES, SimulationConfig, linear_stability
from mycelium_fractal_net.fields.variables import variable

__all__ = ["ScanAxis", "ScanResult", "parse_scan_axis", "scan"]

_MOST = 256
_FLAT = 0.05  # of the activator's range: a deviation below it is no pattern
_OF_A_ROW = ("sim_id", "grid_size", "steps", "random_seed")
_OF_THE_SHAPE = ("grid_size", "domain")
_PREDICTED = ("turing_unstable", "growth_rate", "predicted_wavelength", "settled_wavelength")


class ScanAxis(NamedTuple):
    """A parameter and its values."""

    name: str
    values: tuple[float, ...]


class ScanResult(NamedTuple):
    """What a scan found; rows are values of ``y``, columns values of ``x``.

    Attributes
    ----------
    x, y : ScanAxis
        The parameters.
    config : SimulationConfig
        What the other parameters are.
    columns : dict of ndarray, shape (y, x)
        Features and counters by name, NaN where the field diverged; ``turing_unstable``, ``growth_rate`` (per step),
        ``predicted_wavelength`` and ``settled_wavelength`` (cells), NaN where there is none.
    pictures : ndarray, shape (y, x, rows, columns)
        The field that was asked for.
    shown : str
        Which one that is.
    morphology : ndarray of str, shape (y, x)
        What the pattern looks like, one of ``MORPHOLOGY_NAMES``; empty where the field diverged.
    """

    x: ScanAxis
    y: ScanAxis
    config: SimulationConfig
    columns: dict[str, NDArray[np.float64]]
    pictures: NDArray[np.float64]
    shown: str
    morphology: NDArray[np.str_]


def parse_scan_axis(text: str) -> ScanAxis:
    """Read ``name=first:last:count``.

    Raises
    ------
    InvalidInputError
        For another form, and more than 256 values.

    Examples
    --------
    >>> parse_scan_axis("bias=-.1:.1:3")
    ScanAxis(name='bias', values=(-0.1, 0.0, 0.1))
    """
    name, _, span = text.partition("=")
    parts = span.split(":")
    try:
        first, last, count = float(parts[0]), float(parts[1]), int(parts[2])
    except (ValueError, IndexError):
        count = 0
    if not name or len(parts) != 3 or not 1 <= count <= _MOST or not (math.isfinite(first) and math.isfinite(last)):
        raise InvalidInputError(
            f"an axis of a scan must be NAME=FIRST:LAST:COUNT with 1 to {_MOST} values; got {text!r:.80}"
        )
    return ScanAxis(name, tuple(float(f"{value:.12g}") for value in np.linspace(first, last, count)))


def scan(
    x: ScanAxis,
    y: ScanAxis,
    directory: str | Path,
    base: Mapping[str, Any] | None = None,
    *,
    show: str = "activator",
    maps: Iterable[str] = (),
    sets: str | Iterable[str] | None = None,
    features: Mapping[str, Any] | None = None,
    **options: Any,
) -> ScanResult:
    """Simulate every pair of values of two parameters, and write the table and the fields.

    Parameters
    ----------
    x, y : ScanAxis
        Two parameters: rates of the kinetics, or numbers of the configuration.
    directory : str or Path
        Where ``scan.parquet``, the fields in ``scan.parquet.fields`` and ``scan.csv`` go.
    base : mapping, optional
        Fields of ``SimulationConfig`` that differ from their defaults.
    show : {"v", "activator", "inhibitor"}
        Which field the pictures hold.
    maps : iterable of str
        Columns that will be wanted; one that does not exist is refused before the first run.
    sets, features
        Feature sets of the table, and fields of ``FeatureConfig``.
    **options
        Of :func:`mycelium_fractal_net.generate_dataset`: engine, scheduler, threads, resume, progress, cancel.

    Returns
    -------
    ScanResult

    Raises
    ------
    ConfigurationError, MissingExtraError, CancelledError
        As :func:`mycelium_fractal_net.generate_dataset`.
    InvalidInputError
        For a wrong parameter, two axes of one name, a value given twice, and a column that does not exist.

    Notes
    -----
    Each run has a seed of its own, drawn from that of ``base``, as in a dataset.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = scan(
    ...         ScanAxis("bias", (-0.05, 0.04)), ScanAxis("beta", (1.1,)), folder, {"grid_size": 16, "steps": 20}
    ...     )
    >>> found.columns["turing_unstable"], found.pictures.shape
    (array([[1., 1.]]), (1, 2, 16, 16))
    """
    if x.name == y.name:
        raise InvalidInputError(f"a scan needs two parameters; got {x.name!r} twice")
    config, attribute = SimulationConfig(**(base or {})), variable(show).attribute
    path = Path(directory) / "scan.parquet"
    scenario = {
        "name": "scan",
        "method": "grid",
        "seed": config.seed,
        "morphology": True,
        "base": {name: value for name, value in (base or {}).items() if name != "seed"},
        "sweep": {axis.name: _swept(axis) for axis in (x, y)},
    }
    recipe = load_scenario(scenario).with_features(sets, features)
    x, y = (axis._replace(name=swept.name) for axis, swept in zip((x, y), recipe.axes, strict=True))
    names = [name for name in number_columns(recipe) if name not in {x.name, y.name, *_OF_A_ROW}]
    known = (*names, *_PREDICTED)
    for name in maps:
        if name not in known:
            raise InvalidInputError(f"a map must be of a column; {name!r} is not one of {', '.join(known)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    generate_dataset(recipe, path, fields=True, **options)
    columns, pictures, morphology = _gathered(path, x, y, config, attribute, names)
    columns |= _predictions(config, x, y)
    result = ScanResult(x, y, config, columns, pictures, show, morphology)
    _write_csv(path.with_suffix(".csv"), result)
    return result


def _swept(axis: ScanAxis) -> list[float]:
    """Return the values of an axis, whole where the configuration takes whole numbers."""
    name = axis.name.removeprefix("config.")
    if name in _OF_THE_SHAPE:
        raise InvalidInputError(
            f"the pictures of a scan have one size: {name} cannot be an axis; sweep it with a dataset"
        )
    if len(set(axis.values)) < len(axis.values):
        raise InvalidInputError(f"the axis {axis.name!r} of a scan has a value twice; give it other ends, or one value")
    whole = name in SimulationConfig.model_fields and field_type(name) is int
    return [int(value) if whole and float(value).is_integer() else value for value in axis.values]


def _gathered(
    path: Path, x: ScanAxis, y: ScanAxis, config: SimulationConfig, attribute: str, names: list[str]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64], NDArray[np.str_]]:
    """Read table and fields back, each row at its place in the map."""
    from pyarrow import parquet

    rows = parquet.read_table(path).to_pylist()
    shape = (len(y.values), len(x.values))
    columns = {name: np.full(shape, math.nan) for name in (*names, "settled_wavelength")}
    pictures = np.full((*shape, *config.shape), math.nan)
    morphology: NDArray[np.str_] = np.zeros(shape, f"U{max(map(len, MORPHOLOGY_NAMES))}")
    for row in rows:
        place = y.values.index(row[y.name]), x.values.index(row[x.name])
        for name in names:
            columns[name][place] = math.nan if row[name] is None else row[name]
        morphology[place] = row["morphology"] or ""
        if row["field_file"] is None:
            continue
        fields = load_arrays(path.parent / row["field_file"], (attribute, "activator"))
        pictures[place] = fields[attribute]
        columns["settled_wavelength"][place] = _settled(config, fields["activator"])
    return columns, pictures, morphology


def _settled(config: SimulationConfig, activator: NDArray[Any]) -> float:
    """Return the wavelength of a pattern; NaN for what is left of the noise where none has formed."""
    low, high = config.model.activator_range
    if float(np.std(activator, dtype=np.float64)) < _FLAT * (high - low):
        return math.nan
    return find_wavelength(activator, periodic=config.boundary == "periodic").wavelength


def _predictions(config: SimulationConfig, x: ScanAxis, y: ScanAxis) -> dict[str, NDArray[np.float64]]:
    shape = (len(y.values), len(x.values))
    found = {name: np.full(shape, math.nan) for name in _PREDICTED[:3]}
    for i, j in np.ndindex(shape):
        swept = {x.name.removeprefix("kinetics."): x.values[j], y.name.removeprefix("kinetics."): y.values[i]}
        rates = {name: value for name, value in swept.items() if name in config.model.parameters}
        method = config.method._replace(resolution=int(swept.get("resolution", config.resolution)))
        values = method.on_lattice(config.model.complete({**config.kinetics_parameters, **rates}))
        try:
            report = linear_stability(config.model, **values)
        except InvalidInputError:  # no steady state there
            continue
        numbers = (report.turing_unstable, report.max_lattice_growth_rate, report.wavelength_lattice_cells)
        for name, number in zip(found, numbers, strict=True):
            found[name][i, j] = number
    return found


def _write_csv(path: Path, found: ScanResult) -> None:
    names = [*_PREDICTED, *(name for name in found.columns if name not in _PREDICTED)]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([found.x.name, found.y.name, "morphology", *names])
    for i, j in np.ndindex(len(found.y.values), len(found.x.values)):
        numbers = [found.columns[name][i, j] for name in names]
        cells = ["" if math.isnan(value) else f"{value:.9g}" for value in numbers]
        writer.writerow([found.x.values[j], found.y.values[i], found.morphology[i, j], *cells])
    with whole_file(path) as file:
        file.write(text.getvalue().encode())
