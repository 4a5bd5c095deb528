"""Socket Mode of Slack: buttons come through a connection that this process opens, so no port is needed.

docs.slack.dev/apis/events-api/using-socket-mode: an envelope is acknowledged within three seconds, so none waits for
another, nor for the answer to a person; Slack closes each connection after some hours, and says so before. One whose
action could not be written is not acknowledged: Slack shows the person an error, or sends it again.
"""

import asyncio
import logging
from collections.abc import Mapping
from random import random
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI, WebSocketException

from leadline.clock import Clock
from leadline.connection_error import reason_of
from leadline.errors import UsageError
from leadline.logs import escape
from leadline.settings.secret import Secret
from leadline.settings.targets import ProxySettings
from leadline.shutdown import end
from leadline_sinks.http import Http
from leadline_sinks.inbound.intake import Intake
from leadline_sinks.inbound.slack_answer import answer
from leadline_sinks.inbound.slack_request import pressed
from leadline_sinks.notify.pacing import delay_s
from leadline_sinks.notify.sink import Retry
from leadline_sinks.slack.api import Accepted, call

MAX_BYTES: Final = 1024 * 1024
OPEN_S: Final = 10.0
PING_S: Final = 20.0
"""Time between two signs of life, and longest wait for the other side's."""
LEFT_S: Final = 3.0
LONGEST_WAIT_FAILURES: Final = 8
STEADY_S: Final = 60.0
"""A connection that ends sooner counts as a failure, so that the next one waits. Slack limits the rate of
``apps.connections.open``, and ends connections at once where an app has more than ten (slackapi/java-slack-sdk issue
1256, slackapi/node-slack-sdk issue 1654)."""

log = logging.getLogger(__name__)


class SlackSocket:
    """One connection, which is opened again whenever it ends."""

    def __init__(
        self, token: Secret, api_url: str, intake: Intake, http: Http, clock: Clock, proxy: ProxySettings
    ) -> None:
        self._token = token
        self._api_url = api_url
        self._intake = intake
        self._http = http
        self._clock = clock
        self._proxy = proxy
        self._failures = 0
        self._after_s = 0.0
        """Seconds that Slack asks to wait before the next connection."""
        self._taking: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Take buttons until cancelled. A failure is logged once, until a connection is steady again."""
        reported = ""
        try:
            while True:
                began, self._after_s = self._clock.monotonic(), 0.0
                why = await self._connection()
                if self._clock.monotonic() - began >= STEADY_S:
                    self._failures, reported = 0, ""
                    if not why:
                        continue  # Slack asked for a new connection
                self._failures = min(self._failures + 1, LONGEST_WAIT_FAILURES)
                if why and why != reported:
                    log.warning("buttons in Slack do not work now: %s; retrying", why)
                    reported = why
                await self._clock.sleep(max(self._after_s, delay_s(self._failures, random)))
        finally:
            if self._taking:
                await end(*self._taking)

    async def _connection(self) -> str:
        """Open a connection and follow it to its end. Returns why it failed; empty when Slack ended it as usual."""
        opened = await call(self._http, self._api_url, self._token, "apps.connections.open", {})
        if isinstance(opened, Retry):
            self._after_s = opened.after_s or 0.0
            return opened.detail
        if not isinstance(opened, Accepted):
            return f"apps.connections.open: {opened.detail}"
        url = opened.body.get("url")
        if not isinstance(url, str) or not url.startswith(("wss://", "ws://")):
            return "Slack gave no address for a connection"
        try:
            async with connect(
                url,
                proxy=self._proxied(url),
                open_timeout=OPEN_S,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                max_size=MAX_BYTES,
            ) as connection:
                return await self._follow(connection)
        except UsageError as error:
            return escape(str(error))
        except (InvalidURI, ValueError):
            return "the address that Slack gave for a connection is not valid"
        except (WebSocketException, OSError, TimeoutError) as error:
            return f"no connection to Slack: {reason_of(error)}"

    async def _follow(self, connection: ClientConnection) -> str:
        async for text in connection:
            try:
                message = orjson.loads(text)
            except ValueError:
                continue
            match message:
                case {"type": "hello"}:
                    log.info("buttons in Slack work")
                case {"type": "disconnect", **more}:
                    reason = escape(str(more.get("reason", "")), 60)
                    if reason not in ("refresh_requested", "warning"):
                        return f"Slack reports {reason}"
                    if self._taking:  # it leaves some seconds for what is under way
                        await asyncio.wait(self._taking, timeout=LEFT_S)
                    return ""
                case {"envelope_id": str(ident), **envelope}:
                    task = asyncio.create_task(self._take(connection, ident, envelope))
                    self._taking.add(task)
                    task.add_done_callback(self._taking.discard)
        return "Slack closed the connection"

    async def _take(self, connection: ClientConnection, ident: str, envelope: Mapping[Any, Any]) -> None:
        """Take an action, then acknowledge its envelope; then answer the person."""
        found = pressed(envelope.get("payload"), self._clock.now()) if envelope.get("type") == "interactive" else None
        text = ""
        if found is not None:
            try:
                text = await self._intake.take(found[0])
            except TimeoutError:
                log.warning("a button in Slack was not taken: Kafka does not answer in time")
                return
        try:
            await connection.send(orjson.dumps({"envelope_id": ident}).decode())
        except WebSocketException:
            log.info("the connection to Slack ended before a button was acknowledged; Slack sends it again")
        if found is not None:
            await answer(self._http, found[1], text, self._api_url)

    def _proxied(self, url: str) -> str | None:
        """The address of the proxy for a connection; None for a direct one."""
        host = urlsplit(url).hostname or ""
        return self._proxy.url.reveal() if self._proxy.url is not None and self._proxy.leads_to(host) else None
