"""Socket Mode of Slack: buttons come through a connection that this process opens, so no port is needed.

docs.slack.dev/apis/events-api/using-socket-mode: an envelope is acknowledged within three seconds; Slack closes each
connection after some hours, and says so before. One whose action could not be written is not acknowledged: Slack
shows the person an error, or sends it again.
"""

import logging
from collections.abc import Mapping
from random import random
from typing import Any, Final

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI, WebSocketException

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.logs import escape
from leadline.settings.secret import Secret
from leadline.settings.targets import ProxySettings
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
LONGEST_WAIT_FAILURES: Final = 8

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

    async def run(self) -> None:
        """Take buttons until cancelled. A failure is logged once, until a connection works again."""
        reported = ""
        while True:
            why = await self._connection()
            if not why:
                self._failures, reported = 0, ""
                continue  # Slack asked for a new connection
            self._failures = min(self._failures + 1, LONGEST_WAIT_FAILURES)
            if why != reported:
                log.warning("buttons in Slack do not work now: %s; retrying", why)
            reported = why
            await self._clock.sleep(delay_s(self._failures, random))

    async def _connection(self) -> str:
        """Open a connection and follow it to its end. Returns why it failed; empty when Slack ended it as usual."""
        opened = await call(self._http, self._api_url, self._token, "apps.connections.open", {})
        if not isinstance(opened, Accepted):
            return opened.detail if isinstance(opened, Retry) else f"apps.connections.open: {opened.detail}"
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
        except InvalidURI:
            return "the address that Slack gave for a connection is not valid"
        except (WebSocketException, OSError, TimeoutError) as error:
            return f"no connection to Slack ({type(error).__name__})"

    async def _follow(self, connection: ClientConnection) -> str:
        async for text in connection:
            try:
                message = orjson.loads(text)
            except ValueError:
                continue
            match message:
                case {"type": "hello"}:
                    self._failures = 0
                    log.info("buttons in Slack work")
                case {"type": "disconnect", **more}:
                    reason = escape(str(more.get("reason", "")), 60)
                    return "" if reason in ("refresh_requested", "warning") else f"Slack reports {reason}"
                case {"envelope_id": str(ident), **envelope}:
                    await self._take(connection, ident, envelope)
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
        await connection.send(orjson.dumps({"envelope_id": ident}).decode())
        if found is not None:
            await answer(self._http, found[1], text, self._api_url)

    def _proxied(self, url: str) -> str | None:
        """The address of the proxy for a connection; None for a direct one."""
        host = url.partition("://")[2].partition("/")[0].partition(":")[0]
        return self._proxy.url.reveal() if self._proxy.url is not None and self._proxy.leads_to(host) else None
