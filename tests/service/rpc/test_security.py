"""Who may speak gRPC: certificates that are renewed, tickets, and what the service says of itself."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2

from mycelium_fractal_net._proto import mfn_pb2
from tests.service.helpers import AUTH, Server
from tests.service.rpc.helpers import METADATA, SERVICE, Caller, details_of, grpc_server

pytestmark = pytest.mark.slow

ION = mfn_pb2.NernstRequest(concentration_out_molar=0.005, concentration_in_molar=0.14)
BUF = Path(sys.executable).with_name("buf")
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    with grpc_server(tmp_path_factory.mktemp("strangers")) as found:
        yield found


def test_too_much_metadata_is_refused_and_the_next_call_is_answered(served: tuple[Server, str]) -> None:
    caller = Caller(served[1])
    with pytest.raises(grpc.RpcError) as refused:
        caller.unary("Nernst", ION, mfn_pb2.NernstResponse, metadata=(*METADATA, ("x-much", "m" * 20_000)))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caller.unary("Nernst", ION, mfn_pb2.NernstResponse).potential_mv < 0


def test_a_ticket_is_no_key(served: tuple[Server, str]) -> None:
    for members in ({}, {"stream": "s1"}):
        ticket = httpx.post(f"{served[0].url}/tickets", json=members, headers=AUTH, timeout=120).json()["ticket"]
        for metadata in ((("x-api-key", ticket),), (("authorization", f"Bearer {ticket}"),), (("ticket", ticket),)):
            with pytest.raises(grpc.RpcError) as refused:
                list(Caller(served[1], metadata).simulate())
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert ticket not in served[0].log.read_text()


class Authority:
    """An authority that signs certificates."""

    def __init__(self, name: str) -> None:
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _name(name)
        self.certificate = _signed(self._name, self._key.public_key(), self._name, self._key, ca=True)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, name: str) -> tuple[bytes, bytes]:
        """Return a certificate for localhost and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(_name(name), key.public_key(), self._name, self._key)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(*form)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(subject: x509.Name, key: Any, issuer: x509.Name, signer: Any, *, ca: bool = False) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(hours=1))
    builder = builder.not_valid_after(now + dt.timedelta(hours=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    return builder.add_extension(names, critical=False).sign(signer, hashes.SHA256())


class Tls:
    """A server with certificates in files, which can be renewed."""

    def __init__(self, directory: Path) -> None:
        self.files = {name: directory / f"{name}.pem" for name in ("certificate", "key", "clients")}
        self.clients = Authority("clients")
        self.files["clients"].write_bytes(self.clients.pem)
        self.place = ""

    def renew(self, authority: Authority) -> None:
        certificate, key = authority.issue("server")
        self.files["certificate"].write_bytes(certificate)
        self.files["key"].write_bytes(key)

    def caller(self, authority: Authority, *, known: bool = True) -> Caller:
        certificate, key = self.clients.issue("somebody") if known else (None, None)
        credentials = grpc.ssl_channel_credentials(authority.pem, key, certificate)
        return Caller(f"localhost:{self.place.rpartition(':')[2]}", credentials=credentials)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tls, Authority]]:
    directory = tmp_path_factory.mktemp("tls")
    made, first = Tls(directory), Authority("first")
    made.renew(first)
    settings = {
        "GRPC_TLS_CERT_FILE": str(made.files["certificate"]),
        "GRPC_TLS_KEY_FILE": str(made.files["key"]),
        "GRPC_TLS_CLIENT_CA_FILE": str(made.files["clients"]),
        "GRPC_REFLECTION": "true",
    }
    with grpc_server(directory, **settings) as (_, made.place):
        yield made, first


def _answers(caller: Caller) -> bool:
    try:
        return bool(caller.unary("Nernst", ION, mfn_pb2.NernstResponse, timeout=60).potential_mv < 0)
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.UNAVAILABLE  # noqa: PT017 # a handshake that failed
        return False
    finally:
        caller.channel.close()


def test_certificates_are_renewed_without_a_restart(tls: tuple[Tls, Authority]) -> None:
    made, first = tls
    stranger, second = Authority("stranger"), Authority("second")
    assert _answers(made.caller(first))
    assert not _answers(made.caller(stranger))
    assert not _answers(made.caller(first, known=False))  # who shows no certificate of its own
    open_before = made.caller(first)
    open_before.unary("Nernst", ION, mfn_pb2.NernstResponse)
    made.renew(second)
    assert _answers(made.caller(second))
    assert not _answers(made.caller(first))
    assert open_before.unary("Nernst", ION, mfn_pb2.NernstResponse).potential_mv < 0  # a connection that stands goes on
    made.files["key"].unlink()  # in the middle of being renewed
    assert _answers(made.caller(second))
    made.renew(first)
    assert _answers(made.caller(first))


def test_reflection_is_there_where_it_is_asked_for(tls: tuple[Tls, Authority], served: tuple[Server, str]) -> None:
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

    caller = tls[0].caller(tls[1])
    assert SERVICE in ProtoReflectionDescriptorDatabase(caller.channel).get_services()
    with pytest.raises(grpc.RpcError) as refused:
        list(ProtoReflectionDescriptorDatabase(Caller(served[1]).channel).get_services())
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED  # in prod, unless asked for
    assert details_of(refused.value.trailing_metadata())["ErrorInfo"].reason == "METHOD_NOT_ALLOWED"


def test_health_needs_no_key_but_a_certificate(tls: tuple[Tls, Authority]) -> None:
    caller = tls[0].caller(tls[1])
    request = health_pb2.HealthCheckRequest(service=SERVICE)
    answer = caller.unary("/grpc.health.v1.Health/Check", request, health_pb2.HealthCheckResponse, metadata=())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.skipif(not BUF.exists(), reason="buf is not installed")
def test_the_protocol_breaks_nothing_that_was_released(tmp_path: Path) -> None:
    command = [str(BUF), "breaking", "proto", "--against", "proto/baseline.binpb"]
    subprocess.run(command, cwd=ROOT, check=True)
    text = (ROOT / "proto/mfn/v1/mfn.proto").read_text().replace("double potential_mv = 1;", "string potential_mv = 1;")
    changed = tmp_path / "proto" / "mfn" / "v1"
    changed.mkdir(parents=True)
    (changed / "mfn.proto").write_text(text)
    (tmp_path / "proto" / "buf.yaml").write_text((ROOT / "proto/buf.yaml").read_text())
    command[2], command[4] = str(tmp_path / "proto"), str(ROOT / "proto/baseline.binpb")
    assert subprocess.run(command, check=False, capture_output=True).returncode != 0
