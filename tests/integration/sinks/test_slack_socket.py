"""Socket Mode where Slack, the token or the proxy is wrong: it is reported once, and tried again."""

import asyncio
import logging
from pathlib import Path

import pytest

from leadline.clock import SystemClock
from leadline.settings.inbound import InboundSettings
from leadline.settings.secret import Secret
from leadline.settings.targets import ProxySettings
from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.port import HOST, Port
from leadline_sinks.http import Http
from leadline_sinks.inbound.intake import Intake
from leadline_sinks.inbound.slack_socket import SlackSocket
from leadline_sinks.notify.context import NotificationContext

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
