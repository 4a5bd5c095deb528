"""The server of every process that answers HTTP from outside: everything that a client can make it hold is bounded.

Only the console, the inbound port and the lab's receiver import it; uvicorn is in their extras. The metrics port is
``prometheus_client``'s own.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import uvicorn
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from leadline.errors import UsageError

HEAD_S: Final = 10.0
"""A client has so long to send the head of a request."""
BODY_S: Final = 10.0
"""A client has so long to send the body of a request."""
READ_S: Final = 30.0
"""A client that reads nothing of an answer for so long is let go."""
KEEP_ALIVE_S: Final = 5
"""A connection without a request is kept so long."""
MAX_HEAD_BYTES: Final = 32 * 1024
BACKLOG: Final = 100
_TURNS: Final = count()


class BoundedHttp(H11Protocol):
    """HTTP for uvicorn that closes connections whose clients send or read too slowly.

    Where as many connections are open as there may be, a new one takes the place of the one that has waited longest for
    a request: clients that only hold connections keep nobody out.
    """

    _looking: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _before: object = None
    """The request of the last look."""
    turn: int = 0
    """Rises with each beginning of a wait, of all connections."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look; make room where there is none."""
        most = self.limit_concurrency
        if most is not None and len(self.connections) >= most - 1:
            idle = [other for other in self.connections if isinstance(other, BoundedHttp) and other.is_waiting()]
            if idle:
                min(idle, key=lambda other: other.turn).transport.abort()
            elif len(self.connections) >= 2 * most:
                transport.abort()
        super().connection_made(transport)
        self.turn = next(_TURNS)
        self._looking = self.loop.call_later(HEAD_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        super().connection_lost(exc)
        self._cancel()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """The connection is another protocol's from now on."""
        self._cancel()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self.turn = next(_TURNS)

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self._stalled = self.loop.call_later(READ_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def is_waiting(self) -> bool:
        """No request is being answered."""
        return (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing()

    def _look(self) -> None:
        """Between two looks either a request begins or is being answered, or uvicorn has closed an idle connection."""
        if self.is_waiting() and self.cycle is self._before:
            self.transport.abort()
            return
        self._before = self.cycle
        self._looking = self.loop.call_later(HEAD_S, self._look)

    def _cancel(self) -> None:
        for timer in (self._looking, self._stalled):
            if timer is not None:
                timer.cancel()


class BoundedBody:
    """ASGI middleware that reads the whole body first, and refuses one that is too large, slow or ambiguous.

    The connection of a request that is refused is closed: what follows on it may be the rest of the body, or a request
    that a proxy in front has not seen (RFC 9112, 6.1: a request with both lengths may be an attempt at smuggling).
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on with its body."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        chunked, length = "transfer-encoding" in headers, headers.get("content-length", "0")
        if not chunked and length == "0":
            await self._app(scope, receive, send)
            return
        if chunked and ("content-length" in headers or scope["http_version"] != "1.1"):
            await _refusal(400, "the length of the body is ambiguous")(scope, receive, send)
            return
        if length.isdecimal() and int(length) > self._max_bytes:
            await _refusal(413, "too large")(scope, receive, send)
            return
        body = b""
        try:
            async with asyncio.timeout(BODY_S):
                while (message := await receive())["type"] == "http.request":
                    body += message.get("body", b"")
                    if len(body) > self._max_bytes:
                        await _refusal(413, "too large")(scope, receive, send)
                        return
                    if not message.get("more_body", False):
                        break
                else:
                    return  # the client has gone
        except TimeoutError:
            await _refusal(408, f"the request took longer than {BODY_S:g} s")(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)


class WebServer(uvicorn.Server):
    """Leaves the signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def bounded(app: ASGIApp, *, connections: int, max_body_bytes: int, **more: Any) -> uvicorn.Config:
    """The configuration of a server with at most so many connections. ``more`` are settings of uvicorn."""
    settings: dict[str, Any] = {
        "http": BoundedHttp,
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "limit_concurrency": connections,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "h11_max_incomplete_event_size": MAX_HEAD_BYTES,
    }
    return uvicorn.Config(BoundedBody(app, max_body_bytes), **settings | more)


def listen(address: str, port: int, otherwise: str) -> socket.socket:
    """A socket at an address. Raises UsageError with ``otherwise``, what to do, where it cannot be had."""
    listening: socket.socket | None = None
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(BACKLOG)
    except OSError as error:
        if listening is not None:
            listening.close()
        raise UsageError(f"cannot listen on {address}:{port}: {error.strerror}; {otherwise}") from None
    return listening


def _refusal(status: int, why: str) -> Response:
    return PlainTextResponse(why, status, {"Connection": "close"})
