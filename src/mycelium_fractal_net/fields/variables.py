"""The three fields of a simulation by name: where they stand, what they are called, what their scale is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mycelium_fractal_net._checks import as_choice

if TYPE_CHECKING:
    from mycelium_fractal_net.fields.config import SimulationConfig

__all__ = ["VARIABLES", "Variable", "physical_limits", "variable"]


class Variable(NamedTuple):
    """A field of a simulation.

    Attributes
    ----------
    name : str
        "v", "activator" or "inhibitor".
    attribute : str
        Of a frame or a result.
    label : str
        For the scale of a picture.
    unit : str
        "mV", or "1" for what has none.
    """

    name: str
    attribute: str
    label: str
    unit: str


VARIABLES = {
    each.name: each
    for each in (
        Variable("v", "field_mv", "membrane potential (mV)", "mV"),
        Variable("activator", "activator", "activator (dimensionless)", "1"),
        Variable("inhibitor", "inhibitor", "inhibitor (dimensionless)", "1"),
    )
}
"""The fields by name."""


def variable(name: str) -> Variable:
    """Return a field by its name.

    Raises
    ------
    InvalidInputError
        For an unknown name.

    Examples
    --------
    >>> variable("v").attribute, variable("activator").unit
    ('field_mv', '1')
    """
    return VARIABLES[as_choice("field", name, VARIABLES)]


def physical_limits(config: SimulationConfig, name: str) -> tuple[float, float]:
    """Return the ends of a field's scale: the clamp of the potential, what the kinetics says of activator or inhibitor.

    Examples
    --------
    >>> import mycelium_fractal_net as mfn
    >>> physical_limits(mfn.SimulationConfig(), "v")
    (-95.0, 40.0)
    """
    found = variable(name)
    if found.unit == "mV":
        return config.clamp_mv
    model = config.model
    scales = model.scales or (model.activator_range, model.activator_range)
    return scales[found.name == "inhibitor"]
