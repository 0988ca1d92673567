"""What a user's type checker sees of the public API; checked by mypy and pyright, and never run."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import mycelium_fractal_net as mfn
from mycelium_fractal_net.features import FieldFeatureExtractor, cluster_sizes
from mycelium_fractal_net.federated import Aggregation, Krum, RobustFedAvg

assert_type(mfn.__version__, str)

config = mfn.SimulationConfig(grid_size=32, steps=8)
assert_type(config, mfn.SimulationConfig)
assert_type(mfn.SimulationConfig.preset("spots"), mfn.SimulationConfig)
assert_type(config.model_copy(update={"steps": 9}), mfn.SimulationConfig)
assert_type(config.digest(), str)
wound = mfn.Stimulus(step=2, row=8, column=8, radius=3, variable="activator", value=0.0)
steered = mfn.SimulationConfig(schedule=(mfn.Change(3, "bias", 0.1),), stimuli=(wound,), clamp_mv=(-90.0, 30.0))
assert_type(steered.schedule, tuple[mfn.Change, ...])
assert_type(mfn.SimulationConfig(start="array", start_digest="0" * 64).start_digest, str | None)

result = mfn.simulate(config)
assert_type(result, mfn.SimulationResult)
assert_type(result.field_mv, NDArray[np.floating[Any]])
assert_type(result.features, mfn.FeatureVector)
assert_type(result.digest, str)
assert_type(mfn.Simulation(config).step, int)

vector = mfn.extract_features(result)
assert_type(vector, mfn.FeatureVector)
assert_type(vector.D_box, float)
assert_type(mfn.FEATURE_NAMES, tuple[str, ...])
assert_type(mfn.features.FeatureConfig(), mfn.FeatureConfig)
assert_type(cluster_sizes(result.field_mv, -60.0), NDArray[np.int64])
assert_type(FieldFeatureExtractor(), mfn.FieldFeatureExtractor)

assert_type(mfn.nernst_potential_mv(1, 5e-3, 0.14), float)
assert_type(mfn.list_kinetics(), list[str])
assert_type(mfn.get_kinetics("mycelium").parameters["beta"], float)
assert_type(mfn.linear_stability("mycelium").turing_unstable, bool)
assert_type(mfn.box_counting_dimension(np.ones((8, 8), bool)).dimension, float)
assert_type(mfn.generate_ifs("carpet"), mfn.IFS)
assert_type(mfn.fractals.list_ifs(), list[str])

assert_type(mfn.federated.Krum(f=1), Krum)
assert_type(Krum(f=0).aggregate([[1.0], [2.0], [4.0]]), Aggregation)
assert_type(RobustFedAvg(rule=Krum(f=1)), RobustFedAvg)
assert_type(mfn.validation.ValidationReport, type[mfn.validation.ValidationReport])
assert_type(mfn.service.Settings, type[mfn.service.Settings])
assert_type(mfn.service.Settings(port=0).port, int)
assert_type(mfn.DivergedError("it left the finite numbers", step=3).step, int)

mfn.visualization.field_figure(result.field_mv)
mfn.simulat(1)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] # no such name
mfn.simulate(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # no configuration
mfn.features.extract_feature  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] # noqa: B018
