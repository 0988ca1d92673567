"""A kind of another package, installed as others install it; systems before and after MFN."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/integrations"


def test_a_package_plugs_a_publisher_in(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(tmp_path)]
    subprocess.run([*pip, str(EXAMPLES / "mfn_print")], check=True, timeout=300)
    code = (
        "import asyncio\n"
        "from mycelium_fractal_net.integrations import Event, kinds, make_publisher\n"
        "assert 'print' in kinds('publishers')\n"
        "publisher = make_publisher({'kind': 'print', 'prefix': '> '})\n"
        "asyncio.run(publisher.publish(Event('i', 't', 's', b'{}')))\n"
    )
    paths = os.pathsep.join([str(tmp_path), *(path for path in sys.path if path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith('> {"specversion":"1.0"')


@pytest.mark.slow
def test_systems_before_and_after_work_together() -> None:
    command = [sys.executable, str(EXAMPLES / "systems.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "storage keeps 41 events of 41 jobs" in done.stdout
    assert "risk module:" in done.stdout
