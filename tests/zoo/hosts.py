"""What runs on hosts beside the servers: clocks that somebody sets, and applications that write."""

import asyncio
from datetime import datetime, timedelta

from leadline.clock import SystemClock
from leadline_lab.sandbox.postgres import Server

MESSAGE = "SELECT pg_logical_emit_message(true, 'zoo', repeat('x', %s))"
"""A transaction that does nothing but write as much log."""


class HostClock(SystemClock):
    """The clock of a host, which somebody may set wrong. The time that passes is right."""

    ahead_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)


async def write(server: Server, statement: str, size: int, dbname: str, every_s: float) -> None:
    """Run a statement, which takes ``size``, again and again with a pause, until cancelled."""
    while True:
        await asyncio.to_thread(server.query, statement, [size], dbname)
        await asyncio.sleep(every_s)
