from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.fields import SimulationConfig
from mycelium_fractal_net.service.reference import environments_reference, error_reference, settings_reference
from mycelium_fractal_net.service.settings import (
    Settings,
    config_directory,
    load_settings,
    risks,
    shown,
    without_secrets,
)
from mycelium_fractal_net.service.settings.machine import available_bytes, default_budget

KEY = "a-plain-key-for-tests"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("env", "needs_key", "limits", "docs", "log_format"),
    [
        ("dev", False, False, True, "console"),
        ("staging", True, True, True, "json"),
        ("prod", True, True, False, "json"),
    ],
)
def test_each_environment_has_its_settings(
    env: str, needs_key: bool, limits: bool, docs: bool, log_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFN_ENV", env)
    settings = load_settings(api_key=KEY)
    assert settings.env == env
    assert (settings.api_key_required, settings.rate_limit_enabled) == (needs_key, limits)
    assert (settings.docs_enabled, settings.log_format) == (docs, log_format)


@pytest.mark.parametrize("env", ["staging", "prod"])
def test_defaults_in_code_are_safe_without_a_file(env: str, tmp_path: Path) -> None:
    (tmp_path / f"{env}.json").write_text("{}")
    settings = load_settings(env=env, config_dir=tmp_path, api_key=KEY)
    assert settings.api_key_required
    assert settings.rate_limit_enabled
    assert settings.log_format == "json"
    assert settings.cors_origins == []


def test_each_source_beats_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().port == 8000
    (tmp_path / "dev.json").write_text('{"port": 1}')
    monkeypatch.setenv("MFN_CONFIG_DIR", str(tmp_path))
    assert load_settings().port == 1
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "mfn_port").write_text("2")
    monkeypatch.setenv("MFN_SECRETS_DIR", str(secrets))
    assert load_settings().port == 2
    monkeypatch.setenv("MFN_PORT", "3")
    assert load_settings().port == 3
    assert load_settings(port=4).port == 4


def test_one_limit_can_be_set_and_the_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_RATE_LIMITS__NERNST", "7")
    assert load_settings().rate_limits["nernst"] == 7
    monkeypatch.setenv("MFN_RATE_LIMITS", '{"simulate": 5}')
    limits = load_settings().rate_limits
    assert (limits["nernst"], limits["simulate"], limits["aggregate"]) == (7, 5, 100)


