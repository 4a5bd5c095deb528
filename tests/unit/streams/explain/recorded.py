"""A recording of a made-up cluster, second by second."""

from collections.abc import Callable
from pathlib import Path

from leadline.model.observation import Tick
from leadline.recording import Recorded, line
from leadline.wire import outgoing
from tests.unit.streams.world import World, at


class Film:
    """Records what each second of a world shows."""

    def __init__(self) -> None:
        self.world = World()
        self.primary, self.standby = self.world.pair()
        self.records: list[Recorded] = []

    def run(self, seconds: int, show: Callable[["Film"], None]) -> "Film":
        """Let seconds pass in which both ends show the same situation."""
        for _ in range(seconds):
            self.world.time += 1.0
            self.world.lsn += self.world.rate
            show(self)
            for index, server in enumerate(self.world.servers.values()):
                if not server.silent:
                    self._add(outgoing(server.sample(self.world.time + index * 0.1), "leadline."))
            self._add(outgoing(Tick(at=at(self.world.time + 0.5), worker="w"), "leadline.", partition=0))
        return self

    def write(self, path: Path) -> Path:
        """The recording as a file."""
        path.write_bytes(b"".join(line(record) for record in self.records))
        return path

    def _add(self, record: object) -> None:
        key, value, headers = record.key, record.value, list(record.headers)  # type: ignore[attr-defined]
        place, moment_ms = len(self.records), int(at(self.world.time + 0.6).timestamp() * 1000)
        self.records.append(Recorded("leadline.samples", 0, place, moment_ms, key or None, headers, value))


def streams(film: Film) -> None:
    """A healthy stream."""
    film.world.stream(film.primary, film.standby)


class Behind:
    """A standby that receives everything and replays nothing more."""

    def __init__(self) -> None:
        self.stopped_at: int | None = None

    def __call__(self, film: Film) -> None:
        if self.stopped_at is None:
            self.stopped_at = film.world.lsn
        film.world.stream(film.primary, film.standby, replayed=self.stopped_at)
