"""Robust federated aggregation: rules, pre-aggregations, trees and attacks.

>>> from mycelium_fractal_net.federated import Krum
>>> Krum(f=1)([[1.0], [1.1], [0.9], [1.0], [1e30]])
array([1.])

`RobustFedAvg`, the strategy for Flower, needs the extra ``federated``.
"""

from mycelium_fractal_net._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
