"""The description says what the service does: the file in docs/ is it, and every example works."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

import mycelium_fractal_net as mfn
from mycelium_fractal_net.cli import main
from mycelium_fractal_net.service.core.errors import CATALOGUE
from mycelium_fractal_net.service.operations.features import FeaturesRequest
from mycelium_fractal_net.service.operations.simulate import SimulateRequest
from mycelium_fractal_net.service.operations.validate import ValidateRequest, validation_cost
from mycelium_fractal_net.service.reference import openapi_text
from tests.service.helpers import AUTH, client_of, make_app

pytestmark = pytest.mark.usefixtures("built_in_kinetics")

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
DESCRIPTION: dict[str, Any] = json.loads(FILE.read_text())
SCHEMAS = DESCRIPTION["components"]["schemas"]
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DESCRIPTION["paths"].items()
    for method, operation in operations.items()
}
BODIES = {
    name.removeprefix("POST "): operation["requestBody"]["content"]["application/json"]["schema"]["$ref"][21:]
    for name, operation in OPERATIONS.items()
    if "requestBody" in operation
}
EXAMPLES = [(path, example) for path, model in BODIES.items() for example in SCHEMAS[model]["examples"]]
ANNOTATIONS = {"title", "description", "default", "examples"}
COMPUTED = {f"POST {path}" for path in BODIES if path not in {"/nernst", "/tickets"}}
ASKED = [(model, name) for model in BODIES.values() for name in SCHEMAS[model]["properties"]]
ANY_NUMBER = SCHEMAS["AggregateRequest"]["properties"]["gradients"]["items"]["items"]
"""One client's value: what is not finite is rejected by name, not by the description."""

PUBLIC = {"GET /health", "GET /health/live", "GET /health/ready"}


