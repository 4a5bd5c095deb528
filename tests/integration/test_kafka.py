"""The errors when Kafka does not answer. Something else listens on a local port in its place."""

import asyncio
import subprocess
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest

from leadline.errors import UnreachableError, UsageError
from leadline.kafka import reach
from leadline.settings.common import KafkaSettings
from tests.require import need


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
    """Something that is not Kafka is distinguished from nothing at all."""
    async with stranger(answer) as address:
        error = await refused(bootstrap=address)
    assert isinstance(error, UnreachableError)
    assert f"Kafka at {address} closed the connection" in str(error)


async def test_no_encryption_there() -> None:
    """TLS towards a port that does not speak it is a wrong setting."""
    async with stranger(talk_http) as address:
        error = await refused(bootstrap=address, security_protocol="SSL")
    assert isinstance(error, UsageError)
    assert "does not use TLS; check kafka.security.protocol, which is SSL" in str(error)


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
