"""What can be asked of the service, one file each; :data:`OPERATIONS` is the table that every door reads."""

from collections.abc import Mapping

from mycelium_fractal_net.service.operations.clip import CLIP
from mycelium_fractal_net.service.operations.features import FEATURES
from mycelium_fractal_net.service.operations.federated import AGGREGATE
from mycelium_fractal_net.service.operations.health import HEALTH, LIVE, METRICS, READY
from mycelium_fractal_net.service.operations.nernst import NERNST
from mycelium_fractal_net.service.operations.operation import Answer, Context, Cost, Operation, perform
from mycelium_fractal_net.service.operations.simulate import SIMULATE
from mycelium_fractal_net.service.operations.stability import STABILITY
from mycelium_fractal_net.service.operations.tickets import TICKETS
from mycelium_fractal_net.service.operations.validate import VALIDATE

__all__ = ["OPERATIONS", "Answer", "Context", "Cost", "Operation", "perform"]

_ALL = (
    *(HEALTH, LIVE, READY, METRICS),
    *(SIMULATE, FEATURES, VALIDATE, STABILITY, CLIP, TICKETS),
    *(NERNST, AGGREGATE),
)

OPERATIONS: Mapping[str, Operation] = {operation.name: operation for operation in _ALL}
"""Every operation by name."""
