"""``POST /stability`` says what the library says."""

from __future__ import annotations

import math
from typing import Any

import pytest

import mycelium_fractal_net as mfn
from tests.service.helpers import AUTH, client_of, make_app


async def _ask(**body: Any) -> Any:
    async with client_of(make_app(), headers=AUTH) as client:
        return await client.post("/stability", json=body)


@pytest.mark.anyio
async def test_schnakenberg_has_the_steady_state_and_the_jacobian_of_the_book() -> None:
    values = (await _ask(kinetics="schnakenberg")).json()
    a, b = values["parameters"]["feed_a"], values["parameters"]["feed_h"]
    assert values["steady_state"] == pytest.approx([a + b, b / (a + b) ** 2])  # Murray 2003, section 2.3
    assert values["turing_unstable"]
    assert values["wavelength_cells"] == mfn.linear_stability("schnakenberg").wavelength_cells


@pytest.mark.anyio
async def test_parameters_change_the_verdict_and_no_number_is_invented() -> None:
    answer = await _ask(kinetics="schnakenberg", kinetics_parameters={"D_a": 1.0, "D_h": 1.0})
    assert not answer.json()["turing_unstable"]
    assert (answer.json()["wavelength_cells"], answer.json()["band"]) == (None, None)
    assert math.isfinite(answer.json()["max_growth_rate"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body", [{"kinetics": "nothing"}, {"kinetics_parameters": {"spice": 1}}, {"steps": 3}, {"kinetics": 3}]
)
async def test_what_is_not_known_is_refused(body: dict[str, Any]) -> None:
    answer = await _ask(**body)
    assert (answer.status_code, len(answer.json()["details"])) == (422, 1)
