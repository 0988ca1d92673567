"""Datasets: scenarios and sweeps, simulated on threads or Dask, written to Parquet."""

from mycelium_fractal_net.datasets.columns import read_columns
from mycelium_fractal_net.datasets.generate import DatasetSummary, generate_dataset
from mycelium_fractal_net.datasets.scenario import SCENARIOS, Axis, Scenario, load_scenario

__all__ = ["SCENARIOS", "Axis", "DatasetSummary", "Scenario", "generate_dataset", "load_scenario", "read_columns"]
