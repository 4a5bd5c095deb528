"""The real processes on one machine over the embedded broker: for ``leadline watch``, and whoever wants it all at once.

Each part runs as it would in production, ``leadline agent``, ``leadline stream`` and the others with files of settings,
so that what is seen here is what a fleet would see. All of it ends with its owner, however that ends.
"""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from leadline.errors import BadRecord, LeadlineError, UnreachableError, UsageError
from leadline.kafka import consumer_options
from leadline.settings.common import KafkaSettings
from leadline.topic_specs import TOPICS
from leadline.topics import PARTITIONS
from leadline.wire import CODECS
from leadline_lab.sandbox.broker import EmbeddedBroker
from leadline_lab.sandbox.folder import Folder
from leadline_lab.sandbox.process import run, spawn

FOLLOWED: Final = ("status", "alerts", "incidents", "deliveries")
"""Topics that ``follow`` reads when no others are asked for."""
_POLL_S: Final = 0.1
_OUTPUT_CHARACTERS: Final = 1500
_ENVIRONMENT: Final = ("HOME", "USER", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that libpq may need beside its own PG*. LEADLINE_* are left out: the settings files are complete."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A key whose value was removed from a compacted topic."""

    key: bytes


class Pipeline:
    """A broker in this process, and the parts as processes of their own."""

    def __init__(self) -> None:
        self._temporary = Folder()
        self._folder = self._temporary.path
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self.broker = EmbeddedBroker()
        self.kafka = KafkaSettings(bootstrap=self.broker.bootstrap)
        for topic in TOPICS:
            self.broker.create_topic(self.kafka.topic_prefix + topic, PARTITIONS)

    def start(self, role: str, settings: Mapping[str, Any], *arguments: str, name: str = "") -> None:
        """Start ``leadline ROLE ARGUMENTS`` with these settings and the embedded broker's address.

        ``name`` is needed when several processes have one role.
        """
        file = self.write(name or role, settings)
        self.launch(role, *arguments, "-c", str(file), name=name)

    def write(self, name: str, settings: Mapping[str, Any]) -> Path:
        """A file with these settings and the embedded broker's address, for a command that wants one."""
        file = self.file(f"{name}.yaml")
        file.touch(mode=0o600)
        kafka = {"bootstrap": self.kafka.bootstrap, "topic_prefix": self.kafka.topic_prefix}
        file.write_bytes(orjson.dumps({**settings, "kafka": kafka}))  # JSON is YAML
        return file

    def launch(self, role: str, *arguments: str, name: str = "") -> None:
        """Start ``leadline ROLE ARGUMENTS``, for one that takes no settings."""
        part = name or role
        with self._log(part).open("ab") as log:
            self._parts[part] = spawn(
                *(sys.executable, "-m", "leadline_cli", role, *arguments),
                cwd=self._folder,
                env=_passed(),
                output=log,
                owner=None,
                farewell=signal.SIGTERM,
            )

    def run(self, command: str, *arguments: str, accept: Collection[int] = (0,)) -> str:
        """Run ``leadline COMMAND ARGUMENTS`` to its end; its output. Raises UnreachableError with its last words where
        it ends with another status than those to ``accept``."""
        return run(
            *(sys.executable, "-m", "leadline_cli", command, *arguments),
            cwd=self._folder,
            env=_passed(),
            owner=None,
            accept=accept,
        )

    def file(self, name: str) -> Path:
        """A path in the folder that goes with the pipeline."""
        return self._folder / name

    def check(self) -> None:
        """Raise the error of a process that ended, with its exit status and the end of its output."""
        for name, part in self._parts.items():
            status = part.poll()
            if status is not None:
                output = self._log(name).read_text(errors="replace").strip()[-_OUTPUT_CHARACTERS:]
                kind: type[LeadlineError] = UsageError if status == UsageError.exit_code else UnreachableError
                raise kind(f"leadline {name} ended with status {status}:\n{output}")

    async def follow(self, topics: Sequence[str] = FOLLOWED) -> AsyncGenerator[list[Any], None]:
        """The values of topics from the beginning, in small batches; an empty one when nothing came.

        A tombstone is a ``Gone`` with the record's key. What cannot be decoded is left out.

        Raises the error of a process that ended.
        """
        from aiokafka import AIOKafkaConsumer

        codecs = {self.kafka.topic_prefix + name: CODECS[name] for name in topics}
        consumer = AIOKafkaConsumer(*codecs, **consumer_options(self.kafka, "leadline-watch"))
        await consumer.start()
        try:
            while True:
                self.check()
                fetched = await consumer.getmany(timeout_ms=int(_POLL_S * 1000))
                found: list[Any] = []
                for partition, records in fetched.items():
                    for record in records:
                        with suppress(BadRecord):
                            value = record.value
                            found.append(
                                codecs[partition.topic].decode(value) if value is not None else Gone(record.key)
                            )
                yield found
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
        self._temporary.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _log(self, part: str) -> Path:
        return self.file(f"{part}.log")


def _passed() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in _ENVIRONMENT or name.startswith("PG")}
