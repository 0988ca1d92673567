from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.service.helpers import Log


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MFN_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _standard_logging() -> Iterator[None]:
    """Take back what a service that was started in this process has adopted."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    hooks = threading.excepthook, sys.unraisablehook
    yield
    root.handlers, (threading.excepthook, sys.unraisablehook) = handlers, hooks
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
