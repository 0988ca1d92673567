"""Run the app on this machine: one SuperLink, a SuperNode per client, Flower's own FedAvg and a robust rule.

``python examples/flower_digits/run_on_loopback.py [--rounds 5] [--clients 10] [--hostile 2] [--rules fedavg ...]``
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

APP = Path(__file__).resolve().parent
PROGRAMS = Path(sys.executable).parent
PATIENCE_S = 1200


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in sockets]


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once something listens on the port."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nothing listens on port {port}")


@contextmanager
def program(home: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of Flower's programs, and end it with everything that it started."""
    with (home / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [str(PROGRAMS / name), *arguments],
            env=environment(home),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program and its children: first asked, then told."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def environment(home: Path) -> dict[str, str]:
    """Return the environment of all programs: everything Flower writes goes below ``home``, nothing goes out."""
    own = {"FLWR_HOME": str(home), "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}
    return {**os.environ, **own, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}


@contextmanager
def network(home: Path, clients: int) -> Iterator[str]:
    """Run a SuperLink and its SuperNodes; yield the name of the connection for ``flwr run``."""
    control, fleet, server, *nodes = free_ports(3 + clients)
    (home / "config.toml").write_text(
        f'[superlink]\ndefault = "loopback"\n\n[superlink.loopback]\naddress = "127.0.0.1:{control}"\ninsecure = true\n'
    )
    with ExitStack() as stack:
        addresses = {"control-api": control, "fleet-api": fleet, "serverappio-api": server}
        options = [part for name, port in addresses.items() for part in (f"--{name}-address", f"127.0.0.1:{port}")]
        link = program(home, "flower-superlink", "--insecure", "--disable-runtime-dependency-installation", *options)
        running = stack.enter_context(link)
        for port in (control, fleet):
            wait_for(port, running)
        for number, port in enumerate(nodes):
            place = f"partition-id={number} num-partitions={clients}"
            addressed = ("--superlink", f"127.0.0.1:{fleet}", "--clientappio-api-address", f"127.0.0.1:{port}")
            stack.enter_context(program(home, "flower-supernode", "--insecure", *addressed, "--node-config", place))
        yield "loopback"


def run(home: Path, connection: str, rule: str, **settings: int) -> list[float]:
    """Run the app once and return the accuracy before the first round and after each."""
    out = home / f"{rule}.json"
    given = " ".join(f"{name}={value}" for name, value in settings.items())
    config = f'rule="{rule}" {given} out="{out}"'
    command = [str(PROGRAMS / "flwr"), "run", str(APP), connection, "--stream", "--run-config", config]
    done = subprocess.run(
        command, env=environment(home), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if not out.exists():
        raise RuntimeError(f"the run left no result:\n{done.stdout}{done.stderr}\n{(home / 'log.txt').read_text()}")
    return [float(value) for value in json.loads(out.read_text())]


def main(arguments: list[str] | None = None) -> dict[str, list[float]]:
    """Run the app under every rule that is asked for, on one network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--hostile", type=int, default=2)
    parser.add_argument("--rules", nargs="+", default=["fedavg", "nnm-trimmed-mean"])
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mfn-flower-") as directory:
        home = Path(directory)
        settings = {"rounds": asked.rounds, "clients": asked.clients, "hostile": asked.hostile}
        with network(home, asked.clients) as connection:
            found = {rule: run(home, connection, rule, **settings) for rule in asked.rules}
    for rule, accuracies in found.items():
        print(f"{rule:<18}", *(f"{100 * accuracy:5.1f} %" for accuracy in accuracies))
    return found


if __name__ == "__main__":
    main()
