"""`leadline sink` as a process, its records in Kafka, and an HTTP receiver that keeps what it received."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from leadline.clock import SystemClock
from leadline.wire import CODECS, Addressed, Outgoing, outgoing
from leadline_sinks.notify.kafka_reader import consumer_group

CLOCK = SystemClock()
ANSWERS_S = 30.0


class Hook:
    """An HTTP receiver, which answers with ``status``."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[dict[str, Any]] = []
        """Bodies that were answered with status 200."""
        self.refused = 0
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if hook.status == 200:
                    hook.got.append(json.loads(body))
                else:
                    hook.refused += 1
                self.send_response(hook.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def received(self) -> list[tuple[str, str, int]]:
        """Cluster, occasion and ``seq`` of each event."""
        about = [event["data"] for event in self.got]
        return [(data["incident"]["cluster"], data["occasion"], data["incident"]["seq"]) for data in about]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def hook() -> Iterator[Hook]:
    """A running receiver."""
    up = Hook()
    try:
        yield up
    finally:
        up.close()


class Process:
    """`leadline sink`, started any number of times with the same settings. ``program`` is the module to run."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], program: str = "leadline_cli") -> None:
        self._program = program
        self._file, self._out, self._err = folder / "sink.yaml", folder / "sink.out", folder / "sink.err"
        self._file.touch(mode=0o600)
        self._file.write_text(json.dumps(settings))  # JSON is YAML
        self._running: subprocess.Popen[bytes] | None = None

    def start(self, *names: str) -> None:
        command = [sys.executable, "-m", self._program, "sink", *names, "-c", str(self._file)]
        with self._out.open("ab") as out, self._err.open("ab") as err:
            self._running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        assert self._running is not None
        self._running.send_signal(number)

    def end(self) -> int:
        """End the process with SIGTERM; its exit code."""
        assert self._running is not None
        self._running.terminate()
        code = self._running.wait(30)
        self._running = None
        return code

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None


@contextmanager
def process(folder: Path, settings: Mapping[str, Any], program: str = "leadline_cli") -> Iterator[Process]:
    """A process that is killed at the end."""
    made = Process(folder, settings, program)
    try:
        yield made
    finally:
        made.kill()


Put = Callable[..., Any]


@asynccontextmanager
async def writing(bootstrap: str, prefix: str) -> AsyncIterator[Put]:
    """A function that writes values, or records, to their topics."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()

    async def put(*values: Addressed | Outgoing) -> None:
        for value in values:
            record = value if isinstance(value, Outgoing) else outgoing(value, prefix)
            await producer.send_and_wait(record.topic, record.value, record.key, headers=record.headers)

    try:
        yield put
    finally:
        await producer.stop()


async def everything(bootstrap: str, prefix: str, name: str) -> list[Any]:
    """The records of a topic."""
    consumer = AIOKafkaConsumer(prefix + name, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[Any] = []
        while any([await consumer.position(at) < end for at, end in ends.items()]):
            found += [r for records in (await consumer.getmany(timeout_ms=200)).values() for r in records]
        return found
    finally:
        await consumer.stop()


async def values(bootstrap: str, prefix: str, name: str) -> list[Any]:
    """The values of the records of a topic."""
    return [CODECS[name].decode(record.value) for record in await everything(bootstrap, prefix, name)]


def sharers(bootstrap: str, prefix: str, target: str = "webhook") -> int:
    """Number of processes that have partitions of a target's incidents, on Apache Kafka; 0 during a rebalance."""
    name, admin = consumer_group(prefix, target), AdminClient({"bootstrap.servers": bootstrap})
    about = admin.describe_consumer_groups([name])[name].result()
    if about.state != ConsumerGroupState.STABLE:
        return 0
    return sum(bool(member.assignment.topic_partitions) for member in about.members)


async def until(what: str, check: Callable[[], object], process: Process, within_s: float = ANSWERS_S) -> None:
    """Wait for a condition, while the process runs."""
    give_up = CLOCK.monotonic() + within_s
    while not check():
        assert process.alive, process.err
        assert CLOCK.monotonic() < give_up, f"not in {within_s:g} s: {what}\n{process.err}"
        await asyncio.sleep(0.05)
