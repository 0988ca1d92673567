"""Users that put the service under load and check every answer: ``make load``, or see load_tests/README.md."""

from __future__ import annotations

import ipaddress
import json
import logging
import math
import os
import random
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from locust import FastHttpUser, between, events, task
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from load_tests.scenarios import CHOSEN, REFUSED, UNTIL_ASKED, Spike, Streams, Stress, Sustained, never_asked

__all__ = [
    "EventsUser",
    "HealthUser",
    "NernstUser",
    "SimulateUser",
    "SocketUser",
    "Spike",
    "Streams",
    "Stress",
    "Sustained",
    "ValidateUser",
]

KEY = os.environ.get("MFN_KEY") or os.environ.get("MFN_API_KEY") or ""
HEADERS = {"X-API-Key": KEY} if KEY else {}
SEEDS = 16
GAS_CONSTANT = 8.31446261815324
FARADAY_CONSTANT = 96485.33212331

_log = logging.getLogger(__name__)
_seen: dict[str, Any] = {}


def nernst_mv(ion: dict[str, float]) -> float:
    """Return RT/zF ln(out/in) in mV."""
    volts = GAS_CONSTANT * ion["temperature_k"] / (ion["z_valence"] * FARADAY_CONSTANT)
    return 1e3 * volts * math.log(ion["concentration_out_molar"] / ion["concentration_in_molar"])


def always_the_same(name: str, value: Any) -> str | None:
    """Complain about an answer that differs from the first one of its name."""
    first = _seen.setdefault(name, value)
    return None if value == first else f"{name}: {value} where it was {first}"


class ServiceUser(FastHttpUser):
    """Somebody who asks, checks the answer, pauses, and asks again."""

    abstract = True
    wait_time = between(0.05, 0.15)
    network_timeout = 3600.0 if UNTIL_ASKED else 120.0  # who only wants to see everything answered once has time

    def ask(self, path: str, body: dict[str, Any], complaint: Callable[[Any, Any], str | None]) -> None:
        """Post; count 200 if nothing is to complain about, 429 as refused, all else as failed."""
        with self.client.post(path, json=body, headers=HEADERS, catch_response=True) as response:
            if response.status_code == 429 and int(response.headers.get("Retry-After") or 0) >= 1:
                response.request_meta["name"] += REFUSED
                response.success()
            elif response.status_code != 200:
                response.failure(f"{response.status_code}: {(response.text or '')[:200]}")
            elif found := complaint(response.json(), response.headers):
                response.failure(found)


class NernstUser(ServiceUser):
    """Short questions, six users in eleven."""

    abstract = CHOSEN == "streams"
    weight = 6

    @task
    def nernst(self) -> None:
        ion = {
            "z_valence": random.choice((-2, -1, 1, 2)),
            "concentration_out_molar": random.uniform(0.001, 0.5),
            "concentration_in_molar": random.uniform(0.001, 0.5),
            "temperature_k": random.uniform(273.0, 373.0),
        }
        expected = nernst_mv(ion)

        def complaint(answer: Any, _headers: Any) -> str | None:
            right = math.isclose(answer["potential_mV"], expected, rel_tol=1e-9, abs_tol=1e-9)
            return None if right else f"a potential for the valence {ion['z_valence']} is not RT/zF ln(out/in)"

        self.ask("/nernst", ion, complaint)


class SimulateUser(ServiceUser):
    """Fields of 64 x 64 cells and 64 steps, three users in eleven; a seed gives the same receipt each time."""

    abstract = CHOSEN == "streams"
    weight = 3

    @task
    def simulate(self) -> None:
        seed = random.randrange(SEEDS)

        def complaint(answer: Any, headers: Any) -> str | None:
            receipt = answer["receipt"]
            if receipt["seed"] != seed or headers.get("ETag") != f'W/"{receipt["result_digest"]}"':
                return f"seed {seed}: another seed in the receipt, or another digest in the ETag"
            return always_the_same(f"simulation {seed}", receipt)

        self.ask("/simulate", {"seed": seed, "grid_size": 64, "steps": 64}, complaint)


class ValidateUser(ServiceUser):
    """The self-check on small fields, one user in eleven; it passes, with the same numbers each time."""

    abstract = CHOSEN == "streams"
    weight = 1

    @task
    def validate(self) -> None:
        seed = random.randrange(2)

        def complaint(answer: Any, _headers: Any) -> str | None:
            failed = [check["name"] for check in answer["checks"] if not check["passed"]]
            if failed or not answer["checks"]:
                return f"checks that failed: {failed or 'there are none at all'}"
            return always_the_same(f"validation {seed}", answer)

        self.ask("/validate", {"seed": seed, "grid_size": 16, "steps": 16}, complaint)


def complaint_of_stream(seed: int, messages: list[dict[str, Any]]) -> str | None:
    """Complain about a stream that is not whole, or whose result is not that of ``/simulate``."""
    kinds = [message["type"] for message in messages]
    numbers = [message["sequence"] for message in messages if "sequence" in message]
    if kinds[-1:] != ["completed"] or numbers != list(range(len(numbers))):
        return f"a stream of seed {seed} ended in {kinds[-1:]}, its sequences are {numbers}"
    return always_the_same(f"simulation {seed}", messages[-1]["receipt"])


