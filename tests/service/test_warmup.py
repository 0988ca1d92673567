"""The service is ready when the kernels are: what usual requests use is compiled before."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from mycelium_fractal_net.errors import CancelledError
from mycelium_fractal_net.service.warmup import compile_kernels
from tests.service.helpers import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCRIPT = """
import asyncio, gc, threading
from numba.core.registry import CPUDispatcher
from mycelium_fractal_net.federated import RULES
from mycelium_fractal_net.service.warmup import compile_kernels
from tests.service.helpers import AUTH, client_of, make_app

field = [[-70.0, -40.0] * 8] * 16
simulations = [{"dtype": dtype, **more} for dtype in ("float64", "float32") for more in (
    {}, {"boundary": "neumann"}, {"boundary": "dirichlet"}, {"quantum_jitter": True}, {"turing_enabled": False},
    {"include": ["features", "field"]}, {"grid_size": 512, "steps": 1}, {"initial_field_mv": [[-60.0] * 64] * 64},
    {"grid_size": 8, "steps": 2, "include": ["lyapunov"]},
)]
features = [{**what, **how} for what in ({"field": field}, {"history": [field] * 12}) for how in (
    {}, {"periodic": False}, {"config": {"connectivity": 8}}, {"config": {"box_scales": [1, 2, 4]}},
)]
features += [{"field": [[-70.0, -40.0] * 255] * 520}]
few = [[i % 7, 1.0] for i in range(40)]
many = [[i * j % 7 for j in range(2_049)] for i in range(256)]
aggregations = [{"gradients": few, "rule": rule} for rule in RULES]
aggregations += [{"gradients": many, "rule": rule} for rule in ("krum", "multi_krum", "hierarchical_krum")]
requests = [("/simulate", simulations), ("/features", features), ("/federated/aggregate", aggregations)]

def compiled():
    found = [item for item in gc.get_objects() if isinstance(item, CPUDispatcher)]
    return {f"{item.py_func.__qualname__}{signature}" for item in found for signature in item.signatures}

async def ask():
    async with client_of(make_app(), headers=AUTH, timeout=300) as client:
        for path, bodies in requests:
            for body in bodies:
                answer = await client.post(path, json=body)
                assert answer.status_code == 200, answer.text

compile_kernels(threading.Event())
before = compiled()
asyncio.run(ask())
print(sorted(compiled() - before))
"""


def test_after_the_warm_up_usual_requests_compile_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stdout + done.stderr


def test_a_warm_up_can_be_stopped() -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError, match="the warm-up was stopped"):
        compile_kernels(cancel)


FAILING = """
import sys
from mycelium_fractal_net.cli import main
from mycelium_fractal_net.service import server
from mycelium_fractal_net.service.http import app

def fail(_cancel):
    raise OSError("no room for kernels")

app.compile_kernels, server._FAILED_SECONDS = fail, 4.0
sys.exit(main(["serve", "--env", "dev", "--host", "127.0.0.1", "--port", sys.argv[1]]))
"""


def test_a_service_that_fails_to_warm_up_says_why_and_ends_with_a_fault() -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", FAILING, str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    reasons = set()
    while process.poll() is None:
        with suppress(httpx.TransportError):
            reasons.add(httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=120).text)
        time.sleep(0.05)
    _, complaint = process.communicate()
    assert any("warm-up failed: OSError: no room for kernels" in text for text in reasons), reasons
    assert process.returncode == 70
    assert b"warm-up failed: OSError: no room for kernels" in complaint
