"""The process `leadline console`: the feed, and the web server."""

import asyncio
import logging
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette

from leadline import web_server, wire
from leadline.clock import Clock
from leadline.kafka import publish
from leadline.settings.web_console import WebConsoleSettings
from leadline.shutdown import end, shutdown_requested
from leadline.web_server import WebServer, bounded
from leadline_console.app import application
from leadline_console.feed import Feed
from leadline_console.live import PageStreams
from leadline_console.read_model import ReadModel
from leadline_console.security import MAX_BODY_BYTES
from leadline_console.shared import Console

GOODBYE_S: Final = 1
"""Streams that are open when the process ends are cut after so long."""
CONNECTIONS: Final = 500
"""Of them the streams of pages; below the 1024 open files that a process may usually have."""

log = logging.getLogger(__name__)


def listen(settings: WebConsoleSettings) -> socket.socket:
    """A socket at the address of the settings. Raises UsageError when it is taken, or is no address of this host."""
    return web_server.listen(settings.web.address, settings.web.port, "set web.port to a free port")


def address_of(settings: WebConsoleSettings, listening: socket.socket) -> str:
    """The address at which people find the console."""
    host, port = listening.getsockname()[:2]
    return settings.web.url or (f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


def serving(settings: WebConsoleSettings, clock: Clock, local: str, model: ReadModel | None = None) -> Starlette:
    """The application with its feed, which runs as long as it does."""
    model = ReadModel() if model is None else model
    given = settings.sign_in.session_secret
    live = PageStreams(model, clock)

    async def write(value: wire.Addressed) -> None:
        await publish(settings.kafka, "leadline-console", value)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(Feed(settings.kafka, model, clock).run()), asyncio.create_task(live.run())]
        try:
            yield
        finally:
            await end(*tasks)

    secret = given.reveal() if given is not None else secrets.token_hex(32)
    return application(Console(settings, model, live, write, clock, secret, local), lifespan)


async def run(settings: WebConsoleSettings, listening: socket.socket, clock: Clock, local: str) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    log.info("the console is at %s", address_of(settings, listening))
    config = bounded(
        serving(settings, clock, local),
        connections=CONNECTIONS,
        max_body_bytes=MAX_BODY_BYTES,
        timeout_graceful_shutdown=GOODBYE_S,
    )
    server = WebServer(config)
    stopping = asyncio.create_task(_stop(server))
    try:
        await server.serve([listening])
    finally:
        await end(stopping)


async def _stop(server: uvicorn.Server) -> None:
    await shutdown_requested()
    server.should_exit = True
