"""HTTP: there is a response or a reason, whatever the URL."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from leadline.clock import ManualClock
from leadline.settings.secret import Secret
from leadline.settings.targets import ProxySettings
from leadline_sinks.http import PROXY_LOGIN, Http
from leadline_sinks.notify.sink import Reason, Retry
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
