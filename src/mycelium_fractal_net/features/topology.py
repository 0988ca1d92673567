"""Cubical homology of a field: how evenly its patches and holes share their persistence. Needs GUDHI."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mycelium_fractal_net._checks import as_flag
from mycelium_fractal_net.errors import MissingExtraError
from mycelium_fractal_net.features._potentials import as_field
from mycelium_fractal_net.features._sample import Sample
from mycelium_fractal_net.features._schema import described

__all__ = ["TOPOLOGY", "PersistenceEntropy", "persistence_bars", "persistence_entropy", "topology"]

_LASTING = 0.1

TOPOLOGY = described(
    "topology",
    (
        ("entropy_patches", "nat", "how evenly patches share their persistence"),
        ("entropy_holes", "nat", "how evenly holes share theirs"),
        ("lasting_patches", "1", "patches that persist over a tenth of the potential's range"),
        ("lasting_holes", "1", "holes that do"),
        ("persistence_patches", "mV", "longest persistence of a patch but the highest"),
        ("persistence_holes", "mV", "longest persistence of a hole"),
    ),
)
"""The set ``topology``, in its order."""


class PersistenceEntropy(NamedTuple):
    """Entropy of the bars of each dimension, in nats.

    Attributes
    ----------
    patches : float
        Of components, dimension 0.
    holes : float
        Of loops, dimension 1.
    """

    patches: float
    holes: float


def persistence_bars(field_mv: Any, periodic: bool = True) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the bars of patches and of holes of the sets V >= level, as the level sinks.

    Parameters
    ----------
    field_mv : array, shape (rows, columns)
        Potential in mV.
    periodic : bool
        Whether opposite edges touch.

    Returns
    -------
    tuple of two ndarrays of float64, shapes (n, 2) and (m, 2)
        Levels in mV at which each component and each loop appears and vanishes. What never vanishes does at the
        lowest value: the component of the highest peak, and on a torus two loops around it.

    Raises
    ------
    InvalidInputError
        For what is not a field.
    MissingExtraError
        Without GUDHI.

    Notes
    -----
    Cells are the vertices of the cubical complex, so patches are 4-connected: as many bars of dimension 0 contain
    a level as there are clusters above it.

    References
    ----------
    H. Wagner, C. Chen, E. Vuçini, "Efficient computation of persistent homology for cubical data", in: Topological
    Methods in Data Analysis and Visualization II, Springer (2012) 91. https://doi.org/10.1007/978-3-642-23175-9_7
    """
    try:
        from gudhi import CubicalComplex, PeriodicCubicalComplex
    except ImportError as error:
        raise MissingExtraError.for_extra("topology", "gudhi") from error
    field = as_field("field_mv", field_mv)
    depth = -field
    if as_flag("periodic", periodic):
        complex_ = PeriodicCubicalComplex(vertices=depth, periodic_dimensions=[True, True])
    else:
        complex_ = CubicalComplex(vertices=depth)
    complex_.compute_persistence()
    lowest = float(field.min())
    patches, holes = (
        np.maximum(-complex_.persistence_intervals_in_dimension(dimension).reshape(-1, 2), lowest)
        for dimension in (0, 1)
    )
    return patches, holes


def persistence_entropy(field_mv: Any, periodic: bool = True) -> PersistenceEntropy:
    r"""Measure how evenly patches and holes of a field share their persistence.

    .. math:: H = -\sum_i p_i \ln p_i, \qquad p_i = \frac{b_i - d_i}{\sum_j (b_j - d_j)}

    over the bars that appear at b and vanish at d.

    Parameters
    ----------
    field_mv : array, shape (rows, columns)
        Potential in mV; offset and scale do not matter.
    periodic : bool
        Whether opposite edges touch.

    Returns
    -------
    PersistenceEntropy
        ln n for n bars of one length, 0 for a single bar and for none.

    Raises
    ------
    InvalidInputError
        For what is not a field.
    MissingExtraError
        Without GUDHI.

    References
    ----------
    N. Atienza, R. Gonzalez-Diaz, M. Soriano-Trigueros, "On the stability of persistent entropy and new summary
    functions for topological data analysis", Pattern Recognit. 107 (2020) 107509.
    https://doi.org/10.1016/j.patcog.2020.107509

    Examples
    --------
    >>> field = np.full((16, 16), -70.0)
    >>> field[4, 4] = field[4, 12] = field[12, 8] = -40.0
    >>> round(float(np.exp(persistence_entropy(field).patches)), 6)
    3.0
    """
    return PersistenceEntropy(*(_entropy(bars) for bars in persistence_bars(field_mv, periodic)))


def _entropy(bars: NDArray[np.float64]) -> float:
    lengths = bars[:, 0] - bars[:, 1]
    lengths = lengths[lengths > 0.0]
    if lengths.size < 2:
        return 0.0
    shares = lengths / lengths.max()
    shares /= shares.sum()
    held = shares[shares > 0.0]
    return max(0.0, math.fsum((-held * np.log(held)).tolist()))


def topology(sample: Sample) -> list[float]:
    """Compute the set ``topology`` of a checked field."""
    field = sample.field
    bars = persistence_bars(field, sample.periodic)
    least = _LASTING * float(np.ptp(field))
    lengths = [np.sort(each[:, 0] - each[:, 1])[::-1] for each in bars]
    lasting = [float((each > least).sum()) for each in lengths]
    longest = [float(each[rank]) if each.size > rank else 0.0 for each, rank in zip(lengths, (1, 0), strict=True)]
    return [*map(_entropy, bars), *lasting, *longest]
