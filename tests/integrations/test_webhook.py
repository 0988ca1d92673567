"""Webhooks: published signature vectors, and whom they do not reach."""

from __future__ import annotations

import asyncio
import http.server
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from mycelium_fractal_net.errors import ConfigurationError, InvalidInputError
from mycelium_fractal_net.integrations import ConnectionFailedError, Event, PublishRefusedError, make_publisher
from mycelium_fractal_net.integrations.addresses import is_public, resolve_public
from mycelium_fractal_net.integrations.signatures import signed_headers, signing_key, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
EVENT = Event("id-1", "t", "job-1", b'{"n": 1}')


def test_the_published_vector() -> None:
    headers = signed_headers([signing_key(SECRET)], "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_reference_library_verifies_every_key_of_a_rotation() -> None:
    body = EVENT.structured()
    headers = signed_headers([signing_key(SECRET), signing_key(OTHER)], "id-1", body)
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(body, headers)["id"] == "id-1"


def test_what_the_reference_library_signs_is_verified_and_nothing_else_is() -> None:
    now, body = datetime.now(UTC), '{"n": 1}'
    headers = {
        "webhook-id": "a",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("a", now, body),
    }
    keys = [signing_key(OTHER), signing_key(SECRET)]
    verify(keys, headers, body.encode())
    for changed in ({"webhook-id": "b"}, {"webhook-signature": "v1,AAAA"}):
        with pytest.raises(InvalidInputError, match="does not match"):
            verify(keys, headers | changed, body.encode())
    with pytest.raises(InvalidInputError, match="off by more"):
        verify(keys, headers, body.encode(), now=time.time() + 1000)
    with pytest.raises(InvalidInputError, match="are needed"):
        verify(keys, {}, b"")


@pytest.mark.parametrize("secret", ["whsec_short", "whsec_!!!", ""])
def test_a_secret_that_cannot_be_used_is_refused_and_not_told(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="base64 of 24 to 64 bytes") as caught:
        signing_key(secret)
    assert "short" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 # an address that must not be reached
        "224.0.0.1",
        "255.255.255.255",
        "0177.0.0.1",
        "2130706433",
        "0x7f000001",
        "127.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "ff02::1",
        "localhost",
    ],
)
def test_no_address_that_is_not_public_is_reached(host: str) -> None:
    with pytest.raises(PublishRefusedError, match="not public"):
        asyncio.run(resolve_public(host, 443))


def test_public_addresses_are_and_allowed_networks_too() -> None:
    assert is_public(ipaddress.ip_address("93.184.216.34"))
    assert is_public(ipaddress.ip_address("2606:4700::1"))
    assert asyncio.run(resolve_public("10.1.2.3", 443, [ipaddress.ip_network("10.1.0.0/16")])) == "10.1.2.3"


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: answers)
    with pytest.raises(PublishRefusedError, match="not public"):
        asyncio.run(resolve_public("both.example", 443))


def test_a_name_that_changes_its_mind_is_asked_once_for_each_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, *rest: Any, **options: Any) -> Any:
        if host in ("rebind.example", b"rebind.example"):
            asked.append("name")
            address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
        return real(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    connected: list[Any] = []

    async def refuse(_loop: Any, _factory: Any, host: Any = None, *_: Any, **__: Any) -> Any:
        connected.append(host)
        raise OSError("no network here")

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "create_connection", refuse)
    publisher = make_publisher({"kind": "webhook", "url": "https://rebind.example/hook"})

    async def attempts() -> None:
        for expected in (ConnectionFailedError, PublishRefusedError):
            with pytest.raises(expected):
                await publisher.publish(EVENT)
        await publisher.close()

    asyncio.run(attempts())
    assert len(asked) == 2
    assert [str(host) for host in connected if host] in ([], ["8.8.8.8"])


def test_a_name_that_does_not_exist_is_tried_again() -> None:
    with pytest.raises(ConnectionFailedError, match="cannot be resolved"):
        asyncio.run(resolve_public("nothing.invalid", 443))


@pytest.mark.parametrize("url", ["http://example.org/", "ftp://example.org/", "https://", "https://u:p@example.org/"])
def test_outside_dev_only_https_without_user_is_taken(url: str) -> None:
    with pytest.raises(ConfigurationError, match="url must") as caught:
        make_publisher({"kind": "webhook", "url": url})
    assert "u:p" not in str(caught.value)


@contextmanager
def receiver(status: int, *, slow: bool = False, endless: bool = False) -> Iterator[tuple[str, list[str]]]:
    paths: list[str] = []
    stop = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            paths.append(self.path)
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            if status in {301, 302, 307, 308}:
                self.send_header("location", "/elsewhere")
            self.end_headers()
            try:
                while endless and not stop.is_set():
                    self.wfile.write(b"x" * 65536)
                while slow and not stop.wait(0.2):
                    self.wfile.write(b"x")
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", paths
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


def _publish(url: str) -> None:
    async def run() -> None:
        publisher = make_publisher({"kind": "webhook", "url": url, "dev": True})
        try:
            await publisher.publish(EVENT)
        finally:
            await publisher.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, ConnectionFailedError),
        (500, ConnectionFailedError),
        (429, ConnectionFailedError),
        (410, PublishRefusedError),
    ],
)
def test_what_an_answer_means_and_no_redirect_is_followed(status: int, outcome: type[Exception]) -> None:
    with receiver(status) as (url, paths):
        with pytest.raises(outcome, match=str(status)):
            _publish(url)
        assert paths == ["/hook"]


def test_an_answer_without_end_is_read_a_little() -> None:
    with receiver(200, endless=True) as (url, _):
        _publish(url)


def test_an_answer_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mycelium_fractal_net.integrations.publishers.webhook._WHOLE_S", 0.5)
    with receiver(200, slow=True) as (url, _), pytest.raises(ConnectionFailedError, match="did not answer"):
        _publish(url)


def test_loopback_is_not_reached_outside_dev() -> None:
    async def run() -> None:
        publisher = make_publisher({"kind": "webhook", "url": "https://127.0.0.1:9/hook"})
        with pytest.raises(PublishRefusedError, match="not public"):
            await publisher.publish(EVENT)
        await publisher.close()

    asyncio.run(run())
