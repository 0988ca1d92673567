from typing import Any

import numpy as np
import pytest

from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.visualization import montage_figure

LOW, HIGH = np.full((4, 4), -90.0), np.full((6, 8), -40.0)


def test_all_fields_share_one_scale() -> None:
    low, high, scale = montage_figure([LOW, HIGH], ["low", "high"]).axes
    assert low.images[0].get_clim() == high.images[0].get_clim() == (-90.0, -40.0)
    assert (low.get_title(), high.get_title()) == ("low", "high")
    assert scale.get_ylabel() == "membrane potential (mV)"


@pytest.mark.parametrize(
    ("fields", "titles", "why"),
    [
        ([], [], "one field or more and a title for each; got 0 and 0"),
        ([LOW], ["a", "b"], "got 1 and 2"),
        ([LOW[0]], ["a"], "2 dimensions"),
        ([LOW * np.nan], ["a"], "NaN or infinity"),
    ],
)
def test_montages_of_nothing_are_refused(fields: Any, titles: Any, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        montage_figure(fields, titles)
