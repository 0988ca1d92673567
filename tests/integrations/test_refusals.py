"""Brokers that let nobody in: a wrong password, and TLS where the other side speaks none. Values are never told."""

from __future__ import annotations

import asyncio
import gc
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mycelium_fractal_net.integrations import ConnectionFailedError, Event, make_publisher, make_source
from tests.integrations.brokers import MqttBroker, NatsBroker
from tests.integrations.kafka_places import MockCluster
from tests.integrations.place import RABBITMQ, REDIS

WRONG = "planted-wrong-password"
EVENT = Event("i", "net.mycelium.t.v1", "job-1", b"{}")
DEADLINE_S = 90


class GuardedNats(NatsBroker):
    """A server with one user."""

    def command(self) -> list[str]:
        return [*super().command(), "--user", "mfn", "--pass", "right"]


class GuardedMqtt(MqttBroker):
    """A broker with one user."""

    def command(self) -> list[str]:
        command = super().command()
        passwords = self.directory / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "mfn", "right"], check=True)
        settings = self.directory / "mosquitto.conf"
        text = settings.read_text().replace("allow_anonymous true", f"allow_anonymous false\npassword_file {passwords}")
        settings.write_text(text)
        return command


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Yield ports of brokers that know one user."""
    started = [kind(tmp_path_factory.mktemp(kind.kind)) for kind in (GuardedMqtt, GuardedNats)]
    for broker in started:
        broker.start()
    yield {broker.kind: broker.port for broker in started}
    for broker in started:
        broker.kill()


def refused(kind: str, ports: Mapping[str, int], case: str) -> dict[str, Any]:
    """Return options that are refused."""
    plain = {
        "rabbitmq": RABBITMQ.replace(":guest@", f":{WRONG}@"),
        "redis": REDIS.replace("//", f"//:{WRONG}@"),
        "nats": f"nats://mfn:{WRONG}@127.0.0.1:{ports['nats']}",
        "mqtt": f"mqtt://mfn:{WRONG}@127.0.0.1:{ports['mqtt']}",
    }
    encrypted = {"rabbitmq": "amqps", "redis": "rediss", "nats": "tls", "mqtt": "mqtts"}
    if kind == "kafka":
        more = {"password": {"sasl.mechanism": "PLAIN", "sasl.username": "mfn", "sasl.password": WRONG}, "TLS": {}}[
            case
        ]
        protocol = {"password": "SASL_PLAINTEXT", "TLS": "SSL"}[case]
        return {"kind": kind, "servers": MockCluster.start(), "options": {"security.protocol": protocol, **more}}
    scheme, _, rest = plain[kind].partition("://")
    return {"kind": kind, "url": f"{encrypted[kind] if case == 'TLS' else scheme}://{rest}"}


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # aiormq leaves its socket to the collector, which is called before another test pays for it
@pytest.mark.parametrize("case", ["password", "TLS"])
@pytest.mark.parametrize("kind", ["kafka", "mqtt", "nats", "rabbitmq", "redis"])
@pytest.mark.parametrize("side", ["source", "publisher"])
def test_who_is_not_let_in_is_told_and_no_value_is_shown(
    kind: str, case: str, side: str, guarded: dict[str, int]
) -> None:
    options = refused(kind, guarded, case)

    async def attempt() -> None:
        async with asyncio.timeout(DEADLINE_S):
            if side == "source":
                source = make_source(options)
                try:
                    await anext(aiter(source.deliveries()))
                finally:
                    await source.close()
            else:
                publisher = make_publisher(options)
                try:
                    await publisher.publish(EVENT)
                finally:
                    await publisher.close()

    with pytest.raises(ConnectionFailedError) as caught:
        asyncio.run(attempt())
    assert WRONG not in str(caught.value)
    gc.collect()
