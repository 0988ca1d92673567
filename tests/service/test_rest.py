from __future__ import annotations

import io
import json
import math
import threading
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

import mycelium_fractal_net as mfn
from mycelium_fractal_net.dynamics import estimate_exponent
from mycelium_fractal_net.errors import InvalidInputError
from mycelium_fractal_net.federated import Median
from mycelium_fractal_net.service.operations import features
from mycelium_fractal_net.service.operations.simulate import SimulateRequest
from mycelium_fractal_net.service.telemetry.metrics import size_label
from tests.service.helpers import AUTH, ION, KEY, SMALL, Log, client_of, make_app, sample

pytestmark = pytest.mark.anyio

NPY = {"Accept": "application/x-npy"}
ARROW = {"Accept": "application/vnd.apache.arrow.stream"}


async def _post(path: str, body: object, headers: dict[str, str] | None = None) -> httpx.Response:
    async with client_of(make_app(), headers=AUTH) as client:
        return await client.post(path, json=body, headers=headers)


@pytest.mark.parametrize(
    "parameters",
    [
        SMALL,
        {**SMALL, "seed": 2**64 - 1, "alpha": 0.2, "boundary": "neumann", "quantum_jitter": True},
        {**SMALL, "dtype": "float32", "kinetics": "gray-scott"},
        {**SMALL, "turing_enabled": False, "spike_probability": 1, "clamp_mv": [-90, 30]},
    ],
)
async def test_simulate_gives_the_bits_of_the_library(parameters: dict[str, Any]) -> None:
    expected = mfn.simulate(mfn.SimulationConfig(**parameters))
    answer = await _post("/simulate", {**parameters, "include": ["field", "features"]})
    body = answer.json()
    assert np.array_equal(np.asarray(body["field"], dtype=expected.field_mv.dtype), expected.field_mv)
    assert body["features"] == expected.features.to_dict()
    assert body["receipt"] == {
        "seed": expected.config.seed,
        "parameters_digest": expected.config.digest(),
        "initial_field_digest": None,
        "version": mfn.__version__,
        "result_digest": expected.digest,
    }
    assert answer.headers["etag"] == f'W/"{expected.digest}"'