@pytest.mark.parametrize("text", ["a,b", '["a", "b"]', " a , b "])
def test_lists_are_read_with_commas_or_as_json(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_API_KEYS", text)
    assert [key.get_secret_value() for key in load_settings().api_keys] == ["a", "b"]


@pytest.mark.parametrize("name", ["MFN_URL", "MFN_KEY", "MFN_CACHE_DIR"])
def test_variables_of_clients_and_kernels_do_not_stop_the_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "anything")
    assert load_settings().env == "dev"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("MFN_ENV", "production", r"MFN_ENV.*'dev', 'staging' or 'prod'; got 'production'"),
        ("MFN_PORT", "http", r"MFN_PORT.*integer.*got 'http'"),
        ("MFN_PORT", "65536", r"MFN_PORT.*less than or equal to 65535"),
        ("MFN_PROT", "1", "no setting MFN_PROT; did you mean MFN_PORT"),
        ("MFN_SOMETHING_ELSE", "1", "mfn config reference lists all settings"),
        ("MFN_LOG_LEVEL", "LOUD", "MFN_LOG_LEVEL"),
        ("MFN_RATE_LIMITS", '{"smulate": 1}', "'simulate', 'features'"),
        ("MFN_RATE_LIMITS", "{", "rate_limits"),
        ("MFN_RATE_LIMITS", '{"simulate": 0}', "greater than or equal to 1"),
        ("MFN_RATE_LIMITS", '{"simulate": true}', "must be a number, not true or false; got True"),
        ("MFN_RATE_LIMITS", '{"nernst": false}', "must be a number, not true or false; got False"),
        ("MFN_COST_LIMIT", "1000", r"must be at least max_cell_steps, 2,000,000,000, .*; got 1,000"),
        ("MFN_TRUSTED_PROXIES", "gateway", "'gateway' does not appear to be an IPv4 or IPv6 network"),
        ("MFN_RATE_LIMIT_STORAGE_URL", "http://x", "must start with memory://, redis://"),
        ("MFN_API_KEY_FILE", "keys.json", "set MFN_API_KEY_PEPPER"),
        ("MFN_RATE_LIMITS", "{bad", r"MFN_RATE_LIMITS\): must be JSON as .*classes simulate, .*; got '{bad'"),
        ("MFN_RATE_LIMITS", "[1]", r"MFN_RATE_LIMITS\): Input should be a valid dictionary; got \[1\]"),
        ("MFN_RATE_LIMITS__SIM", "5", r"MFN_RATE_LIMITS__SIM\): unknown endpoint class 'sim'; .*'simulate'"),
        ("MFN_PORT__X", "1", "MFN_PORT__X has no effect: MFN_PORT has no parts, only MFN_RATE_LIMITS has"),
        ("MFN_METRICS_PUBLIC__Y", "true", "MFN_METRICS_PUBLIC__Y has no effect"),
        ("MFN_API_KEY__X", "1", "MFN_API_KEY__X has no effect"),
        ("MFN_OTLP_ENDPOINT", "http://x", "no setting MFN_OTLP_ENDPOINT"),
        ("MFN_RATE_LIMIT_STORAGE_URL", "redis://:a/b@cache", r"write / .* as %2F .*; got 'redis://\*\*\*@cache'"),
        ("MFN_API_KEYS", '{"a": "b"}', r"MFN_API_KEYS\): must be a list, as a,b or as JSON.*; got '\*\*\*'"),
        ("MFN_API_KEYS", '["a"', "must be a list"),
        ("MFN_API_KEYS", '[""]', "a key must not be empty"),
        ("MFN_HOST", "", r"MFN_HOST\): must not be empty; use 0.0.0.0 or :: for every address"),
        ("MFN_HOST", " ", "must not be empty"),
        ("MFN_API_KEY", "", r"MFN_API_KEY\): must not be empty"),
        ("MFN_API_KEY_PEPPER", "", r"MFN_API_KEY_PEPPER\): must not be empty"),
        ("MFN_API_KEY", " ", "must not be empty"),
        ("MFN_CORS_ORIGINS", "a.example", "scheme://host:port, in lower case.*got 'a.example'"),
        ("MFN_CORS_ORIGINS", "https://a.example/app", "without a path"),
        ("MFN_CORS_ORIGINS", "https://A.example", "in lower case"),
        ("MFN_CORS_ORIGINS", "https://a.example:443", "without a default port"),
        ("MFN_CORS_ORIGINS", "https://user:tell@a.example", r"got 'https://\*\*\*@a.example'"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318?t=tell", r"without a query.*got 'http://c:4318\?\*\*\*'"),
        ("MFN_CONFIG_DIR", "/nowhere", "cannot read /nowhere/dev.json: No such file"),
    ],
)
def test_wrong_settings_stop_the_start_with_one_message(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_settings()
    assert "tell" not in str(caught.value)


@pytest.mark.parametrize(
    "origins", ["https://a.example,http://localhost:3000", "https://a.example/", "http://[::1]:8080"]
)
def test_origins_that_browsers_send_are_taken(origins: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_CORS_ORIGINS", origins)
    assert load_settings(env="dev").cors_origins


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"prot": 1}', "no setting prot; did you mean port"),
        ("[1]", "one JSON object; got list"),
        ("{", "is not JSON"),
        ('{"port": "8001"}', r"dev.json: port: Input should be a valid integer; got '8001'"),
        ('{"port": true}', "port: Input should be a valid integer; got True"),
        ('{"port": 70000}', "port: Input should be less than or equal to 65535; got 70000"),
        ('{"api_key_required": "off"}', "api_key_required: Input should be a valid boolean"),
        ('{"rate_limits": {"simulate": true}}', "rate_limits: must be a number, not true or false"),
        ('{"api_key": 5}', r"api_key: .*; got \*\*\*$"),
        ('{"port": 1, "port": 2}', "the name 'port' occurs twice"),
        ('{"env": "prod"}', "env cannot be set in a file; set the variable MFN_ENV"),
    ],
)
def test_wrong_files_are_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        load_settings(config_dir=tmp_path)


@pytest.mark.parametrize("variable", ["mfn_env", "MFN_Port", "Mfn_rate_limits__SIMULATE"])
def test_variables_in_small_letters_are_refused(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ConfigurationError, match=f"{variable} is not read: write it in capitals"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "message"), [("mfn_env", "not a secret; set MFN_ENV"), ("mfn_api_kye", "did you mean mfn_api_key")]
)
def test_secrets_that_would_do_nothing_are_refused(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("prod")
    (tmp_path / "..data").mkdir()
    with pytest.raises(ConfigurationError, match=message):
        load_settings(secrets_dir=tmp_path)


def test_a_directory_of_secrets_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no directory .*/nowhere"):
        load_settings(secrets_dir=tmp_path / "nowhere")


def test_production_without_a_key_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match="set MFN_API_KEY, MFN_API_KEYS or MFN_API_KEY_FILE"):
        load_settings(env="prod")


