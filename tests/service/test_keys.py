from __future__ import annotations

import hmac
import json
import os
import stat
from pathlib import Path

import pytest

from mycelium_fractal_net.cli import main
from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service import keys as module
from mycelium_fractal_net.service.keys import KeyRing, add_key, make_key, read_key_file, remove_key
from mycelium_fractal_net.service.settings import load_settings
from tests.service.helpers import AUTH, ION, KEY, client_of, make_app

PEPPER = b"pepper"


def _ring(path: Path, complaints: list[str] | None = None, env: str = "prod") -> KeyRing:
    settings = load_settings(env=env, api_key_file=path, api_key_pepper=PEPPER.decode())
    return KeyRing(settings, (complaints if complaints is not None else []).append)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.0)
    return tmp_path / "keys.json"


def _add(path: Path, name: str = "lab", env: str = "prod", **options: object) -> str:
    text, key = make_key(name, env, PEPPER, **options)  # type: ignore[arg-type] # scopes alone
    add_key(path, key)
    return text


def test_a_key_is_found_and_no_other(path: Path) -> None:
    text = _add(path)
    ring = _ring(path)
    found = ring.find(text.encode())
    assert found is not None
    assert (found.name, found.id) == ("lab", text.split("_")[2])
    for wrong in (text[:-1] + "~", text[:-1], text + "x", text.replace("prod", "dev"), "", "ключ", "mfn_prod_"):
        assert ring.find(wrong.encode()) is None
    assert ring.find(b"\xff\x00") is None


def test_a_key_file_holds_no_key_and_is_its_owners(path: Path) -> None:
    text = _add(path)
    assert text.split("_", 3)[3] not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_pepper_makes_every_key_unknown(path: Path) -> None:
    text = _add(path)
    settings = load_settings(env="prod", api_key_file=path, api_key_pepper="other")
    assert KeyRing(settings, lambda _: None).find(text.encode()) is None


def test_keys_come_and_go_without_a_restart(path: Path) -> None:
    first = _add(path)
    ring = _ring(path)
    second = _add(path, "second")
    assert ring.find(first.encode()) is not None
    assert ring.find(second.encode()) is not None
    remove_key(path, first.split("_")[2])
    assert ring.find(first.encode()) is None
    assert ring.find(second.encode()) is not None


@pytest.mark.parametrize("broken", ["{", '{"keys": [{}]}', "[]", '{"keys": 3}'])
def test_a_broken_file_keeps_the_keys_of_before_and_is_complained_about(path: Path, broken: str) -> None:
    text, complaints = _add(path), []  # type: tuple[str, list[str]]
    ring = _ring(path, complaints)
    path.write_text(broken)
    assert ring.find(text.encode()) is not None
    assert len(complaints) == 1
    assert "not usable" in complaints[0]


def test_a_file_that_vanishes_keeps_the_keys_of_before(path: Path) -> None:
    text, complaints = _add(path), []  # type: tuple[str, list[str]]
    ring = _ring(path, complaints)
    path.unlink()
    assert ring.find(text.encode()) is not None
    assert "No such file" in complaints[0]


def test_a_broken_file_stops_the_start(path: Path) -> None:
    path.write_text("{")
    with pytest.raises(ConfigurationError, match="not usable"):
        _ring(path)


def test_keys_of_another_environment_are_not_taken(path: Path) -> None:
    text = _add(path, env="dev")
    assert _ring(path, env="prod").find(text.encode()) is None


def test_unknown_ids_cost_a_comparison_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = _add(path)
    ring, compared = _ring(path), []  # type: tuple[KeyRing, list[bytes]]
    compare = hmac.compare_digest

    def counted(first: bytes, second: bytes) -> bool:
        compared.append(first)
        return compare(first, second)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    for token in (text, text.replace(text.split("_")[2], "0" * 12), "plain"):
        compared.clear()
        ring.find(token.encode())
        assert len(compared) == 1


def test_scopes_are_known_words() -> None:
    with pytest.raises(ConfigurationError, match="simulate, federated, metrics, admin; got cook"):
        make_key("x", "dev", PEPPER, ["cook"])
    with pytest.raises(ConfigurationError, match="got none"):
        make_key("x", "dev", PEPPER, [])


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31m", "a\x00", "a\u202eb", "x" * 101])
def test_a_name_is_something_that_people_can_read(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a name is 1 to 100 printable characters; got"):
        make_key(name, "dev", PEPPER)


def test_the_longest_name_and_any_script_are_taken() -> None:
    assert make_key("лаборатория " + "x" * 88, "dev", PEPPER)[1].name.endswith("x")


def test_a_scope_that_is_said_twice_is_stored_once() -> None:
    assert make_key("x", "dev", PEPPER, ["metrics", "simulate", "metrics"])[1].scopes == ("metrics", "simulate")


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=rf"there is no directory {tmp_path}/nowhere$"):
        _add(tmp_path / "nowhere" / "keys.json")


