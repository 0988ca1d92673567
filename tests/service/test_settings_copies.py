"""Settings that are copied, and truth values where numbers belong."""

from __future__ import annotations

from typing import Any

import pytest

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.settings import load_settings

KEY = "0123456789abcdefghij"


@pytest.mark.parametrize("name", ["idle_seconds", "answer_seconds", "stream_seconds", "max_compute_seconds", "port"])
def test_true_is_no_number_whoever_gives_it(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} .*: must be a number, not true or false; got True"):
        load_settings(**{name: True})


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"port": -3}, "port: Input should be greater than or equal to 0"),
        ({"prot": 3}, "no setting prot; did you mean port"),
        ({"env": "prod"}, "is for dev only"),
    ],
)
def test_a_copy_of_settings_is_checked_as_new_ones_are(update: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_settings(env="dev").model_copy(update=update)


def test_a_copy_of_settings_is_that_of_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(port=1, api_key=KEY, otlp_endpoint="http://127.0.0.1:4318")
    monkeypatch.setenv("MFN_PORT", "9")
    monkeypatch.setenv("MFN_LOG_LEVEL", "ERROR")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.2:4318")
    assert settings.model_copy() == settings
    assert settings.model_copy(update={"grpc_enabled": False}).model_dump(exclude={"grpc_enabled"}) == (
        settings.model_dump(exclude={"grpc_enabled"})
    )
