"""Kafka settings as client options, and what is said when Kafka does not answer. Strangers on a local port stand in."""

import asyncio
import inspect
import subprocess
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from leadline.errors import UnreachableError, UsageError
from leadline.kafka import consumer_options, faust_options, producer_options, reach
from leadline.settings.common import KafkaSettings
from leadline.settings.secret import Secret
from tests.require import need

SASL = {"sasl_username": "agent", "sasl_password": Secret("hunter2"), "sasl_mechanism": "SCRAM-SHA-512"}


def test_plain_options() -> None:
    """Without security only the addresses and our name are passed on, and what makes writing safe."""
    options = producer_options(KafkaSettings(bootstrap="a:1, b:2"), "us")
    assert options["bootstrap_servers"] == ["a:1", "b:2"]
    assert (options["security_protocol"], options["ssl_context"]) == ("PLAINTEXT", None)
    assert (options["enable_idempotence"], options["acks"], options["client_id"]) == (True, "all", "us")
    assert not any(name.startswith("sasl") for name in options)


def test_options_are_options_of_the_clients() -> None:
    """Each option that we make is a parameter of the client it is for."""
    kafka = KafkaSettings(security_protocol="SASL_PLAINTEXT", **SASL)
    assert producer_options(kafka, "us").keys() <= inspect.signature(AIOKafkaProducer).parameters.keys()
    assert consumer_options(kafka, "us", "group").keys() <= inspect.signature(AIOKafkaConsumer).parameters.keys()


def test_login_and_encryption() -> None:
    """The password is revealed to the client only, and hosts are always checked."""
    kafka = KafkaSettings(security_protocol="SASL_SSL", **SASL)
    options = consumer_options(kafka, "us", "group")
    assert (options["sasl_mechanism"], options["sasl_plain_username"]) == ("SCRAM-SHA-512", "agent")
    assert options["sasl_plain_password"] == "hunter2"
    assert options["ssl_context"].check_hostname
    assert (options["group_id"], options["enable_auto_commit"]) == ("group", False)


def test_faust_options() -> None:
    """Faust gets the same in its own form: URLs, and the parts of its credentials."""
    plain = faust_options(KafkaSettings(bootstrap="a:1,[::1]:2"))
    assert plain == {"broker": ["kafka://a:1", "kafka://[::1]:2"], "ssl_context": None, "sasl": None}
    login = faust_options(KafkaSettings(security_protocol="SASL_SSL", **SASL))
    assert login["sasl"] == {"mechanism": "SCRAM-SHA-512", "username": "agent", "password": "hunter2"}
    assert login["ssl_context"] is not None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ssl_ca_location": "/nowhere/ca.pem"}, "kafka.ssl.ca.location: cannot read /nowhere/ca.pem: No such file"),
        ({"ssl_ca_location": __file__}, f"kafka.ssl.ca.location: cannot use {__file__}: "),
        (
            {"ssl_certificate_location": __file__, "ssl_key_location": __file__},
            f"kafka.ssl.certificate.location: cannot use {__file__}: ",
        ),
    ],
)
def test_unusable_certificates(settings: dict[str, str], message: str) -> None:
    """A file that is missing or holds no certificate is named with its setting."""
    with pytest.raises(UsageError) as caught:
        producer_options(KafkaSettings(security_protocol="SSL", **settings), "us")
    assert str(caught.value).startswith(message)


async def hang_up(reader: StreamReader, writer: StreamWriter) -> None:
    await reader.read(1)
    writer.close()


async def talk_http(reader: StreamReader, writer: StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)
    writer.close()


@asynccontextmanager
async def stranger(
    answer: Callable[[StreamReader, StreamWriter], Awaitable[None]], tls: SSLContext | None = None
) -> AsyncIterator[str]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def refused(**settings: object) -> Exception:
    with pytest.raises((UnreachableError, UsageError)) as caught:
        await reach(KafkaSettings(**settings))
    assert "\n" not in str(caught.value)
    return caught.value


async def test_nobody_there() -> None:
    """An address without a listener is unreachable, and the message says what to do."""
    async with stranger(hang_up) as address:
        pass
    error = await refused(bootstrap=f"{address}, localhost:1")
    assert isinstance(error, UnreachableError)
    assert str(error) == (
        f"Kafka at {address} does not answer (nor localhost:1): connection refused; start it, or set kafka.bootstrap"
    )


@pytest.mark.parametrize("answer", [hang_up, talk_http])
async def test_a_stranger_on_the_port(answer: Callable[[StreamReader, StreamWriter], Awaitable[None]]) -> None:
    """Something that is not Kafka is told apart from nothing at all."""
    async with stranger(answer) as address:
        error = await refused(bootstrap=address)
    assert isinstance(error, UnreachableError)
    assert f"Kafka at {address} hung up" in str(error)


async def test_no_encryption_there() -> None:
    """TLS towards a port that does not speak it is a wrong setting."""
    async with stranger(talk_http) as address:
        error = await refused(bootstrap=address, security_protocol="SSL")
    assert isinstance(error, UsageError)
    assert "does not speak TLS; kafka.security.protocol is SSL" in str(error)


async def test_a_certificate_we_do_not_trust(tmp_path: Path) -> None:
    """A broker signed by an authority unknown to us names the setting that makes it known."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key -out cert"
    made = subprocess.run(command.split(), cwd=tmp_path, capture_output=True)
    need(made.returncode == 0, "openssl, to make a certificate")
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    async with stranger(hang_up, tls) as address:
        error = await refused(bootstrap=address, security_protocol="SSL")
    assert isinstance(error, UsageError)
    assert "set kafka.ssl.ca.location" in str(error)
