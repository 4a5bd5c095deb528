"""The server of the console, the inbound port and the receiver against clients that only hold what it has.

Reports: https://github.com/xorbitsai/inference/pull/5213 (uvicorn waits for the head of a request without an end),
https://github.com/openwrt/uhttpd/issues/6 (a request with two lengths) and
https://github.com/httpwg/http-core/issues/879 (chunks in a request of HTTP/1.0, behind a proxy).
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from leadline import web_server
from leadline.web_server import WebServer, bounded, listen
from leadline_lab.sandbox.wait import eventually

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CONNECTIONS = 20
MAX_BODY_BYTES = 1000


class Running:
    """The server in a thread, and the requests that reached its application."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.socket = listen("127.0.0.1", 0, "give another")
        self.address = self.socket.getsockname()
        app = Starlette(routes=[Route("/", self._answer, methods=["GET", "POST"]), Route("/endless", self._endless)])
        self.server = WebServer(
            bounded(app, connections=CONNECTIONS, max_body_bytes=MAX_BODY_BYTES, lifespan="off", log_level="critical")
        )
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve([self.socket])))
        self.thread.start()
        eventually("the server runs", lambda: self.server.started)

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        self.reached.append(f"{request.method} {len(body)}")
        return PlainTextResponse(f"took {len(body)}")

    async def _endless(self, _: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, 10)

    def ask(self, *parts: bytes) -> bytes:
        """Everything that the server sends until it closes or is silent after the answer."""
        with self.connect() as client:
            for part in parts:
                client.sendall(part)
            client.shutdown(socket.SHUT_WR)
            return whole(client)

    def open(self) -> int:
        return len(self.server.server_state.connections)


def whole(client: socket.socket) -> bytes:
    found = b""
    with suppress(ConnectionResetError):
        while part := client.recv(65536):
            found += part
    return found


def head(*lines: str) -> bytes:
    return "\r\n".join(("POST / HTTP/1.1", "Host: x", *lines, "", "")).encode()


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    for name in ("HEAD_S", "BODY_S", "READ_S"):
        monkeypatch.setattr(web_server, name, 0.5)
    made = Running()
    yield made
    made.server.should_exit = made.server.force_exit = True
    made.thread.join()
    made.socket.close()


def test_a_request_and_its_body(running: Running) -> None:
    """With a length, in chunks, and without a body."""
    assert b"took 3" in running.ask(head("Content-Length: 3"), b"abc")
    assert b"took 3" in running.ask(head("Transfer-Encoding: chunked"), b"3\r\nabc\r\n0\r\n\r\n")
    assert b"took 0" in running.ask(GET)
    assert running.ask(GET, GET).count(b"took 0") == 2


def test_heads_that_do_not_come_keep_nobody_out(running: Running) -> None:
    """More connections than there may be, each with half of a head: others are answered, and all of them are closed."""
    with ExitStack() as stack:
        held = [stack.enter_context(running.connect()) for _ in range(3 * CONNECTIONS)]
        for client in held:
            with suppress(OSError):
                client.sendall(GET[:-2])
        assert b"took 0" in running.ask(GET)
        assert [whole(client) for client in held] == [b""] * len(held)
    eventually("no connection is left", lambda: running.open() == 0)


def test_silence_in_a_connection(running: Running) -> None:
    """Nothing at all, a part of a line, and nothing after an answer."""
    with running.connect() as silent, running.connect() as begun, running.connect() as answered:
        begun.sendall(b"GE")
        answered.sendall(GET)
        assert (whole(silent), whole(begun)) == (b"", b"")
        assert b"took 0" in whole(answered)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((head("Content-Length: 9"), b"abc"), 408),
        ((head("Transfer-Encoding: chunked"), b"3\r\nabc\r\n"), 408),
        ((head("Content-Length: 99999999"),), 413),
        ((head("Transfer-Encoding: chunked"), *[b"3e8\r\n" + b"x" * 1000 + b"\r\n"] * 3), 413),
        ((head("Content-Length: 3", "Transfer-Encoding: chunked"), b"0\r\n\r\n" + GET), 400),
        ((b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n" + GET), 400),
        ((head("Content-Length: 3", "Content-Length: 4"), b"abc"), 400),
        ((head("Content-Length: +3"), b"abc"), 400),
        ((head("Transfer-Encoding: xchunked"), b"0\r\n\r\n"), 400),
        ((head("Transfer-Encoding : chunked"), b"0\r\n\r\n"), 400),
    ],
)
def test_a_body_that_is_slow_large_or_ambiguous(running: Running, parts: tuple[bytes, ...], status: int) -> None:
    """It is refused once, the application does not see it, and what follows on the connection is not answered."""
    with running.connect() as client:
        for part in parts:
            with suppress(ConnectionError):
                client.sendall(part)
        answer = whole(client)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert running.reached == []


def test_a_head_without_an_end(running: Running) -> None:
    """It is read up to a limit, and the connection is closed."""
    with running.connect() as client, suppress(ConnectionError):
        client.sendall(head("X: " + "y" * 2 * web_server.MAX_HEAD_BYTES)[:-4])
        assert whole(client)[:13] in (b"", b"HTTP/1.1 400 ")
    eventually("no connection is left", lambda: running.open() == 0)
    assert running.reached == []


def test_an_answer_that_nobody_reads(running: Running) -> None:
    """The connection ends, and the answer with it."""
    with running.connect() as client:
        client.sendall(GET.replace(b"GET /", b"GET /endless"))
        assert client.recv(10) == b"HTTP/1.1 2"
        eventually("the connection is closed", lambda: running.open() == 0)