def test_a_file_with_an_unknown_scope_or_a_short_hash_is_refused(path: Path) -> None:
    _add(path)
    content = json.loads(path.read_text())
    for change in ({"scopes": ["cook"]}, {"hash": "00"}, {"extra": 1}):
        path.write_text(json.dumps({"keys": [{**content["keys"][0], **change}]}))
        with pytest.raises(ConfigurationError, match="not usable"):
            read_key_file(path)


def test_a_key_that_is_not_there_cannot_be_removed(path: Path) -> None:
    _add(path)
    with pytest.raises(ConfigurationError, match="mfn keys list"):
        remove_key(path, "nobody")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": "wrong"},
        {"X-API-Key": ""},
        {"X-API-Key": "ключ".encode()},
        {"X-API-Key": b"\xff\xfe"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Bearer"},
        {"Authorization": b"Bearer \xff"},
    ],
)
@pytest.mark.parametrize("path", ["/simulate", "/nernst", "/features", "/federated/aggregate", "/validate", "/metrics"])
async def test_without_a_right_key_everything_but_health_is_401(path: str, headers: dict[str, str]) -> None:
    app = make_app()
    method = "GET" if path == "/metrics" else "POST"
    async with client_of(app) as client:
        answer = await client.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] in {"AUTHENTICATION_REQUIRED", "INVALID_API_KEY"}
    assert answer.headers["www-authenticate"] == 'Bearer realm="mfn"'


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers", [AUTH, {"Authorization": f"Bearer {KEY}"}, {"Authorization": f"bearer {KEY}"}], ids=str
)
async def test_both_headers_carry_a_key(headers: dict[str, str]) -> None:
    async with client_of(make_app()) as client:
        assert (await client.post("/nernst", json=ION, headers=headers)).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
async def test_health_is_open_to_all(path: str) -> None:
    async with client_of(make_app()) as client:
        assert (await client.get(path)).json()["status"] == "healthy"


@pytest.mark.anyio
async def test_metrics_can_be_made_public() -> None:
    async with client_of(make_app(metrics_public=True)) as client:
        assert (await client.get("/metrics")).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("scope", "nernst", "aggregate", "metrics"),
    [("simulate", 200, 403, 403), ("federated", 403, 200, 403), ("metrics", 403, 403, 200), ("admin", 200, 200, 200)],
)
async def test_a_scope_opens_its_endpoints_alone(
    scope: str, nernst: int, aggregate: int, metrics: int, path: Path
) -> None:
    headers = {"X-API-Key": _add(path, scopes=[scope])}
    app = make_app(api_key=None, api_key_file=path, api_key_pepper=PEPPER.decode())
    gradients = {"gradients": [[1.0]] * 3, "rule": "median"}
    async with client_of(app, headers=headers) as client:
        statuses = [
            (await client.post("/nernst", json=ION)).status_code,
            (await client.post("/federated/aggregate", json=gradients)).status_code,
            (await client.get("/metrics")).status_code,
        ]
    assert statuses == [nernst, aggregate, metrics]


def test_the_command_line_makes_lists_and_revokes_keys(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFN_API_KEY_PEPPER", PEPPER.decode())
    assert main(["keys", "create", "lab", "--file", str(path), "--env", "prod", "--scope", "simulate"]) == 0
    text = capsys.readouterr().out.strip()
    found = _ring(path).find(text.encode())
    assert found is not None
    assert found.scopes == ("simulate",)
    assert main(["keys", "list", "--file", str(path)]) == 0
    assert found.id in capsys.readouterr().out
    assert main(["keys", "revoke", found.id, "--file", str(path)]) == 0
    assert read_key_file(path) == []


def test_the_command_line_refuses_keys_without_pepper_or_environment(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "create", "lab", "--file", str(path)]) == 2
    assert "MFN_API_KEY_PEPPER" in capsys.readouterr().err
    assert main(["keys", "create", "lab", "--file", str(path), "--pepper", "p", "--env", "test"]) == 2
    assert "dev, staging or prod" in capsys.readouterr().err


def test_the_command_line_shows_and_checks_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFN_API_KEY", "tell-nobody")
    assert main(["config", "show", "--env", "prod"]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown)["api_key"] == "***"
    assert main(["config", "check", "--env", "prod"]) == 0
    assert "1 plain keys" in capsys.readouterr().out
    monkeypatch.setenv("MFN_PROT", "1")
    assert main(["config", "check"]) == 2
    assert "did you mean MFN_PORT" in capsys.readouterr().err
    monkeypatch.delenv("MFN_PROT")
    assert main(["config", "reference"]) == 0
    assert "`MFN_ENV`" in capsys.readouterr().out
    assert os.environ["MFN_API_KEY"] not in shown
