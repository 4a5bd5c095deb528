"""HTTP: there is a response or a reason, whatever the URL."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from leadline.clock import ManualClock
from leadline.errors import UsageError
from leadline.settings.secret import Secret
from leadline.settings.targets import ProxySettings
from leadline_sinks import http as client
from leadline_sinks.http import PROXY_LOGIN, Http, Response
from leadline_sinks.notify.sink import Reason, Retry
from tests.fixtures.certificates import Authority
from tests.fixtures.proxy import LOGIN, forward_proxy
from tests.unit.sinks import made


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "//hooks.example.com",
        "ftp://127.0.0.1/",
        "http://",
        "https://[x",
        "http://127.0.0.1:port/",
        "http://127.0.0.1:99999/",
        "http://xn--/",
        "http://a\0b/",
        "http://\ud800.example/",
        "http://127.0.0.1:1/\ud800",
        "http://127.0.0.1:1/" + "a" * 100_000,
    ],
    ids=lambda url: ascii(url[:30]),
)
async def test_an_invalid_url(url: str) -> None:
    """The detail reports an invalid URL without quoting it."""
    async with Http(ManualClock(made.START)) as http:
        outcome = await http.post(url, b"x", {})
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.UNREACHABLE
    assert not url or url not in outcome.detail


@asynccontextmanager
async def server(text: bytes, *, reset: bool = False) -> AsyncIterator[str]:
    """The URL of a server that reads a request, sends a text and closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\nx")
        writer.write(text)
        await writer.drain()
        if reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize(
    ("text", "reset"),
    [(b"", False), (b"", True), (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nha", False), (b"HTTP/1.1 20", False)],
)
async def test_a_closed_connection(text: bytes, reset: bool) -> None:
    """The server has the request and may have processed it, so the reason is not a missing connection."""
    async with server(text, reset=reset) as url, Http(ManualClock(made.START)) as http:
        outcome = await http.post(url, b"x", {})
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.TIMEOUT


def through(address: str, *direct: str) -> ProxySettings:
    return ProxySettings(url=Secret(address), direct=list(direct))


@pytest.mark.parametrize(("login", "user"), [(False, ""), (True, f"{LOGIN}@")])
async def test_a_proxy(login: bool, user: str) -> None:
    """Names are resolved by the proxy alone; hosts that are excepted are reached directly."""
    answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
    async with server(answer) as url:
        with forward_proxy(url, login=login) as proxy:
            settings = through(f"http://{user}{proxy.address}", "127.0.0.*")
            async with Http(ManualClock(made.START), proxy=settings) as http:
                far = await http.post("http://events.pagerduty.invalid/v2/enqueue", b"x", {})
                near = await http.post(url, b"x", {})
    assert [getattr(each, "status", None) for each in (far, near)] == [204, 204]
    assert proxy.requests == ["POST http://events.pagerduty.invalid/v2/enqueue"]


async def test_a_tunnel() -> None:
    """A request over TLS goes through the proxy unread; here, the other end of the tunnel closes it."""

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        with forward_proxy(f"http://127.0.0.1:{port}") as proxy:
            async with Http(ManualClock(made.START), proxy=through(f"http://{proxy.address}")) as http:
                outcome = await http.post("https://slack.invalid/api", b"x", {})
    assert isinstance(outcome, Retry)
    assert proxy.requests == ["CONNECT slack.invalid:443"]


@pytest.mark.parametrize("target", ["http://slack.invalid/api", "https://slack.invalid/api"])
async def test_a_proxy_that_asks_for_a_login(target: str) -> None:
    """The notification is kept until the login is right, whichever way the proxy says so. The login is not shown."""
    async with server(b"") as url:
        with forward_proxy(url, login=True) as proxy:
            settings = through(f"http://leadline:wr0ng@{proxy.address}")
            async with Http(ManualClock(made.START), proxy=settings) as http:
                outcome = await http.post(target, b"x", {})
    assert outcome == Retry(Reason.UNAUTHORIZED, PROXY_LOGIN)
    assert proxy.requests == []


async def test_a_proxy_that_is_not_there() -> None:
    """The target is not reached in another way."""
    settings = through("http://127.0.0.1:1")
    async with (
        server(b"HTTP/1.1 204 No Content\r\n\r\n") as url,
        Http(ManualClock(made.START), proxy=settings) as http,
    ):
        outcome = await http.post(url, b"x", {})
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.UNREACHABLE


async def test_no_proxy_of_a_stray_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies of the environment are ignored."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with server(b"HTTP/1.1 204 No Content\r\n\r\n") as url, Http(ManualClock(made.START)) as http:
        answer = await http.post(url, b"x", {})
    assert not isinstance(answer, Retry)
    assert answer.status == 204


async def test_a_request_is_checked_once_more_when_there_is_a_connection() -> None:
    """To connect takes its time. A request that is not to be made any more has no body, and no target takes it."""
    asked, got = list[int](), list[bytes]()

    class Gone(Exception):
        pass

    async def before() -> None:
        asked.append(len(asked))
        if len(asked) == 2:
            raise Gone

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read())
        writer.close()

    listening = await asyncio.start_server(take, "127.0.0.1", 0)
    async with listening, Http(ManualClock(made.START), before=before) as http:
        with pytest.raises(Gone):
            await http.post(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", b"the body", {})
        async with asyncio.timeout(10):
            while not got:
                await asyncio.sleep(0.01)
    assert asked == [0, 1]
    assert b"the body" not in got[0]


@asynccontextmanager
async def over_tls(*certificate: Path) -> AsyncIterator[str]:
    """The URL of a server with this certificate and key, which has taken everything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1):
            writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as listening:
        yield f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"


async def test_a_certificate_that_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason, and what to do: people saw a code, or nothing, where an authority of their own signs certificates,
    and switched verification off (louislam/uptime-kuma issue 1476, boredazfcuk/docker-icloudpd issue 662,
    robusta-dev/kubewatch issue 92, ansible/awx issue 3838). Another name, and one that has ended, are refused with
    their reasons."""
    authority = Authority(tmp_path)
    ours = authority.certificate("ours", "127.0.0.1")
    old = authority.certificate("old", "127.0.0.1", until=timedelta(hours=-1))
    other = authority.certificate("other", "192.0.2.1")

    async def outcome(certificate: tuple[Path, Path]) -> Response | Retry:
        async with over_tls(*certificate) as url, Http(ManualClock(made.START)) as http:
            return await http.post(url, b"x", {})

    unknown = await outcome(ours)
    assert isinstance(unknown, Retry)
    assert unknown.detail.startswith("its certificate is not accepted: unable to get local issuer certificate; ")
    assert "SSL_CERT_FILE" in unknown.detail
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    answered = await outcome(ours)
    assert isinstance(answered, Response), answered
    assert answered.status == 204
    for certificate, words in ((old, "certificate has expired"), (other, "IP address mismatch")):
        refused = await outcome(certificate)
        assert isinstance(refused, Retry)
        assert words in refused.detail


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_file_of_authorities_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    """The start fails with one line: otherwise it is a traceback (Aider-AI/aider issue 3710,
    lee88688/aider-composer issue 49, psf/requests issue 6749)."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(UsageError, match=r"^the environment variable SSL_CERT_FILE: .*; name a file in PEM format$"):
        Http(ManualClock(made.START))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/secret", "connection refused"),
        ("http://[::1]:1/secret", "connection refused|cannot assign requested address|address family not supported"),
        ("http://leadline.invalid/secret", "its name cannot be resolved: .*"),
    ],
)
async def test_why_there_is_no_connection(url: str, words: str) -> None:
    """In words, without the URL: an unknown name and a port that is closed were the same error of the library, and
    people saw `network error` (d60/twikit issue 292, searxng/searxng-docker issue 53, httpie/cli pull request
    1249). An address of IPv6 is one like others."""
    async with Http(ManualClock(made.START)) as http:
        outcome = await http.post(url, b"x", {})
    assert isinstance(outcome, Retry)
    assert re.fullmatch(words, outcome.detail)


async def test_https_where_http_answers() -> None:
    """The usual slip with a port of one's own."""
    async with await asyncio.start_server(_plain, "127.0.0.1", 0) as listening, Http(ManualClock(made.START)) as http:
        outcome = await http.post(f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", b"x", {})
    assert isinstance(outcome, Retry)
    assert outcome.detail == "no TLS with what answers there (wrong version number); check https and the port"


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def test_an_answer_in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole answer has a limit of its own: each part came in time, and one receiver took minutes until it held up
    every other event (encode/httpx issue 1450, pydantic/httpx2 issue 557)."""
    monkeypatch.setattr(client, "REQUEST_S", 0.3)
    over = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\nx")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        over.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as listening, Http(ManualClock(made.START)) as http:
        outcome = await http.post(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", b"x", {})
        async with asyncio.timeout(30):
            await over.wait()
    assert outcome == Retry(Reason.TIMEOUT, "no whole answer within 0.3 s")


async def test_an_answer_that_is_not_compressed_as_it_says() -> None:
    """The target has the request: there was a connection."""
    text = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nok"
    async with server(text) as url, Http(ManualClock(made.START)) as http:
        outcome = await http.post(url, b"x", {})
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.GARBLED
