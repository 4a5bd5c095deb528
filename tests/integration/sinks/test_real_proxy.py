"""Slack, PagerDuty and webhooks over TLS through a real forward proxy: proxy.py, in a process of its own."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from leadline.clock import SystemClock
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.targets import PagerDutySettings, ProxySettings, SlackSettings, WebhookSettings
from leadline_lab.sandbox.wait import eventually
from leadline_sinks.http import PROXY_LOGIN, Http
from leadline_sinks.notify.sink import Reason, Retry, Sent, Sink
from leadline_sinks.pagerduty.sink import PagerDutySink
from leadline_sinks.slack.sink import SlackSink
from leadline_sinks.webhook import WebhookSink
from tests.fixtures.certificates import Authority
from tests.require import need

LOGIN = "leadline:pr0xy-secret"
ANSWERS = {
    "/api/chat.postMessage": (200, b'{"ok": true, "channel": "C0DBA1234", "ts": "1775815203.000100"}'),
    "/v2/change/enqueue": (202, b'{"status": "success"}'),
    "/hook": (204, b""),
}

pytestmark = pytest.mark.integration


class Proxy:
    """The proxy, which asks for ``LOGIN``."""

    def __init__(self, folder: Path) -> None:
        self._port, self._requests = folder / "port", folder / "requests"
        command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0", "--num-acceptors", "1"]
        command += ["--num-workers", "1", "--port-file", str(self._port), "--log-file", str(self._requests)]
        self._process = subprocess.Popen([*command, "--basic-auth", LOGIN], stderr=subprocess.DEVNULL)

    @property
    def address(self) -> str:
        eventually("the proxy listens", lambda: self._port.exists() and bool(self._port.read_text().strip()))
        return f"127.0.0.1:{self._port.read_text().strip()}"

    def tunnels(self) -> int:
        """Tunnels that it has opened and closed."""
        return self._requests.read_text().count("CONNECT ") if self._requests.exists() else 0

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    need(find_spec("proxy") is not None, "a forward proxy: pip install 'leadline[dev]'")
    running = Proxy(tmp_path)
    yield running
    running.close()


@asynccontextmanager
async def vendors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of a server over TLS that answers as the three vendors do, signed by an authority that is trusted."""
    authority = Authority(folder)
    certificate, key = authority.certificate("vendors", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        status, body = ANSWERS[path]
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def sinks(address: str, settings: ProxySettings) -> list[Sink]:
    clock, notify = SystemClock(), NotifySettings()
    slack = SlackSettings(token=Secret("xoxb-1"), channel="#dba", api_url=f"{address}/api")
    pagerduty = PagerDutySettings(routing_key=Secret("k3y0123456789abcdef0123456789abc"), url=address)
    hook = WebhookSettings(url=Secret(f"{address}/hook"), signing_key=Secret("key"))
    return [
        SlackSink(slack, notify, Http(clock, proxy=settings), clock),
        PagerDutySink(pagerduty, notify, Http(clock, proxy=settings), clock),
        WebhookSink(hook, notify, Http(clock, proxy=settings), clock),
    ]


async def test_every_vendor_is_reached_through_the_tunnel(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request is accepted, and the proxy has opened a tunnel for it; a host that is excepted needs none."""
    async with vendors(tmp_path, monkeypatch) as address:
        for sink in sinks(address, ProxySettings(url=Secret(f"http://{LOGIN}@{proxy.address}"))):
            assert isinstance(await sink.test(), Sent), sink.kind
            await sink.close()
        eventually("the proxy reports its tunnels", lambda: proxy.tunnels() == 3)
        direct = ProxySettings(url=Secret("http://127.0.0.1:1"), direct=["127.0.0.*"])
        for sink in sinks(address, direct):
            assert isinstance(await sink.test(), Sent), sink.kind
            await sink.close()


async def test_a_wrong_login(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sink keeps the notification and names the setting to correct."""
    async with vendors(tmp_path, monkeypatch) as address:
        for sink in sinks(address, ProxySettings(url=Secret(f"http://leadline:wr0ng@{proxy.address}"))):
            assert await sink.test() == Retry(Reason.UNAUTHORIZED, PROXY_LOGIN), sink.kind
            await sink.close()
