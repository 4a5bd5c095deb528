"""A fleet whose samples go the way of an agent's, and the real processes, started and killed."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from random import Random
from typing import Any, Self

import orjson

from leadline.errors import UnreachableError
from leadline.signature import Signer
from leadline_agents.channel import KafkaChannel
from leadline_agents.outbox import Outbox
from leadline_agents.publisher import Publisher
from leadline_agents.record_times import RecordTimes
from leadline_agents.service import STORE_EVERY_S
from leadline_agents.spool import Spool
from leadline_lab.sandbox import guard
from leadline_lab.sandbox.process import spawn
from tests.faults.account import Source
from tests.integration.streams.kit import CLOCK, Agents, Topics

CLUSTERS = 20
"""Of two nodes, each looked at four times a second."""


class Load:
    """Made-up samples of 40 nodes, held and sent by an agent's outbox and publisher: only the servers are not real."""

    def __init__(self, topics: Topics, folder: Path, seed: int) -> None:
        self._agents = Agents(topics, Random(seed), CLUSTERS)
        self._outbox = Outbox(Spool(folder / "load.sqlite3", 64 * 1024 * 1024), CLOCK)
        kafka, times = topics.settings().kafka, RecordTimes(CLOCK)
        self._publisher = Publisher(
            self._outbox,
            lambda: KafkaChannel.open(kafka, times),
            CLOCK,
            prefix=topics.prefix,
            clusters=[f"orders-{number}" for number in range(CLUSTERS)],
            interval_s=0.25,
            signer=Signer(None),
        )
        self.made: Counter[Source] = Counter()
        """The number of observations of each source so far."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look all the time; on leaving, everything is delivered."""
        looking, *others = tasks = [
            asyncio.create_task(part) for part in (self._look(), self._publisher.run(), self._keep())
        ]
        try:
            yield
            looking.cancel()
            async with asyncio.timeout(60):
                await self._publisher.drained()
            assert not any(task.done() for task in others)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _look(self) -> None:
        async for seen in self._agents.looks(inf):
            self._publisher.put(seen)
            self.made[seen.node.cluster, seen.node.name, seen.node.boot] += 1

    async def _keep(self) -> None:
        while True:
            await CLOCK.sleep(STORE_EVERY_S)
            self._outbox.store()


class Process:
    """``leadline ROLE -c FILE``, which ends with its owner."""

    def __init__(self, role: str, settings: Mapping[str, Any], folder: Path) -> None:
        self._log = folder / f"{role}.log"
        file = folder / f"{role}.yaml"
        file.write_bytes(orjson.dumps(settings))  # JSON is YAML
        command = (sys.executable, "-m", "leadline_cli", role, "-c", file)
        with self._log.open("ab") as log:
            self._guard = spawn(*command, cwd=folder, env={}, output=log, owner=None, farewell=signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()

    @property
    def running(self) -> bool:
        """Has it not ended by itself?"""
        return self._guard.poll() is None

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the status, as a shell has it."""
        below = guard.descendants(self._guard.pid)
        if not below or self._guard.poll() is not None:
            raise UnreachableError(f"it has ended by itself: {self.log_tail()}")
        os.kill(below[0], number)
        try:
            return self._guard.wait(30)
        except subprocess.TimeoutExpired:
            raise UnreachableError(f"it does not end: {self.log_tail()}") from None

    def log_tail(self) -> str:
        """The end of its process log."""
        return self._log.read_text(errors="replace")[-3000:]


class Service:
    """A process that is started again when it ends, as its unit has it."""

    def __init__(self, role: str, settings: Mapping[str, Any], folder: Path) -> None:
        self._start = lambda: Process(role, settings, folder)
        self.process = self._start()
        self.ended: list[str] = []
        """The last line of each that ended by itself."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep it running; on leaving there is one."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})

    async def _keep(self) -> None:
        while True:
            await CLOCK.sleep(0.5)
            if not self.process.running:
                self.ended.append(self.process.log_tail().rstrip().rpartition("\n")[2])
                self.process.__exit__()
                self.process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.__exit__()


def looked(port: int) -> dict[str, int]:
    """The number of samples that an agent has taken of each node, by its metrics; nothing while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
            page = answer.read().decode()
    except OSError:
        return {}
    counts: Counter[str] = Counter()
    for line in page.splitlines():
        if line.startswith("leadline_agent_samples_total{"):
            counts[line.partition('node="')[2].partition('"')[0]] += int(float(line.rpartition(" ")[2]))
    return dict(counts)
