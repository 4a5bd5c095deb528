"""The receiver's HTTP: vendors under their own paths, and what it got under ``/`` and ``/inbox``."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.wire import encode
from leadline_lab.receiver import hook, pagerduty, slack, teams
from leadline_lab.receiver.exchange import Event, Reply, Request
from leadline_lab.receiver.faults import TAKES, Fault, Faults, Kind, reply
from leadline_lab.receiver.inbox import Inbox, Seen
from leadline_lab.receiver.page import page
from leadline_lab.receiver.people import LINK, RESPOND, People

MAX_BODY_BYTES: Final = 1024 * 1024
HOSTS: Final = ("127.0.0.1", "localhost")
"""The names under which the receiver's own pages may be asked for."""
Vendor = Callable[[Request, Sequence[Event]], tuple[Reply, list[Event]]]
VENDORS: Final[Mapping[str, tuple[str, Vendor]]] = {
    "/api/": (slack.VENDOR, slack.answer),
    "/services/": (slack.VENDOR, slack.answer),
    "/v2/": (pagerduty.VENDOR, pagerduty.answer),
    "/hook": (hook.VENDOR, hook.answer),
    "/workflows/": (teams.VENDOR, teams.answer),
}
"""Name and answers by the beginning of the path."""
UNLIMITED: Final[Mapping[str, Vendor]] = {slack.VENDOR: partial(slack.answer, limited=False)}
"""Answers without a rate limit, where there is one."""
NAMES: Final = frozenset(name for name, _ in VENDORS.values())
_POLICY: Final = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:"
"""Of the page: nothing from elsewhere, nothing written into it."""


class Press(msgspec.Struct, forbid_unknown_fields=True):
    """A person presses a button of a message in Slack, by its text."""

    button: str
    user: str = "U012AB3CD"
    name: str = "ada"