@pytest.mark.parametrize("env", ["staging", "prod"])
def test_all_origins_are_for_dev_only(env: str) -> None:
    with pytest.raises(ConfigurationError, match="'\\*' is for dev only"):
        load_settings(env=env, api_key=KEY, cors_origins=["*"])


def test_secrets_are_never_shown() -> None:
    settings = load_settings(
        api_key="tell-nobody",
        api_keys="tell-nobody-1,tell-nobody-2",
        api_key_pepper="tell-nobody",
        rate_limit_storage_url="redis://user:tell-nobody@cache:6379/1",
    )
    text = json.dumps(shown(settings))
    assert "tell-nobody" not in text + repr(settings).replace("tell-nobody@cache", "")
    assert shown(settings)["rate_limit_storage_url"] == "redis://***@cache:6379/1"
    assert shown(settings)["api_keys"] == ["***", "***"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://cache:6379/1", "redis://cache:6379/1"),
        ("redis://cache/1?password=tell", "redis://cache/1?***"),
        ("unix://user:tell@/run/redis.sock?db=1", "unix://***@/run/redis.sock?***"),
        ("redis://u:te@ll@cache", "redis://***@cache"),
        ("redis://u:te?ll@cache", "redis://***"),
        ("user:tell@cache", "***@cache"),
        ("http://zipkin:9411/api#tell", "http://zipkin:9411/api#***"),
    ],
)
def test_urls_are_shown_without_user_password_and_query(url: str, told: str) -> None:
    assert without_secrets(url) == told


def test_a_complaint_about_a_secret_does_not_tell_it() -> None:
    with pytest.raises(ConfigurationError, match=r"api_key .*got \['\*\*\*'\]") as caught:
        load_settings(api_key=["tell-nobody"])
    assert "tell-nobody" not in str(caught.value)


def test_the_documentation_lists_every_setting() -> None:
    assert settings_reference() in (ROOT / "docs" / "service" / "settings.md").read_text()


def test_the_documentation_lists_every_difference_of_the_environments() -> None:
    table = environments_reference()
    assert table in (ROOT / "docs" / "service" / "settings.md").read_text()
    assert "| `MFN_COMPUTE_QUEUE` | 32 | 32 | 64 |" in table


def test_the_documentation_lists_every_error() -> None:
    assert error_reference() in (ROOT / "docs" / "service" / "errors.md").read_text()


@pytest.mark.parametrize("name", ["small", "medium", "large"])
def test_presets_are_configurations_of_simulations(name: str) -> None:
    text = (config_directory() / f"{name}.json").read_text()
    config = SimulationConfig.model_validate_json(text)
    assert json.loads(text).items() <= config.model_dump(mode="json").items()


@pytest.mark.parametrize("env", ["dev", "staging", "prod"])
def test_files_hold_nothing_but_settings(env: str) -> None:
    content = json.loads((config_directory() / f"{env}.json").read_text())
    assert set(content) <= set(Settings.model_fields)


LINKS = {
    "MFN_PORT": "tcp://10.0.0.7:8000",
    "MFN_SERVICE_HOST": "10.0.0.7",
    "MFN_SERVICE_PORT": "8000",
    "MFN_SERVICE_PORT_HTTP": "8000",
    "MFN_PORT_8000_TCP": "tcp://10.0.0.7:8000",
    "MFN_PORT_8000_TCP_PROTO": "tcp",
    "MFN_PORT_8000_TCP_PORT": "8000",
    "MFN_PORT_8000_TCP_ADDR": "10.0.0.7",
    "MFN_REDIS_SERVICE_HOST": "fd00::8",
    "MFN_REDIS_PORT": "tcp://[fd00::8]:6379",
    "MFN_REDIS_PORT_6379_TCP": "tcp://[fd00::8]:6379",
    "MFN_DNS_PORT_53_UDP_ADDR": "10.0.0.9",
}


@pytest.mark.parametrize("name", LINKS)
def test_a_service_link_of_kubernetes_is_ignored_and_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, LINKS[name])
    settings = load_settings()
    assert settings.port == 8000
    assert [line for line in risks(settings) if name in line and "enableServiceLinks: false" in line]


def test_all_service_links_together_are_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LINKS.items():
        monkeypatch.setenv(name, value)
    [warning] = risks(load_settings())
    assert warning.startswith(f"{len(LINKS)} variables of Kubernetes service links")


@pytest.mark.parametrize(
    ("name", "value"), [("MFN_PORT", "tcp://"), ("MFN_PROT", "tcp://10.0.0.7:1"), ("MFN_X_PORT", "1")]
)
def test_what_only_looks_like_a_service_link_stops_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


