"""The finished dataset as one Parquet file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from mycelium_fractal_net._version import __version__
from mycelium_fractal_net.datasets._rows import COUNTERS, FIXED
from mycelium_fractal_net.datasets.scenario import Axis, Scenario
from mycelium_fractal_net.errors import MissingExtraError
from mycelium_fractal_net.features import feature_schema

__all__ = ["parquet_modules", "write_parquet"]

_ROWS_A_GROUP = 10_000


def parquet_modules() -> tuple[Any, Any]:
    """Return pyarrow and pyarrow.parquet, or say what to install."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError.for_extra("datasets", "pyarrow") from None
    return pa, pq


def write_parquet(path: Path, scenario: Scenario, rows: Iterator[dict[str, Any]]) -> None:
    """Write the rows in groups to a file beside ``path``, and put it in its place when it is whole."""
    pyarrow, parquet = parquet_modules()
    schema = _schema(pyarrow, scenario)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        try:
            with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
                while group := list(islice(rows, _ROWS_A_GROUP)):
                    writer.write_table(pyarrow.Table.from_pylist(group, schema=schema))
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _schema(pyarrow: Any, scenario: Scenario) -> Any:
    whole, real, text, truth = pyarrow.int64(), pyarrow.float64(), pyarrow.string(), pyarrow.bool_()
    kinds = dict.fromkeys(FIXED, whole) | {"scenario_name": text, "alpha": real, "turing_enabled": truth}
    for axis in scenario.axes:
        kinds.setdefault(axis.name, {"bool": truth, "int": whole, "str": text}.get(_kind(axis), real))
    fields = [pyarrow.field(name, kind, nullable=False) for name, kind in kinds.items()]
    schema = feature_schema(scenario.sets)
    fields += [pyarrow.field(each.name, real, metadata={"unit": each.unit}) for each in schema]
    fields += [pyarrow.field(name, whole) for name in COUNTERS]
    fields.append(pyarrow.field("error", text))
    metadata = {
        "mfn.version": __version__,
        "mfn.scenario": scenario.to_json(),
        "mfn.scenario_digest": scenario.digest(),
        "mfn.feature_units": json.dumps({each.name: each.unit for each in schema}),
        "mfn.feature_definitions": json.dumps({each.name: each.definition for each in schema}),
    }
    return pyarrow.schema(fields, metadata=metadata)


def _kind(axis: Axis) -> str:
    """Return the name of the Python type that the values of an axis share; float where they do not."""
    values: Sequence[Any] = axis.values if axis.values is not None else [1 if axis.integer else 1.0]
    kinds = {type(value).__name__ for value in values}
    return kinds.pop() if len(kinds) == 1 else "float"
