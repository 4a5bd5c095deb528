"""Socket Mode where Slack, the token or the proxy is wrong: it is reported once, and tried again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve

from leadline.clock import SystemClock
from leadline.settings.inbound import InboundSettings
from leadline.settings.secret import Secret
from leadline.settings.targets import ProxySettings
from leadline_lab.receiver import pressed
from leadline_lab.receiver.exchange import Event
from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.port import HOST, Port
from leadline_sinks import http as client
from leadline_sinks.http import Http
from leadline_sinks.inbound.intake import Intake
from leadline_sinks.inbound.slack_socket import SlackSocket
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.slack.buttons import buttons
from tests.unit.sinks import made

CLOCK = SystemClock()


async def at_once() -> None:
    """Nothing is to be waited for."""


async def written(value: object) -> None:
    raise AssertionError("no action comes in")


async def reported(token: str, api_url: str, proxy: ProxySettings, caplog: pytest.LogCaptureFixture) -> str:
    """The first line of the process log about a connection."""
    caplog.set_level(logging.INFO, "leadline_sinks.inbound.slack_socket")
    http = Http(CLOCK)
    intake = Intake(InboundSettings(), NotificationContext([]), at_once, written, CLOCK)
    running = asyncio.create_task(SlackSocket(Secret(token), api_url, intake, http, CLOCK, proxy).run())
    try:
        async with asyncio.timeout(60):
            while not caplog.messages:
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.wait({running})
        await http.close()
    assert token not in caplog.text
    return caplog.messages[0]


async def test_what_is_wrong_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A token that is refused, no Slack, and a proxy whose address cannot be read: each is one line."""
    none = ProxySettings()
    with Receiver() as receiver, Port() as away:
        url = f"{receiver.url}/api"
        assert "buttons in Slack work" in await reported("xapp-1-right", url, none, caplog)
        caplog.clear()
        assert "invalid_auth" in await reported("xoxb-wrong", url, none, caplog)
        caplog.clear()
        assert "do not work now" in await reported("xapp-1-right", f"http://{HOST}:{away.number}/api", none, caplog)
        caplog.clear()
        missing = ProxySettings(url=Secret.in_file(tmp_path / "no-such-file"))
        assert "no-such-file" in await reported("xapp-1-right", url, missing, caplog)


class Waiting(SystemClock):
    """Does not sleep: it notes for how long, and at the last time for ever."""

    def __init__(self, most: int) -> None:
        self.slept: list[float] = []
        self.most = most
        self.enough = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self.most:
            self.enough.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)


@asynccontextmanager
async def slack(
    link: Callable[[ServerConnection], Awaitable[None]], clock: SystemClock, opened: Any = None, answered: Any = None
) -> AsyncIterator[None]:
    """The socket, connected to a Slack that follows ``link`` on each connection."""
    async with serve(link, HOST, 0) as server:
        url = f"ws://{HOST}:{server.sockets[0].getsockname()[1]}/link"

        async def respond(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("apps.connections.open"):
                return opened or httpx.Response(200, json={"ok": True, "url": url})
            await answered()
            return httpx.Response(200, text="ok")

        http = Http(clock, httpx.MockTransport(respond))
        intake = Intake(InboundSettings(), NotificationContext([]), at_once, written, clock)
        socket = SlackSocket(Secret("xapp-1-x"), "https://slack.example/api", intake, http, clock, ProxySettings())
        running = asyncio.create_task(socket.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait({running})
            await http.close()


async def test_no_press_waits_for_the_answer_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack shows people an error after three seconds, and sends the press again (slackapi/node-slack-sdk issue 909,
    slackapi/bolt-python issue 537, slack-php/slack-php-socket-mode issue 1): each is acknowledged as soon as it is
    taken, while the text for somebody else is still on its way."""
    monkeypatch.setattr(client, "REQUEST_S", 3600.0)
    content = {"ts": "1.000001", "channel": "C0DBA1234", "name": "#dba", "blocks": [buttons(made.incident())]}
    shown = [Event(made.START, "slack", "post", "1.000001", content)]
    acknowledged: asyncio.Queue[str] = asyncio.Queue()
    hangs = asyncio.Event()

    async def link(connection: ServerConnection) -> None:
        for ident, user in (("first", ("U1", "ada")), ("second", ("U2", "bea"))):
            where = "https://hooks.slack.com/actions/T0/1/x"
            given = pressed.payload(shown, "Acknowledge", user, made.START, where)
            await connection.send(pressed.envelope(given, ident))
        async for text in connection:
            await acknowledged.put(orjson.loads(text)["envelope_id"])

    async with slack(link, CLOCK, answered=hangs.wait), asyncio.timeout(30):
        assert {await acknowledged.get(), await acknowledged.get()} == {"first", "second"}
        hangs.set()


@pytest.mark.parametrize("reason", ["refresh_requested", "too_many_websockets"])
async def test_connections_that_end_at_once(reason: str) -> None:
    """A wait before each: a client that connected again without one was refused for its rate, and then hung
    (slackapi/java-slack-sdk issues 1223 and 1256, slackapi/node-slack-sdk issue 1654)."""
    opened = 0

    async def link(connection: ServerConnection) -> None:
        nonlocal opened
        opened += 1
        await connection.send(orjson.dumps({"type": "hello"}).decode())
        await connection.send(orjson.dumps({"type": "disconnect", "reason": reason}).decode())
        await connection.wait_closed()

    clock = Waiting(4)
    async with slack(link, clock), asyncio.timeout(30):
        await clock.enough.wait()
    assert opened == 4


async def test_slack_asks_to_wait_before_the_next_connection() -> None:
    """Its Retry-After counts here, too: `status: 429, error: ratelimited`, again and again (slackapi/java-slack-sdk
    issue 1223, slackapi/bolt-js issue 2318)."""

    async def link(_: ServerConnection) -> None:
        raise AssertionError("no connection is opened")

    clock = Waiting(1)
    limited = httpx.Response(429, headers={"retry-after": "47"}, json={"ok": False, "error": "ratelimited"})
    async with slack(link, clock, opened=limited), asyncio.timeout(30):
        await clock.enough.wait()
    assert clock.slept == [47.0]
