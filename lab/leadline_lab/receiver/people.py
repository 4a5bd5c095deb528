"""People who act at the vendors, and what the vendors then send to whoever has asked for it."""

import asyncio
from typing import Any, Final
from uuid import uuid4

import httpx
import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from leadline.clock import Clock
from leadline_lab.receiver import pagerduty_webhook, pressed, slack
from leadline_lab.receiver.exchange import Event
from leadline_lab.receiver.inbox import Inbox, Seen

LINK: Final = "/link"
RESPOND: Final = "/respond/"
_APP_TOKEN: Final = "Bearer xapp-"  # noqa: S105
ACKNOWLEDGED: Final = "acknowledged"


class People:
    """Presses buttons, and sends webhooks. ``hooks`` are URL and secret of each subscription of PagerDuty."""

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self.inbox = inbox
        self.clock = clock
        self.request_url: tuple[str, str] | None = None
        """The URL to which a press is sent without Socket Mode, and the signing secret."""
        self.hooks: list[tuple[str, str]] = []
        self._sockets: list[WebSocket] = []
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def open_socket(self, http: HttpRequest) -> Response:
        """``apps.connections.open``: where Socket Mode connects."""
        if not http.headers.get("authorization", "").startswith(_APP_TOKEN):
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        host = http.headers.get("host", "")
        return JSONResponse({"ok": True, "url": f"ws://{host}{LINK}?ticket={uuid4().hex}"})

    async def link(self, socket: WebSocket) -> None:
        """A connection of Socket Mode."""
        await socket.accept()
        await socket.send_text(orjson.dumps({"type": "hello", "num_connections": len(self._sockets) + 1}).decode())
        self._sockets.append(socket)
        try:
            while True:
                given = orjson.loads(await socket.receive_text())
                waiting = self._waiting.pop(str(given.get("envelope_id")), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(None)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._sockets.remove(socket)

    async def disconnect(self) -> None:
        """End every connection of Socket Mode as Slack does after some hours."""
        for socket in list(self._sockets):
            await socket.send_text(orjson.dumps({"type": "disconnect", "reason": "refresh_requested"}).decode())

    async def respond(self, http: HttpRequest) -> Response:
        """An answer to a press, which only the person sees."""
        given = orjson.loads(await http.body())
        self._take(Event(self.clock.now(), slack.VENDOR, "ephemeral", http.url.path, given), http.url.path)
        return Response("ok")

    async def press(self, button: str, user: tuple[str, str], url: str, times: int) -> str:
        """Press a button, and deliver that ``times`` times. Returns how it went: ``acknowledged``, or what people see.

        Raises UsageError when there is no such button.
        """
        now = self.clock.now()
        given = pressed.payload(self.inbox.events, button, user, now, f"{url}{RESPOND}{uuid4().hex}")
        # Each press has a trigger of its own, and so a signature of its own.
        shown = [await self._deliver({**given, "trigger_id": f"{given['trigger_id']}{n}"}) for n in range(times)]
        return shown[-1]

    async def _deliver(self, given: dict[str, Any]) -> str:
        if self._sockets:
            ident = str(uuid4())
            waiting = self._waiting[ident] = asyncio.get_running_loop().create_future()
            await self._sockets[-1].send_text(pressed.envelope(given, ident))
            try:
                async with asyncio.timeout(pressed.ANSWER_S):
                    await waiting
            except TimeoutError:
                return "no answer within three seconds"
            return ACKNOWLEDGED
        if self.request_url is None:
            return "this app has neither Socket Mode nor a request URL"
        url, secret = self.request_url
        body, headers = pressed.request(given, secret, self.clock.now())
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=pressed.ANSWER_S) as client:
                answered = await client.post(url, content=body, headers=headers)
        except httpx.HTTPError as error:
            return f"no answer ({type(error).__name__})"
        if answered.status_code != httpx.codes.OK:
            return f"this app responded with status code {answered.status_code}"
        return ACKNOWLEDGED

    async def report(self, events: list[Event], kind: str | None = None, assignees: tuple[str, ...] = ()) -> list[int]:
        """Send webhooks about events of PagerDuty. Returns the statuses of the last attempts."""
        found: list[int] = []
        for event in events:
            body = pagerduty_webhook.body(event, assignees, kind)
            for url, secret in self.hooks if body is not None else ():
                found.append(await _post(url, body or b"", pagerduty_webhook.headers(body or b"", secret)))
        return found

    def _take(self, event: Event, path: str) -> None:
        self.inbox.take(Seen(event.at, event.vendor, path, 200, None), [event])


async def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Post until it is answered with 2xx, as often as PagerDuty does here."""
    status = 0
    async with httpx.AsyncClient(trust_env=False, timeout=pressed.ANSWER_S) as client:
        for _ in range(pagerduty_webhook.ATTEMPTS):
            try:
                status = (await client.post(url, content=body, headers=headers)).status_code
            except httpx.HTTPError:
                continue
            if status < 300:
                break
    return status