@pytest.mark.parametrize("media", [{}, NPY])
async def test_a_result_that_the_client_has_is_not_sent_again(media: dict[str, str]) -> None:
    first = await _post("/simulate", SMALL, media)
    tag = first.headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"another", {tag}', "*"):
        again = await _post("/simulate", SMALL, {**media, "If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in again.headers
    other = await _post("/simulate", SMALL, {**media, "If-None-Match": 'W/"another"'})
    assert (other.status_code, other.content) == (200, first.content)


async def test_an_answer_without_a_tag_is_always_sent() -> None:
    assert (await _post("/nernst", ION, {"If-None-Match": "*"})).status_code == 200


async def test_simulate_tells_counts_potentials_and_dimension() -> None:
    expected = mfn.simulate(mfn.SimulationConfig())
    body = (await _post("/simulate", {})).json()
    numbers = expected.features
    assert body["growth_events"] == expected.growth_events
    assert (body["pot_min_mV"], body["pot_max_mV"]) == (numbers.V_min, numbers.V_max)
    assert (body["pot_mean_mV"], body["pot_std_mV"]) == (numbers.V_mean, numbers.V_std)
    assert body["fractal_dimension"] == numbers.D_box
    assert "features" not in body
    assert "field" not in body


async def test_fields_travel_as_npy_and_as_arrow() -> None:
    expected = mfn.simulate(mfn.SimulationConfig(**SMALL))
    npy = await _post("/simulate", SMALL, NPY)
    arrow = await _post("/simulate", SMALL, ARROW)
    table = pa.ipc.open_stream(arrow.content).read_all()
    assert np.array_equal(np.load(io.BytesIO(npy.content)), expected.field_mv)
    assert np.array_equal(np.array(table["field_mv"].to_pylist()), expected.field_mv)
    assert json.loads(table.schema.metadata[b"mfn"]) == json.loads(npy.headers["x-mfn-receipt"])
    assert "Accept" in npy.headers["vary"].split(", ")


async def test_potentials_and_field_agree_in_single_precision() -> None:
    body = {**SMALL, "dtype": "float32", "include": ["field", "features"]}
    answer = (await _post("/simulate", body)).json()
    field = answer["field"]
    assert (answer["pot_min_mV"], answer["pot_max_mV"]) == (min(map(min, field)), max(map(max, field)))
    again = (await _post("/features", {"field": field})).json()["features"]
    still = ("V_min", "V_max", "V_mean", "V_std", "D_box", "f_active")
    assert [again[name] for name in still] == [answer["features"][name] for name in still]


@pytest.mark.parametrize("accept", [NPY, ARROW])
async def test_what_only_json_carries_is_not_computed_for_others(accept: dict[str, str]) -> None:
    for part in ("features", "lyapunov"):
        problem = (await _post("/simulate", {**SMALL, "include": ["field", part]}, accept)).json()
        assert (problem["code"], problem["details"][0]["field"]) == ("INVALID_INPUT", "include")
        assert f"ask for application/json, or leave {part} out" in problem["message"]
    assert (await _post("/simulate", {**SMALL, "include": ["field"]}, accept)).status_code == 200


async def test_a_simulation_starts_from_the_field_it_is_given() -> None:
    start = np.full((16, 16), -60.0)
    expected = mfn.simulate(mfn.SimulationConfig(**SMALL), initial_field_mv=start)
    receipt = (await _post("/simulate", {**SMALL, "initial_field_mv": start.tolist()})).json()["receipt"]
    assert receipt["result_digest"] == expected.digest
    assert len(receipt["initial_field_digest"]) == 64


async def test_a_simulation_starts_from_the_pair_it_is_given() -> None:
    rows = np.linspace(0.3, 0.7, 256 * 16).reshape(64, 64)
    pair: dict[str, Any] = {"initial_activator": rows, "initial_inhibitor": rows.T}
    expected = mfn.simulate(mfn.SimulationConfig(steps=3, start="array"), **pair)
    body = {"steps": 3, "start": "array", **{name: array.tolist() for name, array in pair.items()}}
    receipt = (await _post("/simulate", body)).json()["receipt"]
    assert receipt["result_digest"] == expected.digest
    assert receipt["parameters_digest"] == expected.config.digest()
    problem = (await _post("/simulate", {**SMALL, "initial_activator": np.zeros((16, 16)).tolist()})).json()
    assert "need start = 'array'" in problem["message"]


@pytest.mark.parametrize("field", ["v", "activator", "inhibitor"])
async def test_any_field_and_any_set_can_be_asked_for(field: str) -> None:
    parameters: dict[str, Any] = {"domain": [24, 40], "steps": 6, "stencil": 9, "scheme": "heun"}
    sets, thresholds = ["activator", "events"], mfn.FeatureConfig(active_threshold_mv=-65.0)
    expected = mfn.simulate(mfn.SimulationConfig(**parameters), sets=sets, feature_config=thresholds)
    asked = {**parameters, "field": field, "sets": sets, "feature_config": {"active_threshold_mv": -65}}
    body = (await _post("/simulate", {**asked, "include": ["field", "features"]})).json()
    assert np.array_equal(body["field"], getattr(expected, "field_mv" if field == "v" else field))
    assert list(body["features"]) == list(expected.features.names)
    known = {name: None if np.isnan(value) else value for name, value in expected.features.items()}
    assert body["features"] == known
    assert body["fractal_dimension"] == mfn.extract_features(expected).D_box
    arrow = await _post("/simulate", {**asked, "include": ["field"]}, ARROW)
    assert pa.ipc.open_stream(arrow.content).schema.names == ["field_mv" if field == "v" else field]


async def test_the_lyapunov_exponent_is_that_of_the_library() -> None:
    parameters: dict[str, Any] = {"grid_size": 8, "steps": 4, "turing_enabled": False}
    body = (await _post("/simulate", {**parameters, "include": ["lyapunov"]})).json()
    expected = estimate_exponent(mfn.SimulationConfig(**parameters))
    assert body["lyapunov_exponent"] == expected.exponents[0] == pytest.approx(np.log(0.9), abs=1e-3)
    assert body["lyapunov_standard_error"] == expected.standard_errors[0] < 1e-3
    assert body["lyapunov_converged"] is expected.converged


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"grid_size": 7}, "VALIDATION_ERROR", "grid_size"),
        ({"grid_size": 513}, "VALIDATION_ERROR", "grid_size"),
        ({"steps": 0}, "VALIDATION_ERROR", "steps"),
        ({"steps": 10_001}, "VALIDATION_ERROR", "steps"),
        ({"steps": "8"}, "VALIDATION_ERROR", "steps"),
        ({"spice": 1}, "VALIDATION_ERROR", "spice"),
        ({"include": ["everything"]}, "VALIDATION_ERROR", "include"),
        ({"alpha": 0.3}, "UNSTABLE_PARAMETERS", "alpha"),
        ({"kinetics": "nothing"}, "VALIDATION_ERROR", "known are"),
        ({"kinetics_parameters": {"D_h": 1e300}}, "VALIDATION_ERROR", "D_h"),
        ({"initial_field_mv": [*[[1.0] * 16] * 15, [1.0] * 15]}, "INVALID_INPUT", "rectangular"),
        ({"initial_field_mv": [[1.0] * 8] * 8}, "INVALID_INPUT", "initial_field_mv"),
        ({"initial_field_mv": [[1001.0] * 16] * 16}, "VALIDATION_ERROR", "initial_field_mv.0.0"),
        ({"initial_field_mv": [[1.0, 2.0]]}, "VALIDATION_ERROR", "at least 8 items"),
        ({"initial_field_mv": [[-60.0] * 16] * 16, "include": ["lyapunov"]}, "INVALID_INPUT", "random start"),
        ({"grid_size": 512, "steps": 10_000}, "COST_LIMIT_EXCEEDED", "MFN_MAX_CELL_STEPS"),
        ({"grid_size": 512, "steps": 2000, "kinetics_parameters": {"D_h": 20.0}}, "COST_LIMIT_EXCEEDED", "substeps"),
        ({"grid_size": 512, "include": ["lyapunov"]}, "COST_LIMIT_EXCEEDED", "Lyapunov"),
    ],
)
async def test_simulate_says_what_it_cannot_take(change: dict[str, object], code: str, word: str) -> None:
    answer = await _post("/simulate", {**SMALL, **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert word in answer.text


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/simulate", {"clamp_mv": [40, -95]}, ("clamp_mv", "lowest < highest", [40.0, -95.0])),
        ("/simulate", {"rest_potential_mv": -99}, ("rest_potential_mv", "widen the clamp", -99.0)),
        ("/features", {}, ("field", "give either field or history", None)),
        ("/features", {"field": [[1.0]], "config": 3}, ("config", "must be a JSON object", 3)),
        ("/simulate", {"kinetics_parameters": [1]}, ("kinetics_parameters", "must be a JSON object", [1])),
        ("/simulate", [1, 2], ("body", "must be a JSON object", None)),
        ("/nernst", "text", ("body", "must be a JSON object", None)),
    ],
)
async def test_what_concerns_the_whole_request_names_a_field_too(
    path: str, body: object, detail: tuple[str, str, object]
) -> None:
    problem = (await _post(path, body)).json()
    [told] = problem["details"]
    assert (told["field"], told["value"]) == (detail[0], detail[2])
    assert detail[1] in told["message"]
    assert not problem["message"].startswith(f"{detail[0]}: {detail[0]}")