class App:
    """The web application. Requests are kept in ``inbox``; ``on_request`` is called with each of them."""

    def __init__(self, clock: Clock, *, limited: bool = True, on_request: Callable[[Seen], None] | None = None) -> None:
        self.inbox = Inbox()
        self.faults = Faults()
        self.clock = clock
        self.people = People(self.inbox, clock)
        self._sending: set[asyncio.Task[object]] = set()
        self._limited = limited
        self._on_request = on_request
        self.asgi = Starlette(
            routes=[
                Route("/", self._page),
                Route("/page.css", partial(self._asset, "text/css")),
                Route("/page.js", partial(self._asset, "text/javascript")),
                Route("/inbox", self._inbox),
                Route("/count", self._count),
                Route("/faults", self._set, methods=["POST"]),
                Route("/by-hand", self._by_hand, methods=["POST"]),
                Route("/press", self._press, methods=["POST"]),
                Route("/api/apps.connections.open", self.people.open_socket, methods=["POST"]),
                Route(f"{RESPOND}{{rest:path}}", self.people.respond, methods=["POST"]),
                WebSocketRoute(LINK, self.people.link),
                *(Route(f"{path}{{rest:path}}", self._vendor, methods=["POST"]) for path in VENDORS),
            ],
            middleware=[Middleware(_OwnNames, allowed_hosts=HOSTS)],
        )

    async def _vendor(self, http: HttpRequest) -> Response:
        body = await http.body()
        name, answer = next(given for path, given in VENDORS.items() if http.url.path.startswith(path))
        fault = self.faults.next(name, self.clock.now())
        if fault is not None and fault.kind is Kind.SLOW:
            await self.clock.sleep(fault.delay_s)
        request = Request(http.url.path, dict(http.headers), body, self.clock.now())
        if fault is None or fault.kind in TAKES:
            vendor = answer if self._limited else UNLIMITED.get(name, answer)
            answered, events = vendor(request, self.inbox.events)
        else:
            answered, events = Reply(0, b""), []
        problem = answered.problem if fault is None else f"on purpose: {fault.kind}"
        response = (
            _response(answered) if fault is None or fault.kind is Kind.SLOW else _failing(fault, answered, request.path)
        )
        silent = fault is not None and fault.kind in (Kind.TIMEOUT, Kind.CLOSED)
        seen = Seen(request.at, name, request.path, None if silent else response.status_code, problem)
        self.inbox.take(seen, events)
        self._report(events)
        if self._on_request:
            self._on_request(seen)
        return response

    def _report(self, events: list[Event]) -> None:
        """Send the webhooks about these events, after the reply."""
        if self.people.hooks and events:
            task: asyncio.Task[object] = asyncio.create_task(self.people.report(events))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _press(self, http: HttpRequest) -> Response:
        """Press a button of a message in Slack. JSON only, so that no page of another site can."""
        if not http.headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"problem": "send application/json"}, 415)
        try:
            given = msgspec.json.decode(await http.body(), type=Press)
            shown = await self.people.press(given.button, (given.user, given.name), str(http.base_url).rstrip("/"), 1)
        except (msgspec.DecodeError, UsageError) as error:
            return JSONResponse({"problem": str(error)}, 400)
        return JSONResponse({"shown": shown})

    async def _page(self, http: HttpRequest) -> Response:
        return HTMLResponse(page(self.inbox), headers={"content-security-policy": _POLICY})

    async def _asset(self, media: str, http: HttpRequest) -> Response:
        text = files("leadline_lab.receiver").joinpath(http.url.path.removeprefix("/")).read_text("utf-8")
        return Response(text, media_type=media)

    async def _inbox(self, http: HttpRequest) -> Response:
        """Everything, for programs."""
        inbox = self.inbox
        body = {
            "count": inbox.count,
            "events": [asdict(event) for event in inbox.events],
            "requests": [asdict(seen) for seen in inbox.requests],
        }
        return Response(encode(body), media_type="application/json")

    async def _count(self, http: HttpRequest) -> Response:
        """Requests so far: what the page watches."""
        return PlainTextResponse(str(self.inbox.count))

    async def _set(self, http: HttpRequest) -> Response:
        """Fail from now on. JSON only, so that no page of another site can ask for it."""
        if not http.headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"problem": "send application/json"}, 415)
        try:
            fault = msgspec.json.decode(await http.body(), type=Fault)
        except msgspec.DecodeError as error:
            return JSONResponse({"problem": str(error)}, 400)
        if fault.vendor not in NAMES:
            return JSONResponse({"problem": f"vendor is one of {', '.join(sorted(NAMES))}"}, 400)
        self.faults.set(fault, self.clock.now())
        return Response(msgspec.json.encode(fault), media_type="application/json")

    async def _by_hand(self, http: HttpRequest) -> Response:
        """Acknowledge or resolve an alert as in PagerDuty itself. JSON only, so that no page of another site can."""
        if not http.headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"problem": "send application/json"}, 415)
        answered, events = self.by_hand(await http.body())
        self._report(events)
        return _response(answered)

    def by_hand(self, body: bytes) -> tuple[Reply, list[Event]]:
        """Acknowledge or resolve an alert as a person does in PagerDuty."""
        at = self.clock.now()
        answered, events = pagerduty.by_hand(body, at, self.inbox.events)
        self.inbox.take(Seen(at, pagerduty.VENDOR, "/by-hand", answered.status, answered.problem), events)
        return answered, events


class Broken(Response):
    """Sends only so much of the answer; then hangs up, or says nothing until the other does."""

    def __init__(self, answered: Reply, sent: int, hang_up: bool) -> None:
        super().__init__(answered.body, answered.status or 500, dict(answered.headers))
        self._sent = sent
        self._hang_up = hang_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an application of ASGI. The transport is in the connection's state: ASGI has no way to hang up."""
        if self._sent:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": bytes(self.body[: self._sent]), "more_body": True})
        if self._hang_up:
            scope["state"]["transport"].close()
        while (await receive())["type"] != "http.disconnect":
            pass


class _OwnNames(TrustedHostMiddleware):
    """Refuses other names: a page of another site whose name leads to this machine would be of the same origin.

    Requests to a vendor may have the vendor's name: they come through a proxy.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an application of ASGI."""
        if scope["type"] == "http" and scope["path"].startswith(tuple(VENDORS)):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _response(answered: Reply) -> Response:
    return Response(answered.body, answered.status, dict(answered.headers))


def _failing(fault: Fault, answered: Reply, path: str) -> Response:
    match fault.kind:
        case Kind.TIMEOUT:
            return Broken(answered, 0, hang_up=False)
        case Kind.CLOSED:
            return Broken(answered, 0, hang_up=True)
        case Kind.HALF:
            return Broken(answered, len(answered.body) // 2, hang_up=True)
    return _response(reply(fault, path))