class EventsUser(ServiceUser):
    """Streams of 64 x 64 cells and 64 steps as Server-Sent Events, one user in eleven."""

    weight = 1

    @task
    def watch(self) -> None:
        seed = random.randrange(SEEDS)
        body = {"config": {"seed": seed, "grid_size": 64, "steps": 64}, "every": 8}
        with self.client.post("/stream/simulate", json=body, headers=HEADERS, catch_response=True) as response:
            if response.status_code == 429 and int(response.headers.get("Retry-After") or 0) >= 1:
                response.request_meta["name"] += REFUSED
                response.success()
            elif response.status_code != 200:
                response.failure(f"{response.status_code}: {(response.text or '')[:200]}")
            else:
                told = [line[6:] for line in (response.text or "").splitlines() if line.startswith("data: ")]
                if found := complaint_of_stream(seed, [json.loads(line) for line in told]):
                    response.failure(found)


class SocketUser(ServiceUser):
    """The same over WebSockets, with fields of a byte a cell that are acknowledged; in the scenario of streams."""

    abstract = CHOSEN != "streams"
    weight = 1

    @task
    def watch(self) -> None:
        seed, begin, error = random.randrange(SEEDS), time.perf_counter(), None
        received = 0
        try:
            messages, received = self._watched(seed)
            found = complaint_of_stream(seed, messages)
            error = None if found is None else RuntimeError(found)
        except (OSError, WebSocketException) as failure:
            error = failure
        self.environment.events.request.fire(
            request_type="WS",
            name="/ws/simulate",
            response_time=1e3 * (time.perf_counter() - begin),
            response_length=received,
            exception=error,
            context={},
        )

    def _watched(self, seed: int) -> tuple[list[dict[str, Any]], int]:
        start = {"config": {"seed": seed, "grid_size": 64, "steps": 64}, "every": 8}
        shown = {"include": ["field"], "encoding": "uint8"}
        messages: list[dict[str, Any]] = []
        received = 0
        url = f"ws{(self.host or '').removeprefix('http').rstrip('/')}/ws/simulate"
        with connect(url, additional_headers=HEADERS, open_timeout=self.network_timeout) as socket:
            socket.send(json.dumps({"type": "start", **start, **shown}))
            while not messages or messages[-1]["type"] not in {"completed", "error"}:
                content = socket.recv(timeout=self.network_timeout)
                received += len(content)
                if isinstance(content, bytes):
                    last = {"stream": messages[-1]["stream"], "sequence": messages[-1]["sequence"]}
                    socket.send(json.dumps({"type": "ack", **last}))
                else:
                    messages.append(json.loads(content))
        return messages, received


class HealthUser(ServiceUser):
    """The one who looks whether the service is there, whatever the others do."""

    fixed_count = 1

    @task
    def health(self) -> None:
        with self.client.get("/health", catch_response=True) as response:
            if response.status_code != 200 or response.json()["status"] != "healthy":
                response.failure(f"{response.status_code}: {(response.text or '')[:200]}")


@events.test_start.add_listener
def check_target(environment: Any, **_: Any) -> None:
    """End with one line where the load may not go, or where a key is missing or wrong."""
    host = environment.host or "http://127.0.0.1:8000"
    problem = not_allowed(host) or not_welcome(host)
    if problem:
        sys.exit(problem)


@events.quitting.add_listener
def tell_what_was_never_asked(environment: Any, **_: Any) -> None:
    """Warn of endpoints that a run with few users, or a short one, has not reached."""
    missed = never_asked(environment.stats)
    if missed:
        _log.warning("never asked, so not tested: %s; take twelve users or more, and a longer run", ", ".join(missed))


def not_allowed(host: str) -> str | None:
    """Say why a host is not to be put under load."""
    name = urlsplit(host).hostname or ""
    if is_loopback(name) or os.environ.get("MFN_LOAD_REMOTE") == "yes":
        return None
    return f"{host} is not on this machine; set MFN_LOAD_REMOTE=yes if it is yours and may be put under load"


def is_loopback(name: str) -> bool:
    """Tell whether a host's name or address stands for this machine."""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def not_welcome(host: str) -> str | None:
    """Say why the service would not answer at all."""
    parts = urlsplit(host)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.netloc, timeout=10)
    try:
        body = json.dumps({"concentration_out_molar": 0.005, "concentration_in_molar": 0.14})
        connection.request("POST", "/nernst", body, {**HEADERS, "Content-Type": "application/json"})
        status = connection.getresponse().status
    except OSError as error:
        return f"{host} does not answer: {error}"
    finally:
        connection.close()
    if status in {401, 403}:
        given = "the one in MFN_KEY is not accepted" if KEY else "set MFN_KEY (or MFN_API_KEY)"
        return f"{host} wants a key with the scope simulate: {given}"
    return None