def test_a_request_has_every_parameter_of_the_library() -> None:
    own = set(SimulateRequest.model_fields) - set(mfn.SimulationConfig.model_fields)
    arrays = {"initial_field_mv", "initial_activator", "initial_inhibitor"}
    assert own == {"include", "field", "sets", "feature_config", *arrays}
    assert SimulateRequest().config() == mfn.SimulationConfig()


async def test_metrics_hold_the_numbers_of_the_results() -> None:
    expected = mfn.simulate(mfn.SimulationConfig(grid_size=20, steps=100))
    async with client_of(make_app(), headers=AUTH) as client:
        for _ in range(2):
            await client.post("/simulate", json={"grid_size": 20, "steps": 100})
        text = (await client.get("/metrics")).text
    labels = {"grid_size": "32", "steps": "128"}
    assert sample(text, "mfn_growth_events_total", **labels) == 2 * expected.growth_events
    assert math.isclose(sample(text, "mfn_fractal_dimension_sum", **labels), 2 * expected.features.D_box)
    assert sample(text, "mfn_simulation_duration_seconds_count", **labels) == 2
    assert sample(text, "mfn_http_requests_total", endpoint="/simulate", method="POST", status="200") == 2


def test_labels_of_shapes_are_few() -> None:
    assert len({size_label(n) for n in range(8, 513)}) == 7
    assert len({size_label(n) for n in range(1, 10_001)}) == 15


async def test_hostile_requests_cannot_multiply_labels() -> None:
    async with client_of(make_app(rate_limit_enabled=False), headers=AUTH) as client:
        for number in range(50):
            await client.request(f"M{number}", f"/{number}")
            await client.request(f"M{number}", "/nernst")
        text = (await client.get("/metrics")).text
    series = [line for line in text.splitlines() if line.startswith("mfn_http_requests_total{")]
    assert len(series) == 2
    assert sample(text, "mfn_http_requests_total", endpoint="unmatched", method="OTHER", status="404") == 50


@pytest.mark.parametrize(
    "body",
    [
        ION,
        {**ION, "z_valence": -2},
        {**ION, "z_valence": 3},
        {**ION, "temperature_k": 273},
        {**ION, "concentration_out_molar": 1e-300},
    ],
)
async def test_nernst_is_that_of_the_library(body: dict[str, float]) -> None:
    answer = await _post("/nernst", body)
    expected = mfn.nernst_potential_mv(
        body.get("z_valence", 1),
        body["concentration_out_molar"],
        body["concentration_in_molar"],
        body.get("temperature_k", 310.15),
    )
    assert answer.json() == {"potential_mV": expected}


