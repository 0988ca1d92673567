"""Every reader of files refuses a pipe at once: nobody writes into it, and who waits for one waits for ever."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mycelium_fractal_net.cli._arrays import own_configuration
from mycelium_fractal_net.cli._pictures import read_levels
from mycelium_fractal_net.cli.signals import _of_csv
from mycelium_fractal_net.datasets import load_scenario
from mycelium_fractal_net.errors import MFNError
from mycelium_fractal_net.fields.models import load_kinetics_file
from mycelium_fractal_net.integrations.config import load_worker_config
from mycelium_fractal_net.integrations.secrets import vault
from mycelium_fractal_net.integrations.sources.file import _Done
from mycelium_fractal_net.service.core.keys import read_key_file
from mycelium_fractal_net.service.rpc.server import _content
from mycelium_fractal_net.service.settings import load_settings

READERS: dict[str, Callable[[Path], Any]] = {
    "picture.png": read_levels,
    "series.csv": _of_csv,
    "scenario.yaml": load_scenario,
    "kinetics.py": load_kinetics_file,
    "worker.yaml": load_worker_config,
    "jobs.jsonl.acked": lambda path: _Done(path.with_name("jobs.jsonl"), [0]),
    "keys.json": read_key_file,
    "tls.pem": _content,
    "dev.json": lambda path: load_settings(config_dir=path.parent),
    "mfn_api_key": lambda path: load_settings(secrets_dir=path.parent),
}


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_refused_without_a_wait(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(MFNError, match=r"must be a regular file|no file"):
        READERS[name](tmp_path / name)


def test_a_pipe_for_vault_s_token_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "token")
    monkeypatch.setattr(vault, "_KUBERNETES_TOKEN", tmp_path / "token")
    with pytest.raises(MFNError, match="must be a regular file"):
        vault._token()


def test_a_pipe_says_nothing_of_how_a_field_was_made(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "field.npz")
    assert own_configuration(tmp_path / "field.npz") == {}
