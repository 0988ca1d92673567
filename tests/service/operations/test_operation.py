"""The table of operations, and how one is run whatever the door."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any, get_args

import pytest

from mycelium_fractal_net.errors import ConfigurationError
from mycelium_fractal_net.service.core.access import OPEN, Access
from mycelium_fractal_net.service.core.call import Call
from mycelium_fractal_net.service.core.errors import CATALOGUE, ServiceError
from mycelium_fractal_net.service.core.keys import SCOPES
from mycelium_fractal_net.service.core.record import RequestRecord
from mycelium_fractal_net.service.http import app as application
from mycelium_fractal_net.service.http.app import create_app
from mycelium_fractal_net.service.http.routes import PATHS, RouteTable
from mycelium_fractal_net.service.operations import OPERATIONS, Answer, Context, Cost, Operation, perform
from mycelium_fractal_net.service.services import Services
from mycelium_fractal_net.service.settings import EndpointClass, load_settings
from tests.service.helpers import GUARDED, Log, client_of, make_app

CALL: dict[str, Any] = {"request_id": "id-1", "method": "TEST", "path": "/", "route": "/", "client_ip": "::1"}


def _services() -> Services:
    return Services(load_settings(**GUARDED), Log())


def _record(services: Services) -> RequestRecord:
    return services.recorder.open(Call(**CALL))


def _operation(run: Any, **more: Any) -> Operation:
    return Operation(name="toy", tag="toys", run=run, access=OPEN, **more)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_says_who_may_call_it_and_what_it_refuses_with(operation: Operation) -> None:
    assert operation.access.limit is None or operation.access.limit in get_args(EndpointClass)
    assert operation.access.public or operation.access.scope in SCOPES
    assert set(operation.codes) <= set(CATALOGUE)


def test_every_operation_has_a_path_and_every_path_an_operation() -> None:
    assert sorted(PATHS.values()) == sorted(OPERATIONS)


def test_an_operation_without_access_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = dataclasses.replace(OPERATIONS["nernst"], access=None)  # type: ignore[arg-type] # the fault
    monkeypatch.setattr(application, "OPERATIONS", {**OPERATIONS, "nernst": silent})
    with pytest.raises(ConfigurationError, match="the operation nernst declares no access"):
        create_app(load_settings(**GUARDED), log_stream=Log())


def test_a_path_without_access_stops_the_start() -> None:
    routes = make_app(env="dev").routes
    accesses: dict[str, Access] = {route.path: OPEN for route in routes if route.path != "/docs"}  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="the path /docs declares no access"):
        RouteTable(routes, accesses)


@pytest.mark.anyio
async def test_a_path_that_was_added_later_is_not_reached() -> None:
    app = make_app()
    app.add_api_route("/late", lambda: "open to all")
    async with client_of(app) as client:
        assert (await client.get("/late")).json()["code"] == "NOT_FOUND"


@pytest.mark.anyio
async def test_an_operation_runs_and_is_rendered_in_a_compute_thread() -> None:
    services = _services()

    def where(request: Any, context: Context) -> Answer:
        return Answer(threading.current_thread().name.encode())

    name, rendered_in = await perform(
        _operation(where), None, _record(services), services, lambda a: (a.body, threading.current_thread().name)
    )
    assert name == rendered_in.encode()
    assert rendered_in.startswith("mfn-compute")


@pytest.mark.anyio
async def test_what_costs_too_much_is_refused_before_it_runs() -> None:
    services, ran = _services(), []
    dear = _operation(lambda *_: ran.append(1), cost=lambda _: Cost(10**12, "10^12 cell steps (a joke)", "size", 9))
    with pytest.raises(ServiceError, match=r"10\^12 cell steps \(a joke\) are more than the") as caught:
        await perform(dear, None, _record(services), services, lambda answer: answer)
    assert (caught.value.refusal, caught.value.items[0]["field"], ran) == ("COST_LIMIT_EXCEEDED", "size", [])


@pytest.mark.anyio
async def test_a_scope_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(ServiceError, match="does not support connections of type carrier-pigeon"):
        await make_app()({"type": "carrier-pigeon", "path": "/health", "headers": []}, None, None)  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_a_websocket_is_refused_recorded_and_counted() -> None:
    log, sent = Log(), []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": "websocket", "path": "/ws/nothing", "headers": [], "client": ("203.0.113.7", 1)}
    app = make_app(log)
    await app(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
    [line] = log.named("request")
    assert (line["method"], line["status"], line["code"]) == ("WEBSOCKET", 404, "NOT_FOUND")
