"""The real processes on one machine over the embedded broker: for ``leadline watch``, and whoever wants it all at once.

Each part runs as it would in production, ``leadline agent`` and ``leadline stream`` with files of settings, so that
what is seen here is what a fleet would see. All of it ends with its owner, however that ends.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from leadline.errors import LeadlineError, UnreachableError, UsageError
from leadline.kafka import consumer_options
from leadline.sandbox.broker import EmbeddedBroker
from leadline.sandbox.process import spawn
from leadline.settings.common import KafkaSettings
from leadline.topics import PARTITIONS, TOPICS
from leadline.wire import CODECS

STATES_FOLLOW: Final = ("samples", "alerts", "incidents")
_POLL_S: Final = 0.1
_LAST_WORDS: Final = 1500
_ENVIRONMENT: Final = ("HOME", "USER", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What libpq may need beside its own PG* variables. LEADLINE_* stay out: the files say everything."""


class Pipeline:
    """A broker in this process, and the parts as processes of their own."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="leadline-"))
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self.broker = EmbeddedBroker()
        self.kafka = KafkaSettings(bootstrap=self.broker.bootstrap)
        for topic in TOPICS:
            self.broker.create_topic(self.kafka.topic_prefix + topic, PARTITIONS)

    def start(self, role: str, settings: Mapping[str, Any]) -> None:
        """Start ``leadline ROLE`` with these settings and the embedded broker's address."""
        file = self._folder / f"{role}.yaml"
        file.touch(mode=0o600)
        kafka = {"bootstrap": self.kafka.bootstrap, "topic_prefix": self.kafka.topic_prefix}
        file.write_bytes(orjson.dumps({**settings, "kafka": kafka}))  # JSON is YAML
        passed = {name: value for name, value in os.environ.items() if name in _ENVIRONMENT or name.startswith("PG")}
        with self._log(role).open("ab") as log:
            self._parts[role] = spawn(
                sys.executable,
                "-m",
                "leadline",
                role,
                "-c",
                file,
                cwd=self._folder,
                env=passed,
                output=log,
                owner=None,
                farewell=signal.SIGTERM,
            )

    @property
    def spool(self) -> str:
        """A file for the agent's spool."""
        return str(self._folder / "spool.sqlite3")

    def check(self) -> None:
        """Raise what a part died of, with its exit code's meaning and its last words."""
        for role, part in self._parts.items():
            status = part.poll()
            if status is not None:
                said = self._log(role).read_text(errors="replace").strip()[-_LAST_WORDS:]
                kind: type[LeadlineError] = UsageError if status == UsageError.exit_code else UnreachableError
                raise kind(f"leadline {role} ended with status {status}:\n{said}")

    async def follow(self) -> AsyncGenerator[list[Any], None]:
        """Observations, transitions and incidents from the beginning, in small batches; an empty one when nothing came.

        Raises what a part died of.
        """
        from aiokafka import AIOKafkaConsumer

        topics = {self.kafka.topic_prefix + name: CODECS[name] for name in STATES_FOLLOW}
        consumer = AIOKafkaConsumer(*topics, **consumer_options(self.kafka, "leadline-watch"))
        await consumer.start()
        try:
            while True:
                self.check()
                fetched = await consumer.getmany(timeout_ms=int(_POLL_S * 1000))
                yield [
                    topics[partition.topic].decode(record.value)
                    for partition, records in fetched.items()
                    for record in records
                ]
        finally:
            await consumer.stop()

    def close(self) -> None:
        """End the parts, then the broker; leave no file."""
        for part in self._parts.values():
            assert part.stdin is not None
            part.stdin.close()
        for part in self._parts.values():
            part.wait()
        self.broker.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _log(self, role: str) -> Path:
        return self._folder / f"{role}.log"
