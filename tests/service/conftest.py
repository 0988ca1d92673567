from __future__ import annotations

import os

import pytest

from tests.service.helpers import Log


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MFN_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
