import pytest

import mycelium_fractal_net as mfn
from tests.service.helpers import AUTH, client_of, make_app, sample

pytestmark = pytest.mark.anyio


@pytest.mark.slow
async def test_validate_gives_what_the_library_finds() -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        answer = await client.post("/validate", json={"grid_size": 16, "steps": 8})
        metrics = (await client.get("/metrics")).text
    expected, body = mfn.validate(grid_size=16, steps=8), answer.json()
    assert (answer.status_code, body["passed"]) == (200, True)
    assert (body["loss_start"], body["loss_final"]) == (expected.loss_start, expected.loss_final)
    assert body["loss_drop"] == body["loss_start"] - body["loss_final"] > 0
    assert (body["pot_min_mV"], body["nernst_symbolic_mV"]) == (expected.pot_min_mv, expected.nernst_symbolic_mv)
    exponent = mfn.lyapunov_exponent(mfn.SimulationConfig(grid_size=16, steps=8))
    assert body["lyapunov_exponent"] == expected.lyapunov_exponent == exponent
    assert body["lyapunov_standard_error"] == expected.lyapunov_standard_error > 0
    assert body["lyapunov_converged"] is expected.lyapunov_converged
    assert sample(metrics, "mfn_validations_total", result="passed") == 1
    assert [check["name"] for check in body["checks"]] == [check.name for check in expected.checks]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"epochs": 0}, "VALIDATION_ERROR"),
        ({"batch_size": 1000}, "VALIDATION_ERROR"),
        ({"grid_size": 7}, "VALIDATION_ERROR"),
        ({"grid_size": 512, "steps": 10_000}, "COST_LIMIT_EXCEEDED"),
        ({"grid_size": 512, "steps": 1}, "COST_LIMIT_EXCEEDED"),
    ],
)
async def test_what_is_out_of_bounds_is_refused(body: dict[str, int], code: str) -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        answer = await client.post("/validate", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
