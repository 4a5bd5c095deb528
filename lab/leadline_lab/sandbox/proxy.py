"""A TCP proxy that can be cut, held or slowed down."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Self

from leadline.clock import SystemClock
from leadline_lab.sandbox.port import HOST, Port

Direction = Literal["upstream", "downstream"]
"""As the server behind the proxy is the upstream: clients send upstream, the server sends downstream."""

CHUNK = 1 << 16
ACCEPTED_TURNS = 3
"""Turns of the loop after which a connection that was just accepted has its link. A listener that is closed before
would leave that connection open, with nobody to close it."""
TICK_S = 0.05
"""The time between two portions of a throttled connection."""


class Proxy:
    """Forwards ``port`` on 127.0.0.1 to ``target``, another port there, until it is broken. Runs in its own thread.

    Held bytes wait in the sockets' buffers, so the kernel still acknowledges some of them, and new connections are
    accepted: both ends see a silent network, not a refused connection.
    """

    def __init__(self, target: int, on_change: Callable[[str], object] = lambda _: None) -> None:
        """``on_change`` is called with a line of text when the network is broken or healed."""
        self._target = target
        self._on_change = on_change
        self._port = Port()
        self._clock = SystemClock()
        self._rate: float | None = None
        self._listener: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._flowing: dict[Direction, asyncio.Event] = {"upstream": asyncio.Event(), "downstream": asyncio.Event()}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True)
        self._thread.start()
        self._call(self._heal())

    @property
    def port(self) -> int:
        """The port to connect to, the same after a cut."""
        return self._port.number

    def heal(self) -> None:
        """Forward everything at full speed again. Connections that were held continue; those that were cut are gone."""
        self._on_change("healed")
        self._call(self._heal())

    def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        self._on_change("cut")
        self._call(self._cut())

    def lead_to(self, target: int) -> None:
        """Drop every connection, and lead new ones to another port, as a virtual IP address does that moves."""
        self.cut()
        self._target = target
        self.heal()

    def blackhole(self, *directions: Direction) -> None:
        """Stop forwarding without closing a connection: in the directions named, or in both when none is named."""
        held = directions or ("upstream", "downstream")
        self._on_change(f"packets dropped, {' and '.join(held)}")
        self._call(self._hold(held))

    def throttle(self, bytes_per_s: float) -> None:
        """Limit each connection to this rate in each direction, from its next bytes on."""
        self._on_change(f"limited to {bytes_per_s:g} bytes/s")
        self._rate = bytes_per_s

    def close(self) -> None:
        """Cut for good. Harmless a second time."""
        if self._loop.is_closed():
            return
        self._call(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # In the thread

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _heal(self) -> None:
        self._rate = None
        for event in self._flowing.values():
            event.set()
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, HOST, self.port)

    async def _hold(self, directions: tuple[Direction, ...]) -> None:
        for direction in directions:
            self._flowing[direction].clear()

    async def _cut(self) -> None:
        if self._listener is not None:
            for socket in self._listener.sockets:
                self._loop.remove_reader(socket.fileno())
            for _ in range(ACCEPTED_TURNS):
                await asyncio.sleep(0)
            self._listener.close()
            self._listener = None
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = self._loop.create_task(self._forward(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)
        link.add_done_callback(lambda _: writer.transport.abort())  # also of one that is cut before it begins

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end closes it or the link is cut."""
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(writer.transport.abort)
            try:
                server_reader, server_writer = await asyncio.open_connection(HOST, self._target)
            except OSError:
                return
            stack.callback(server_writer.transport.abort)
            async with asyncio.TaskGroup() as group:
                up = group.create_task(self._pump("upstream", reader, server_writer))
                down = group.create_task(self._pump("downstream", server_reader, writer))
                await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
                up.cancel()
                down.cancel()

    async def _pump(self, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction, up to and including the end of the stream."""
        flowing = self._flowing[direction]
        with contextlib.suppress(ConnectionError):
            while True:
                rate = self._rate
                data = await reader.read(max(1, int(rate * TICK_S)) if rate else CHUNK)
                await flowing.wait()
                if not data:
                    break
                writer.write(data)
                await writer.drain()
                if rate:
                    await self._clock.sleep(len(data) / rate)
            writer.close()
            await writer.wait_closed()