@pytest.mark.parametrize(
    "key", ["x", "short", "nineteen-characters", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabcabcabc"]
)
@pytest.mark.parametrize("name", ["api_key", "api_keys"])
@pytest.mark.parametrize("env", ["staging", "prod"])
def test_a_key_that_can_be_guessed_is_refused_outside_dev_and_not_shown(env: str, name: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}: in {env} a key has at least 20 characters") as caught:
        load_settings(env=env, **{"api_key": KEY, name: key})
    assert key not in str(caught.value)
    assert load_settings(env="dev", **{name: key})


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "128.0.0.0/1", "10.0.0.0/7"])
def test_a_world_of_trusted_proxies_is_refused_in_production_and_told_elsewhere(network: str) -> None:
    with pytest.raises(ConfigurationError, match="trusted_proxies: in prod no network wider than"):
        load_settings(env="prod", api_key=KEY, trusted_proxies=network)
    [warning] = risks(load_settings(env="dev", trusted_proxies=network), {})
    assert warning.startswith(f"MFN_TRUSTED_PROXIES={network}: nearly every address counts as a trusted proxy")


@pytest.mark.parametrize(
    ("given", "warning"),
    [
        (
            {"env": "dev", "host": "0.0.0.0"},  # noqa: S104 # it is never listened at
            "MFN_HOST=0.0.0.0 without MFN_API_KEY_REQUIRED: .* without a key and without rate limits",
        ),
        ({"env": "dev", "host": "::"}, "MFN_HOST=:: without"),
        ({"env": "dev", "host": "192.0.2.7", "rate_limit_enabled": True}, "can use the service without a key$"),
        ({"env": "prod", "api_key_required": False}, "MFN_API_KEY_REQUIRED=false in prod: anybody"),
        ({"env": "staging", "api_key_required": False}, "MFN_API_KEY_REQUIRED=false in staging: anybody"),
        (
            {"env": "prod", "api_key": KEY, "rate_limit_enabled": False},
            "MFN_RATE_LIMIT_ENABLED=false in prod: one client",
        ),
        ({"env": "prod", "api_key": KEY, "api_key_pepper": "salt"}, "MFN_API_KEY_PEPPER has fewer than 16 characters"),
    ],
)
def test_what_is_allowed_and_dangerous_is_said(given: dict[str, Any], warning: str) -> None:
    assert any(re.search(warning, line) for line in risks(load_settings(**given), {}))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_laptop_is_not_warned(host: str) -> None:
    assert risks(load_settings(env="dev", host=host), {}) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"x" * 70_000, "it must have at most 65536 bytes"),
    ],
)
def test_a_broken_secret_file_is_named_as_itself(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "mfn_api_key").write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"the secret file .*/mfn_api_key cannot be used: {message}"):
        load_settings(secrets_dir=tmp_path)


def test_a_secret_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mfn_api_key")
    with pytest.raises(ConfigurationError, match="mfn_api_key cannot be used: it must be a regular file"):
        load_settings(secrets_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mfn_port", "hidden", r"port \(the secret file .*/mfn_port\): Input should be a valid integer"),
        ("mfn_rate_limits", "{hidden", r"rate_limits \(the secret file .*/mfn_rate_limits\): must be JSON"),
        ("mfn_rate_limit_storage_url", "http://hidden", r"the secret file .*/mfn_rate_limit_storage_url\): must start"),
    ],
)
def test_a_wrong_value_is_blamed_on_its_secret_file_and_not_shown(
    name: str, content: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_settings(secrets_dir=tmp_path)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "least"),
    [
        ({"proc/self/cgroup": "0::/pod/box\n", "sys/fs/cgroup/pod/box/memory.max": "1073741824\n"}, 2**30),
        ({"proc/self/cgroup": "0::/pod/box\n", "sys/fs/cgroup/pod/memory.max": "1073741824"}, 2**30),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"}, 2**29),
        (
            {
                "proc/self/cgroup": "3:cpu:/x\n4:memory:/box\n",
                "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "536870912",
            },
            2**29,
        ),
        ({"sys/fs/cgroup/memory.max": "536870912\n"}, 2**29),
    ],
)
def test_the_memory_of_the_control_group_counts(files: dict[str, str], least: int, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert available_bytes(tmp_path) == least
    assert 64 * 2**20 <= default_budget(tmp_path) < least / 2


@pytest.mark.parametrize("content", ["max\n", "9223372036854771712\n", "nonsense"])
def test_without_a_limit_the_machine_s_memory_counts(content: str, tmp_path: Path) -> None:
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text(content)
    assert available_bytes(tmp_path) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
