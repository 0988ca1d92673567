"""Datasets: scenarios and sweeps, simulated on threads or Dask, written to Parquet."""

from mycelium_fractal_net.datasets.columns import read_columns
from mycelium_fractal_net.datasets.generate import DatasetSummary, generate_dataset
from mycelium_fractal_net.datasets.scan import ScanAxis, ScanResult, parse_scan_axis, scan
from mycelium_fractal_net.datasets.scenario import SCENARIOS, Axis, Scenario, load_scenario

__all__ = [
    "SCENARIOS",
    "Axis",
    "DatasetSummary",
    "ScanAxis",
    "ScanResult",
    "Scenario",
    "generate_dataset",
    "load_scenario",
    "parse_scan_axis",
    "read_columns",
    "scan",
]
