from __future__ import annotations

import hmac
import json
import os
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import orjson
import pytest

from mycelium_fractal_net.cli import main
from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.core import keys as module
from mycelium_fractal_net.service.core.keys import Key, KeyRing, add_key, make_key, read_key_file, remove_key
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


def test_processes_that_add_keys_at_once_lose_none(path: Path) -> None:
    code = textwrap.dedent(f"""
        from pathlib import Path
        from mycelium_fractal_net.service.core.keys import add_key, make_key

        path = Path({str(path)!r})
        path.with_name(make_key("ready", "prod", b"p")[1].id + ".ready").touch()
        while len(list(path.parent.glob("*.ready"))) < 4:
            pass
        for _ in range(10):
            add_key(path, make_key("lab", "prod", b"p")[1])
    """)
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    assert len(read_key_file(path)) == 40


def test_a_link_to_a_key_file_stays_a_link(path: Path) -> None:
    link = path.with_name("link.json")
    link.symlink_to("keys.json")
    text = _add(link)
    assert _ring(path).find(text.encode()) is not None
    remove_key(link, text.split("_")[2])
    assert link.is_symlink()
    assert read_key_file(path) == []


def test_a_key_file_that_cannot_be_written_is_named(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot write the key file .*/nowhere/keys.json: No such file"):
        _add(path.parent / "nowhere" / "keys.json")


def test_a_key_that_could_not_be_read_again_is_not_written(path: Path) -> None:
    _, key = make_key("lab", "prod", PEPPER)
    for wrong in replace(key, name="\udcff"), replace(key, env="test"):
        with pytest.raises(ConfigurationError, match="the new key has an"):
            add_key(path, wrong)
    assert not path.exists()


def test_an_edit_in_place_that_keeps_size_and_time_is_noticed(path: Path) -> None:
    text = _add(path)
    ring, before = _ring(path), path.stat()
    content = path.read_text()
    with path.open("r+") as stream:
        stream.write(content.replace(read_key_file(path)[0].hash, "0" * 64))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ring.find(text.encode()) is None


@pytest.mark.parametrize("broken", ["{", '{"keys": [{}]}', "[]", '{"keys": 3}', '{"keys": {}}', '{"keys": ["id"]}'])
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
    _add(path)
    assert _ring(path, env="prod").find(text.encode()) is None


def test_a_file_with_keys_of_other_environments_alone_stops_the_start(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(path, env="dev")
    monkeypatch.setenv("MFN_API_KEY_FILE", str(path))
    monkeypatch.setenv("MFN_API_KEY_PEPPER", PEPPER.decode())
    for command in ("config", "check"), ("serve",):
        assert main([*command, "--env", "prod"]) == 2
        assert "none of the 1 in" in capsys.readouterr().err
    assert main(["config", "check", "--env", "dev"]) == 0
    assert "1 in the key file" in capsys.readouterr().out


def test_an_empty_file_is_told_at_the_start_and_keys_may_come_later(path: Path) -> None:
    path.write_text('{"keys": []}')
    complaints: list[str] = []
    ring = _ring(path, complaints)
    assert ring.find(b"anything") is None
    assert len(complaints) == 1
    assert "none of the 0 in" in complaints[0]
    assert ring.find(_add(path).encode()) is not None


def test_an_empty_file_does_not_pass_the_check(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text('{"keys": []}')
    monkeypatch.setenv("MFN_API_KEY_FILE", str(path))
    monkeypatch.setenv("MFN_API_KEY_PEPPER", PEPPER.decode())
    assert main(["config", "check", "--env", "prod"]) == 2
    assert f"mfn keys create NAME --file {path} --env prod" in capsys.readouterr().err
    monkeypatch.setenv("MFN_API_KEY", "a-plain-key-for-tests")
    assert main(["config", "check", "--env", "prod"]) == 0


def test_the_last_key_may_be_revoked_and_that_is_told(path: Path) -> None:
    text, complaints = _add(path), []  # type: tuple[str, list[str]]
    ring = _ring(path, complaints)
    remove_key(path, text.split("_")[2])
    assert ring.find(text.encode()) is None
    assert ["is for prod" in complaint for complaint in complaints] == [True]


@pytest.mark.parametrize("wrong", [" abc", "abc ", "a c", "abc\n", "a\0c", "a\u00a0c", "a\udcffc"])
def test_a_plain_key_that_no_header_can_carry_stops_the_start(wrong: str) -> None:
    for setting, given in ("api_key", wrong), ("api_keys", ["a-right-key-for-tests", wrong]):
        settings = load_settings(env="prod", **{setting: given})
        with pytest.raises(
            ConfigurationError, match=rf"^MFN_{setting.upper()}: .*must not contain whitespace"
        ) as caught:
            KeyRing(settings, lambda _: None)
        assert wrong not in caught.value.message


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


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31m", "a\x00", "a\u202eb", "\udcff", "x" * 101])
def test_a_name_is_something_that_people_can_read(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a key's name must be 1 to 100 printable characters; got"):
        make_key(name, "dev", PEPPER)


def test_the_longest_name_and_any_script_are_taken() -> None:
    assert make_key("лаборатория " + "x" * 88, "dev", PEPPER)[1].name.endswith("x")


def test_a_scope_that_is_said_twice_is_stored_once() -> None:
    assert make_key("x", "dev", PEPPER, ["metrics", "simulate", "metrics"])[1].scopes == ("metrics", "simulate")


WRONG_MEMBERS: list[tuple[str, list[object]]] = [
    ("extra", [1]),
    ("id", [5, None, "short", "\ud800" * 12, "ABCDEF012345"]),
    ("name", [5, None, ["lab"], "\ud800"]),
    ("env", [1, "test", ["prod"]]),
    ("hash", [0, "00", "0 " * 32, "x" * 64]),
    ("scopes", [["cook"], [], "", {}, "simulate", {"simulate": 1}, [["simulate"]], None]),
    ("created", [2026]),
]


@pytest.mark.parametrize(
    ("member", "value"), [(member, value) for member, values in WRONG_MEMBERS for value in values], ids=ascii
)
def test_a_file_with_a_wrong_member_is_refused_and_leaves_the_keys_of_before(
    path: Path, member: str, value: object
) -> None:
    text, complaints = _add(path), []  # type: tuple[str, list[str]]
    ring = _ring(path, complaints)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({"keys": [{**content["keys"][0], member: value}]}))
    with pytest.raises(ConfigurationError, match="is not usable: key 1 "):
        read_key_file(path)
    assert [ring.find(text.encode()) is not None for _ in range(2)] == [True, True]
    assert len(complaints) == 1


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
    "headers",
    [AUTH, {"X-API-Key": f" {KEY}\t"}, {"Authorization": f"Bearer {KEY}"}, {"Authorization": f"bearer  {KEY} "}],
    ids=str,
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
    monkeypatch.setenv("MFN_API_KEY", "tell-nobody-what-this-is")
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


def _fill(path: Path, count: int, key: Key) -> None:
    """Write a file of so many keys, of which only the last is known."""
    others = [replace(key, id=f"{number:012x}", hash="0" * 64) for number in range(count - 1)]
    path.write_bytes(orjson.dumps({"keys": [asdict(item) for item in (*others, key)]}))


@pytest.mark.slow
def test_fifty_thousand_keys_are_read_beside_the_event_loop(path: Path) -> None:
    _add(path)
    ring = _ring(path)
    text, key = make_key("lab", "prod", PEPPER)
    _fill(path, 50_000, replace(key, id=text.split("_")[2]))
    callers: set[int] = set()
    load = ring._load

    def noted(path: Path) -> str | None:
        callers.add(threading.get_ident())
        return load(path)

    ring._load = noted  # type: ignore[method-assign] # to see who reads
    for _ in range(3000):
        if ring.find(text.encode()) is not None:
            break
        time.sleep(0.01)
    assert ring.counts == (0, 50_000)
    assert threading.get_ident() not in callers


def test_a_pipe_in_place_of_the_key_file_is_not_waited_for(path: Path) -> None:
    text, complaints = _add(path), []  # type: tuple[str, list[str]]
    ring = _ring(path, complaints)
    path.unlink()
    os.mkfifo(path)
    assert ring.find(text.encode()) is not None
    assert "it must be a regular file" in complaints[0]
    with pytest.raises(ConfigurationError, match="it must be a regular file"):
        read_key_file(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "must be a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "must be a regular file"),
        (lambda path: path.write_bytes(b" " * (10 * 2**20 + 1)), "at most 10485760 bytes"),
        (lambda path: path.write_text("[" * 100_000), "not usable"),
    ],
    ids=["directory", "device", "long", "deep"],
)
def test_what_is_no_key_file_is_refused(path: Path, make: Callable[[Path], object], message: str) -> None:
    make(path)
    with pytest.raises(ConfigurationError, match=message):
        read_key_file(path)
