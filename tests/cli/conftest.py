"""Run ``mfn`` in this process and look at what a user would see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mycelium_fractal_net.cli import main


@dataclass
class Outcome:
    """Exit code and both streams of one call."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Mfn = Callable[..., Outcome]


@pytest.fixture
def mfn(capsys: pytest.CaptureFixture[str]) -> Mfn:
    """Return ``mfn("nernst", 1, ...) -> Outcome``."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        streams = capsys.readouterr()
        return Outcome(code, streams.out, streams.err)

    return call
