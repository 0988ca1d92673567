"""The finished dataset as one Parquet file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from mycelium_fractal_net._outputs import whole_file
from mycelium_fractal_net._version import BITS_SINCE, __version__
from mycelium_fractal_net.datasets._axes import COUNTERS, FIXED
from mycelium_fractal_net.datasets._rows import axis_kind, pattern_columns
from mycelium_fractal_net.datasets.scenario import Scenario
from mycelium_fractal_net.errors import MissingExtraError
from mycelium_fractal_net.features import feature_schema

__all__ = ["number_columns", "parquet_modules", "write_parquet"]

_ROWS_A_GROUP = 10_000
_IDENTITY = {"sim_id", "scenario_name", "random_seed", "replicate"}


def parquet_modules() -> tuple[Any, Any]:
    """Return pyarrow and pyarrow.parquet, or say what to install."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError.for_extra("datasets", "pyarrow") from None
    return pa, pq


def write_parquet(
    path: Path, scenario: Scenario, rows: Iterator[dict[str, Any]], kinetics: Mapping[str, Any], fields: bool
) -> None:
    """Write the rows in groups to a file beside ``path``, and put it in its place when it is whole."""
    pyarrow, parquet = parquet_modules()
    schema = _schema(pyarrow, scenario, kinetics, fields)
    with whole_file(path) as file, parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(islice(rows, _ROWS_A_GROUP)):
            writer.write_table(pyarrow.Table.from_pylist(group, schema=schema))


def number_columns(scenario: Scenario) -> list[str]:
    """Return the columns that hold numbers or flags, in the order of the table."""
    pyarrow, _ = parquet_modules()
    kinds = (pyarrow.float64(), pyarrow.int64(), pyarrow.bool_())
    return [each.name for each in _schema(pyarrow, scenario, {}, fields=False) if each.type in kinds]


def _schema(pyarrow: Any, scenario: Scenario, kinetics: Mapping[str, Any], fields: bool) -> Any:
    """Return the columns; the metadata of each says which role it has, so that targets and features are told apart."""
    types = {
        bool: pyarrow.bool_(),
        int: pyarrow.int64(),
        float: pyarrow.float64(),
        str: pyarrow.string(),
        object: pyarrow.string(),
        tuple: pyarrow.list_(pyarrow.field("item", pyarrow.float64(), nullable=False), 2),
    }
    swept = {axis.name: axis_kind(axis) for axis in scenario.axes}
    own = {"scenario_name": str, "alpha": float, "turing_enabled": bool}
    kinds: dict[str, type] = {name: own.get(name, int) for name in FIXED}
    kinds |= {"replicate": int} if scenario.replicates > 1 else {}
    kinds |= {name: kind for name, kind in swept.items() if name not in kinds}
    columns = []
    for name, kind in kinds.items():
        role = "target" if name in swept else "identity" if name in _IDENTITY else "constant"
        columns.append(pyarrow.field(name, types[kind], nullable=False, metadata={"role": role}))
    columns += [
        pyarrow.field(each.name, types[float], metadata={"unit": each.unit, "role": "feature"})
        for each in feature_schema(scenario.sets)
    ]
    columns += [pyarrow.field(name, types[int], metadata={"role": "count"}) for name in COUNTERS]
    columns += [
        pyarrow.field(name, types[kind], metadata={"role": "pattern"} | ({"unit": "cells"} if kind is float else {}))
        for name, kind in pattern_columns(scenario).items()
    ]
    columns += [pyarrow.field("field_file", types[str], metadata={"role": "field"})] if fields else []
    columns.append(pyarrow.field("error", types[str], metadata={"role": "error"}))
    return pyarrow.schema(columns, metadata=_metadata(scenario, kinetics, swept))


def _metadata(scenario: Scenario, kinetics: Mapping[str, Any], swept: Iterable[str]) -> dict[str, str]:
    schema = feature_schema(scenario.sets)
    return {
        "mfn.version": __version__,
        "mfn.bits_since": BITS_SINCE,
        "mfn.scenario": scenario.to_json(),
        "mfn.scenario_digest": scenario.digest(),
        "mfn.kinetics": json.dumps(kinetics, sort_keys=True),
        "mfn.feature_units": json.dumps({each.name: each.unit for each in schema}),
        "mfn.feature_definitions": json.dumps({each.name: each.definition for each in schema}),
        "mfn.features": json.dumps([each.name for each in schema]),
        "mfn.targets": json.dumps(list(swept)),
    }