async def test_features_are_those_of_the_library() -> None:
    history = mfn.simulate_history(mfn.SimulationConfig(**SMALL))
    config = {"connectivity": 8, "active_threshold_mv": -65}
    expected = mfn.extract_features(history, mfn.FeatureConfig(connectivity=8, active_threshold_mv=-65), periodic=False)
    answer = await _post("/features", {"history": history.tolist(), "periodic": False, "config": config})
    body = answer.json()
    assert body["features"] == expected.to_dict()
    assert body["units"] == dict(mfn.FEATURE_UNITS)
    assert body["box_counting"]["verdict"] in {"fractal", "crossover", "filled", "empty", "insufficient"}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "either field or history"),
        ({"field": [[1.0]], "history": [[[1.0]]]}, "either field or history"),
        ({"field": []}, "field"),
        ({"field": [[]]}, "field"),
        ({"field": [[1.0], [1.0, 2.0]]}, "rows differ"),
        ({"field": [[1e200]]}, "field.0.0"),
        ({"field": [[1.0]], "config": {"connectivity": 5}}, "connectivity must be 4 or 8; got 5"),
        ({"field": [[1.0]], "config": {"colour": 5}}, "config.colour"),
        ({"field": [[1.0]], "config": 3}, "config"),
        ({"field": [[1.0]], "config": {"cluster_thresholds_mv": [1, 3, 2]}}, "three ascending numbers"),
    ],
)
async def test_features_says_what_it_cannot_take(body: dict[str, object], word: str) -> None:
    answer = await _post("/features", body)
    assert answer.status_code == 422
    assert word in answer.text


async def test_a_whole_number_may_be_written_with_a_point_wherever_one_is_asked_for() -> None:
    numbers = {"least_substeps": 2, "resolution": 2, "stencil": 9}
    change = {"parameter": "bias", "value": 0.01, "step": 2, "over": 3}
    plain = {**SMALL, **numbers, "schedule": [change]}
    pointed = {
        **SMALL,
        **{name: float(value) for name, value in numbers.items()},
        "schedule": [{**change, "step": 2.0, "over": 3.0}],
    }
    found = [(await _post("/simulate", body)).raise_for_status().json() for body in (plain, pointed)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("owner", "name", "path", "body"),
    [
        (Median, "aggregate", "/federated/aggregate", {"gradients": [[1.0]], "rule": "median"}),
        (features, "extract_features", "/features", {"field": [[1.0]]}),
        (features, "box_counting_dimension", "/features", {"field": [[1.0]]}),
    ],
)
async def test_computations_are_given_the_event_that_stops_them(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, path: str, body: object
) -> None:
    seen: list[object] = []

    def look(*given: object, **named: object) -> None:
        seen.extend(value for value in (*given, *named.values()) if isinstance(value, threading.Event))
        raise InvalidInputError("looked at")

    monkeypatch.setattr(owner, name, look)
    assert (await _post(path, body)).json()["message"] == "looked at"
    assert len(seen) == 1


async def test_interactive_documentation_is_off_in_production() -> None:
    for env, status in (("dev", 200), ("staging", 200), ("prod", 404)):
        async with client_of(make_app(env=env)) as client:
            answers = [await client.get(path) for path in ("/docs", "/redoc", "/openapi.json")]
        assert [answer.status_code for answer in answers] == [status] * 3


async def test_the_description_states_version_keys_and_errors() -> None:
    description = make_app().openapi()
    assert description["info"]["version"] == mfn.__version__
    operation = description["paths"]["/simulate"]["post"]
    assert operation["security"] == [{"ApiKey": []}, {"Bearer": []}]
    assert {"401", "403", "413", "422", "429", "500", "503"} <= set(operation["responses"])
    assert "security" not in description["paths"]["/health"]["get"]


async def test_two_applications_share_nothing() -> None:
    first, second = make_app(), make_app(api_key="another-key-for-tests", log=Log())
    async with client_of(first, headers=AUTH) as one, client_of(second, headers=AUTH) as two:
        assert (await one.post("/nernst", json=ION)).status_code == 200
        assert (await two.post("/nernst", json=ION)).status_code == 401
        text = (await one.get("/metrics")).text
    assert sample(text, "mfn_http_requests_total", status="401") == 0


async def test_under_another_server_too_a_computation_ends_with_its_client() -> None:
    log = Log()
    app = make_app(log)
    body = json.dumps({"grid_size": 256, "steps": 3000}).encode()
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/simulate", "query_string": b"",
        "headers": [(b"host", b"x"), (b"content-type", b"application/json"), (b"x-api-key", KEY.encode())],
    }  # fmt: skip
    sent: list[object] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: object) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert not sent
    assert log.named("request")[0]["status"] == 499
    assert sample(app.state.services.metrics.text().decode(), "mfn_compute_cancelled_total") == 1
