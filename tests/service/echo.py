"""The product's server with an application that sends back what comes: what runners of conformance talk to."""

from __future__ import annotations

import sys
from typing import Any

from mycelium_fractal_net.service.http.app import create_app
from mycelium_fractal_net.service.server import run_application
from mycelium_fractal_net.service.settings import load_settings
from mycelium_fractal_net.service.telemetry.sink import Sink


class Echo:
    """Answers each message of a WebSocket with the same one, and leaves the rest to the service."""

    def __init__(self, app: Any) -> None:
        self._app, self.state = app, app.state

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            same = {name: event[name] for name in ("text", "bytes") if event.get(name) is not None}
            await send({"type": "websocket.send", **same})


def main(port: str) -> None:
    settings = load_settings(env="dev", host="127.0.0.1", port=int(port), warmup=False, grpc_enabled=False)
    sink: Any = Sink(sys.stdout.buffer)
    app: Any = Echo(create_app(settings, log_stream=sink))
    run_application(app, settings, sink)


if __name__ == "__main__":
    main(sys.argv[1])
