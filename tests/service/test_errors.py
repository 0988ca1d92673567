from __future__ import annotations

import json

import pytest

from mycelium_fractal_net import errors as library
from mycelium_fractal_net.service.core.errors import CATALOGUE, ServiceError, problem_of
from mycelium_fractal_net.service.core.redaction import masked
from tests.service.helpers import AUTH, ION, Log, client_of, make_app

MEMBERS = {"type", "title", "status", "code", "message", "details", "request_id"}
GRPC = {
    "CANCELLED", "INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "UNAUTHENTICATED", "DEADLINE_EXCEEDED",
}  # fmt: skip


def _subclasses(cls: type[library.MFNError]) -> list[type[library.MFNError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in _subclasses(child))]


def _reaches_a_door(cls: type[library.MFNError]) -> bool:
    """Tell whether the service may meet an error; rooms beside it have others, where they are imported."""
    return cls.__module__ == library.__name__ or cls.__module__.startswith("mycelium_fractal_net.service")


RAISED = [cls for cls in _subclasses(library.MFNError) if _reaches_a_door(cls)]


@pytest.mark.parametrize("cls", RAISED, ids=lambda cls: cls.__name__)
def test_the_catalogue_knows_every_error_of_the_package(cls: type[library.MFNError]) -> None:
    assert cls.code in CATALOGUE


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_entry_can_be_told_in_each_protocol(code: str) -> None:
    entry = CATALOGUE[code]
    assert 400 <= entry.status < 600
    assert entry.grpc in GRPC
    assert entry.close in {1009, 1011, 1012, 1013} or 4000 <= entry.close < 5000
    assert entry.text.endswith(".")


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_problem_has_all_members_and_its_own_status(code: str) -> None:
    body = problem_of(ServiceError(code)).body("id-1")
    assert set(body) == MEMBERS
    assert body["status"] == CATALOGUE[code].status
    assert body["request_id"] == "id-1"


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), library.ConfigurationError("secret path"), KeyError()])
def test_faults_of_ours_do_not_say_what_they_are(error: Exception) -> None:
    body = problem_of(error).body("x")
    assert body["status"] == 500
    assert "secret" not in json.dumps(body)


def test_a_message_names_field_and_value() -> None:
    problem = problem_of(library.StabilityError("8 alpha is too much", field="alpha", value=3.0))
    assert problem.code == "UNSTABLE_PARAMETERS"
    assert problem.details == [{"field": "alpha", "message": "8 alpha is too much", "value": 3.0}]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (10**400, "<integer of 1329 bits>"),
        (float("inf"), "inf"),
        ("\ud800", "?"),
        ("x" * 300, "x" * 200 + "... <300 characters>"),
        ([1, 2], [1, 2]),
        ([[0.0] * 9] * 5, "<5 x 9 values>"),
        ({"password": "p", "a": None}, {"password": "***", "a": None}),
        (dict.fromkeys(map(str, range(30))), {**dict.fromkeys(map(str, range(20))), "...": "<30 members>"}),
        (b"raw", "b'raw'"),
        (True, True),
    ],
)
def test_values_are_shown_short_and_without_secrets(value: object, shown: object) -> None:
    assert masked(value) == shown


REFUSED = [
    ("GET", "/nothing", {}, b"", 404, "NOT_FOUND"),
    ("GET", "/simulate", {}, b"", 405, "METHOD_NOT_ALLOWED"),
    ("TRACE", "/health", {}, b"", 405, "METHOD_NOT_ALLOWED"),
    ("POST", "/nernst", {"content-type": "text/plain"}, b"{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ("POST", "/nernst", {}, b"{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ("POST", "/simulate", {"content-type": "application/json", "accept": "text/html"}, b"{}", 406, "NOT_ACCEPTABLE"),
    ("POST", "/nernst", {"content-type": "application/json"}, b"x" * 4097, 413, "PAYLOAD_TOO_LARGE"),
    *(
        ("POST", "/nernst", {"content-type": "application/json"}, body, 422, "VALIDATION_ERROR")
        for body in (
            b"",
            b"{",
            b"null",
            b"[]",
            b"[" * 2000,
            b'{"a":' * 600 + b"1" + b"}" * 600,
            b'{"temperature_k": NaN}',
            b'{"temperature_k": -Infinity}',
            b'{"temperature_k": 1e999}',
            b'{"temperature_k": ' + b"9" * 2000 + b"}",
            b'{"temperature_k": ' + b"9" * 350 + b"}",
            b'{"temperature_k": 300, "temperature_k": 301}',
            b'{"temperature_k": "\xff"}',
            b'{"\\ud800": "\\ud800"}',
            '{"temperature_k": "٣"}'.encode("utf-16"),
            b'\xef\xbb\xbf{"temperature_k": 300}',
            b'{"z_valence": true}',
            b'{"z_valence": 1.0}',
            b'{"z_valence": 4}',
        )
    ),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("method", "path", "headers", "body", "status", "code"), REFUSED)
async def test_every_refusal_has_the_one_shape(
    method: str, path: str, headers: dict[str, str], body: bytes, status: int, code: str, log: Log
) -> None:
    app = make_app(log, max_body_bytes=4096)
    async with client_of(app, headers={**AUTH, "Origin": "https://a.example"}) as client:
        answer = await client.request(method, path, headers=headers, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == MEMBERS
    assert answer.json()["code"] == code
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == log.named("request")[-1]["request_id"]


@pytest.mark.anyio
async def test_a_method_that_is_not_taken_is_told_which_are() -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        assert (await client.put("/nernst")).headers["allow"] == "POST"


@pytest.mark.anyio
async def test_validation_errors_name_field_message_and_value() -> None:
    async with client_of(make_app(), headers=AUTH) as client:
        answer = await client.post("/nernst", json={**ION, "temperature_k": 37})
    assert answer.json()["details"] == [
        {"field": "temperature_k", "message": "Input should be greater than or equal to 273", "value": 37}
    ]


@pytest.mark.anyio
async def test_a_fault_is_told_without_internals_and_logged_with_them(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> float:
        raise RuntimeError("the cellar is on fire")

    monkeypatch.setattr("mycelium_fractal_net.service.operations.nernst.nernst_potential_mv", fail)
    async with client_of(make_app(log), headers=AUTH) as client:
        answer = await client.post("/nernst", json=ION)
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "cellar" not in answer.text
    logged = log.named("request failed")[0]
    assert "the cellar is on fire" in logged["exception"]
    assert logged["request_id"] == answer.json()["request_id"]


@pytest.mark.anyio
async def test_errors_carry_cors_headers_and_preflights_need_no_key() -> None:
    app = make_app(cors_origins=["https://a.example"])
    origin = {"Origin": "https://a.example"}
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    async with client_of(app) as client:
        refused = await client.post("/nernst", json=ION, headers=origin)
        preflight = await client.options("/nernst", headers=asked)
        stranger = await client.options("/nernst", headers={**asked, "Origin": "https://b.example"})
        plain = await client.get("/health", headers={"Origin": "https://b.example"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://a.example"
    assert "X-RateLimit-Remaining" in refused.headers["access-control-expose-headers"]
    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["x-request-id"]
    assert "X-API-Key" in preflight.headers["access-control-allow-headers"]
    assert (stranger.status_code, stranger.json()["code"]) == (400, "BAD_REQUEST")
    assert "access-control-allow-origin" not in {*stranger.headers, *plain.headers}


@pytest.mark.anyio
async def test_dev_lets_every_origin_call() -> None:
    app = make_app(env="dev")
    async with client_of(app) as client:
        answer = await client.get("/health", headers={"Origin": "https://anything.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