def _inside(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a schema and all that it consists of."""
    yield schema
    parts = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    parts += [part for name in ("anyOf", "oneOf", "allOf", "prefixItems") for part in schema.get(name, [])]
    for part in parts:
        if isinstance(part, dict):
            yield from _inside(part)


def _is_bounded(schema: dict[str, Any]) -> bool:
    if schema == ANY_NUMBER:
        return True
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return all(map(_is_bounded, schema["anyOf"]))
    if schema.keys() & {"enum", "const"} or schema["type"] in {"boolean", "null"}:
        return True
    if schema["type"] in {"integer", "number"}:
        low, high = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
        return bool(schema.keys() & low) and bool(schema.keys() & high)
    if schema["type"] == "array":
        return "maxItems" in schema and all(map(_is_bounded, schema.get("prefixItems") or [schema["items"]]))
    if schema["type"] == "string":
        return "maxLength" in schema
    assert schema["type"] == "object"
    return schema["additionalProperties"] is False and all(map(_is_bounded, schema["properties"].values()))


def test_the_file_is_what_the_code_describes() -> None:
    assert FILE.read_text() == openapi_text(), "write it again: mfn openapi --out docs/openapi.json"


def test_settings_do_not_change_the_description(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MFN_ENV", "prod")
    monkeypatch.setenv("MFN_METRICS_ENABLED", "false")
    assert main(["openapi"]) == 0
    assert capsys.readouterr().out == FILE.read_text()
    assert main(["openapi", "--out", str(tmp_path / "api.json")]) == 0
    assert (tmp_path / "api.json").read_text() == FILE.read_text()


def test_it_is_valid_openapi_of_this_version() -> None:
    OpenAPIV31SpecValidator(DESCRIPTION).validate()
    assert DESCRIPTION["info"]["version"] == mfn.__version__


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_json_schema_and_nothing_else(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    words = {word for schema in _inside(SCHEMAS[name]) for word in schema}
    assert words <= set(Draft202012Validator.VALIDATORS) | ANNOTATIONS


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_does(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"][0].isupper()
    assert operation["description"].endswith(".")
    assert len(operation["summary"]) < 80
    assert operation["tags"][0] in {tag["name"] for tag in DESCRIPTION["tags"]}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_but_health_takes_a_key_in_two_ways(name: str) -> None:
    assert OPERATIONS[name].get("security") == (None if name in PUBLIC else [{"ApiKey": []}, {"Bearer": []}])


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_lists_the_errors_it_can_give(name: str) -> None:
    expected = {"400", "408", "414", "429", "431", "500"}
    expected |= set() if name in PUBLIC else {"401", "403"}
    expected |= {"413", "415", "422"} if name.startswith("POST") else set()
    expected |= {"503"} if name in COMPUTED | {"GET /health/ready"} else set()
    expected |= (
        {"406", "501"}
        if name in {"POST /simulate", "POST /federated/aggregate"}
        else {"501"}
        if name in {"POST /validate", "POST /clip"}
        else set()
    )
    told = {"200", "304"} if name in {"POST /simulate", "POST /federated/aggregate"} else {"200"}
    assert set(OPERATIONS[name]["responses"]) == expected | told


@pytest.mark.parametrize("name", DESCRIPTION["components"]["responses"])
def test_every_error_is_a_problem_with_its_codes(name: str) -> None:
    response = DESCRIPTION["components"]["responses"][name]
    [(media, content)] = response["content"].items()
    assert media == "application/problem+json"
    problem, own = content["schema"]["allOf"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    status = own["properties"]["status"]["const"]
    assert name == f"Problem{status}"
    assert own["properties"]["code"]["enum"] == [code for code, entry in CATALOGUE.items() if entry.status == status]
    assert response["headers"]["X-Request-ID"]["required"]


def test_what_is_refused_for_now_says_when_to_come_again() -> None:
    responses = DESCRIPTION["components"]["responses"]
    assert [name for name in responses if "Retry-After" in responses[name]["headers"]] == ["Problem429", "Problem503"]


@pytest.mark.parametrize(
    ("model", "name"), [(model, name) for model in SCHEMAS for name in SCHEMAS[model].get("properties", {})]
)
def test_every_property_is_described(model: str, name: str) -> None:
    assert SCHEMAS[model]["properties"][name]["description"].endswith(".")


@pytest.mark.parametrize(("model", "name"), ASKED)
def test_every_parameter_has_bounds(model: str, name: str) -> None:
    assert SCHEMAS[model]["additionalProperties"] is False
    assert _is_bounded(SCHEMAS[model]["properties"][name])


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "example"), EXAMPLES)
async def test_every_example_works_and_is_answered_as_described(path: str, example: dict[str, Any]) -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        answer = await client.post(path, json=example)
    assert answer.status_code == 200, answer.text
    content = OPERATIONS[f"POST {path}"]["responses"]["200"]["content"]
    assert answer.headers["content-type"] in content
    if "application/json" not in content:
        return
    schema = content["application/json"]["schema"]
    Draft202012Validator({**schema, "components": DESCRIPTION["components"]}).validate(answer.json())


@pytest.mark.parametrize("model", BODIES.values())
def test_every_body_has_an_example_that_is_as_described(model: str) -> None:
    validator = Draft202012Validator({**SCHEMAS[model], "components": DESCRIPTION["components"]})
    assert [error.message for example in SCHEMAS[model]["examples"] for error in validator.iter_errors(example)] == []


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/nothing", "/metrics"])
async def test_other_answers_are_as_described_too(path: str) -> None:
    async with client_of(make_app()) as client:
        answer = await client.get(path)
    name = "HealthResponse" if answer.status_code == 200 else "Problem"
    Draft202012Validator({**SCHEMAS[name], "components": DESCRIPTION["components"]}).validate(answer.json())


def test_the_parameters_of_features_are_those_of_the_library() -> None:
    told = SCHEMAS["FeaturesRequest"]["properties"]["config"]["properties"]
    given = {name: schema.get("default") for name, schema in told.items()}
    assert FeaturesRequest.model_validate({"field": [[1.0]], "config": given}).config == mfn.FeatureConfig()


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_in_production_the_pages_of_the_description_are_not_found(path: str) -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        assert (await client.get(path)).json()["code"] == "NOT_FOUND"


@pytest.mark.anyio
async def test_a_running_service_describes_itself_in_the_same_words() -> None:
    async with client_of(make_app(env="dev")) as client:
        assert (await client.get("/openapi.json")).json() == DESCRIPTION


def test_the_described_defaults_of_a_simulation_are_those_that_it_takes() -> None:
    properties = SCHEMAS["SimulateRequest"]["properties"]
    told = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    taken = SimulateRequest().model_dump(mode="json", exclude_none=True)
    assert told == taken


@pytest.mark.parametrize(
    ("model", "name", "words"),
    [
        ("AggregateRequest", "num_clusters", "at most a third of the gradients"),
        ("AggregateRequest", "byzantine_fraction", "each rule needs enough gradients"),
        ("FeaturesRequest", "sets", "activator (of a simulation only)"),
        ("SimulateRequest", "initial_field_mv", "inside clamp_mv"),
        ("SimulateRequest", "rest_potential_mv", "inside clamp_mv"),
        ("SimulateRequest", "clamp_mv", "ascending"),
        ("SimulateRequest", "alpha", "8 alpha + leak <= 2"),
        ("SimulateRequest", "start_digest", "only with that start"),
    ],
)
def test_what_depends_on_another_field_is_said_in_words(model: str, name: str, words: str) -> None:
    assert words in SCHEMAS[model]["properties"][name]["description"]


def test_scales_of_boxes_are_different_in_the_schema_too() -> None:
    scales = SCHEMAS["FeaturesRequest"]["properties"]["config"]["properties"]["box_scales"]
    array = next(part for part in scales.get("anyOf", [scales]) if part.get("type") == "array")
    assert (array["uniqueItems"], array["minItems"]) == (True, 2)
    assert "none above the longest side" in scales["description"]


def test_a_validation_says_what_it_costs() -> None:
    cost = validation_cost(ValidateRequest()).cell_steps
    said = re.search(r"([\d,]+) default simulations, (\d+) million", OPERATIONS["POST /validate"]["description"])
    assert said is not None
    assert int(said[1].replace(",", "")) * 64**3 == pytest.approx(cost, rel=0.05)
    assert int(said[2]) * 1e6 == pytest.approx(cost, rel=0.05)
