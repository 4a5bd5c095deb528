"""The port to which requests of Slack and PagerDuty come. Everything is bounded: sizes, times, connections."""

import asyncio
import logging
import socket
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leadline import web_server
from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.settings.inbound import InboundSettings
from leadline.shutdown import end
from leadline.web_server import WebServer, bounded
from leadline_sinks.http import Http
from leadline_sinks.inbound import pagerduty_webhook, slack_request
from leadline_sinks.inbound.intake import Intake
from leadline_sinks.inbound.slack_answer import answer

MAX_BODY_BYTES: Final = 256 * 1024
CONNECTIONS: Final = 100
GOODBYE_S: Final = 3

log = logging.getLogger(__name__)


class Inbound:
    """The web application, and its server."""

    def __init__(self, settings: InboundSettings, intake: Intake, http: Http, clock: Clock, api_url: str) -> None:
        self._settings = settings
        self._intake = intake
        self._http = http
        self._clock = clock
        self._api_url = api_url
        self._signatures = slack_request.Signatures()
        self._keys = pagerduty_webhook.IncidentKeys()
        self.asgi = Starlette(
            routes=[
                Route("/slack/actions", self._slack, methods=["POST"]),
                Route("/pagerduty/webhook", self._pagerduty, methods=["POST"]),
            ]
        )

    async def run(self, listening: socket.socket) -> None:
        """Serve until cancelled."""
        log.info("actions of Slack and PagerDuty come in at %s:%d", *listening.getsockname()[:2])
        server = WebServer(
            bounded(
                self.asgi,
                connections=CONNECTIONS,
                max_body_bytes=MAX_BODY_BYTES,
                lifespan="off",
                timeout_graceful_shutdown=GOODBYE_S,
            )
        )
        serving = asyncio.create_task(server.serve([listening]))
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            if not serving.done():
                await asyncio.wait({serving}, timeout=2 * GOODBYE_S)
            await end(serving)

    async def _slack(self, request: Request) -> Response:
        """A button of a message, signed by Slack."""
        body = await request.body()
        secrets = self._secrets("slack_signing_secret")
        headers = {name.lower(): value for name, value in request.headers.items()}
        problem = self._signatures.problem(headers, body, secrets, self._clock.now())
        if problem is not None:
            log.warning("a request to /slack/actions is refused: %s", problem)
            raise HTTPException(403, "refused")
        found = slack_request.pressed(slack_request.form(body), self._clock.now())
        if found is None:
            return Response()
        given, url = found
        try:
            text = await self._intake.take(given)
        except TimeoutError:
            raise HTTPException(503, "Leadline cannot write to Kafka now; try again") from None
        return Response(background=BackgroundTask(answer, self._http, url, text, self._api_url))

    async def _pagerduty(self, request: Request) -> Response:
        """An event of a webhook subscription, signed by PagerDuty."""
        body = await request.body()
        secrets = self._secrets("pagerduty_secret")
        if not pagerduty_webhook.is_signed(request.headers.get("x-pagerduty-signature", ""), body, secrets):
            log.warning("a request to /pagerduty/webhook is refused: no signature matches inbound.pagerduty_secret")
            raise HTTPException(401, "refused")
        try:
            payload = orjson.loads(body)
        except ValueError:
            raise HTTPException(400, "not JSON") from None
        context = self._intake.context
        self._keys.observe(payload)
        payload = self._keys.with_key(payload)
        given = pagerduty_webhook.action(payload, context.incidents(), self._clock.now())
        if given is not None:
            try:
                await self._intake.take(given)
            except TimeoutError:
                raise HTTPException(503, "Leadline cannot write to Kafka now") from None
        elif pagerduty_webhook.lacks_key(payload):
            log.info(
                "an event of PagerDuty is not followed: its incident names no alert (incident_key), so it was opened "
                "by hand, or is one of several alerts; look whether the service groups alerts. Notes are followed of "
                "incidents of which this process has taken another event, such as incident.triggered"
            )
        return Response(status_code=202)

    def _secrets(self, name: str) -> tuple[str, ...]:
        """The values of a secret of the settings, the new and the old one while it is replaced. Raises HTTPException:
        404 where it is not set, 503 where it cannot be read."""
        secret = getattr(self._settings, name)
        if secret is None:
            raise HTTPException(404)
        try:
            found: tuple[str, ...] = secret.each()
            return found
        except UsageError as error:
            log.error("inbound.%s: %s", name, error)
            raise HTTPException(503) from None


def listen(settings: InboundSettings) -> socket.socket:
    """A socket at the address of the settings. Raises UsageError when it is taken, or is no address of this host."""
    otherwise = "set inbound.port to a free port, or name the targets of this process without inbound"
    return web_server.listen(settings.address, settings.port, otherwise)
