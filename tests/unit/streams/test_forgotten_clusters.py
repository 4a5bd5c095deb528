"""A cluster of which nothing is left is forgotten, and so is its state; one of its name may come back."""

from types import SimpleNamespace
from typing import Any

import pytest

from leadline.clock import ManualClock
from leadline.model.alert import Transition
from leadline.model.observation import Tick
from leadline.wire import outgoing
from leadline_streams.assembly import ClusterFactory
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.status import Forgotten
from leadline_streams.judge.watermark import PATIENCE_S
from leadline_streams.runtime.partition import Partition
from tests.unit.streams.memory_log import Count, Counts, MemoryLog, chunk, forgiving, pause, sample
from tests.unit.streams.world import World, at

HOUR_S, DAY_S = 3600.0, 86_400.0
SILENT = Policy(rules={"agent_silent": {"for_s": 0.0}})


class Topic:
    """A partition of the samples, and what came of it."""

    def __init__(self) -> None:
        self.blobs: dict[bytes, bytes] = {}
        self.partition = Partition(0, 0, ClusterFactory(SILENT), self.blobs, 10.0)
        self.offset = 0
        self.outputs: list[Any] = []
        self.forgotten: list[str] = []

    def read(self, value: Any) -> None:
        """Judge a record."""
        made = outgoing(value, "")
        record = SimpleNamespace(
            key=made.key, offset=self.offset, headers=made.headers, value=made.value, timestamp=0, timestamp_type=0
        )
        folded = self.partition.fold([record], 0.0)
        assert not folded.rejected
        self.outputs += [output for _, output in folded.outputs]
        self.forgotten += [cluster.name for cluster in folded.forgotten]
        self.offset += 1
        for cluster in list(self.partition.due(1e9)):
            self.partition.dump(cluster, 0.0)

    def tick(self, seconds: float) -> None:
        """Time passes."""
        self.read(Tick(at=at(seconds)))

    def later(self, seconds: float) -> None:
        """Time has passed without a tick: nothing is judged before ticks have come for a while."""
        for more in range(0, int(PATIENCE_S) + 5, 5):
            self.tick(seconds + more)

    def live(self, name: str, begin: float) -> None:
        """A cluster of a primary and its standby is watched for half a minute."""
        world = World(name)
        up, down = world.pair()
        for second in range(30):
            world.stream(up, down)
            for server in (up, down):
                self.read(server.sample(begin + second))
            self.tick(begin + second + 0.5)


def numbers(topic: Topic) -> list[tuple[str, int]]:
    """The transitions by alert and number."""
    return [(output.alert_id, output.seq) for output in topic.outputs if isinstance(output, Transition)]


@pytest.mark.slow
def test_a_year_of_clusters_that_come_and_go_leaves_nothing() -> None:
    """Each is there for a while, as those of test environments are, and is silent from then on."""
    topic, most = Topic(), 0
    for day in range(0, 365, 5):
        topic.live(f"preview-{day}", day * DAY_S)
        for hours in range(1, 24 * 5, 24):
            topic.later(day * DAY_S + hours * HOUR_S)
        most = max(most, len(topic.partition.clusters))
    assert most < 10
    for day in range(366, 380):
        topic.later(day * DAY_S)
    assert len(topic.forgotten) == 73
    assert not topic.partition.clusters
    assert not topic.blobs
    assert topic.partition.committable == topic.partition.position
    gone = {output.ident for output in topic.outputs if isinstance(output, Forgotten)}
    assert {f"preview-0/{name}" for name in ("pg-1", "pg-2", "pg-1->pg-2")} <= gone
    assert len(gone) == 73 * 3


def test_a_cluster_that_comes_back_uses_no_number_again() -> None:
    """The incident log has its earlier alerts for ever, by alert and number."""
    topic = Topic()
    topic.live("orders", 0.0)
    for day in range(1, 40):
        topic.later(day * DAY_S)
    assert topic.forgotten == ["orders"]
    before = numbers(topic)
    assert before
    topic.live("orders", 40 * DAY_S)
    topic.later(41 * DAY_S)
    after = numbers(topic)[len(before) :]
    assert {ident for ident, _ in after} & {ident for ident, _ in before}
    assert not set(after) & set(before)


def test_a_cluster_whose_agent_reports_is_kept() -> None:
    """Although no server of it answers for weeks."""
    topic, world = Topic(), World("orders")
    server = world.add("pg-1", "primary")
    topic.live("orders", 0.0)
    server.set(up=False, error="refused: connection refused", interval_s=3600.0)
    for hours in range(1, 24 * 21):
        topic.tick(hours * HOUR_S)
        topic.read(server.sample(hours * HOUR_S))
    assert not topic.forgotten
    assert list(topic.partition.clusters) == [b"orders"]


@pytest.mark.slow
async def test_the_state_of_a_forgotten_cluster_is_removed() -> None:
    """By a tombstone, after what was written of it; the offsets go on."""

    class Ends(Count):
        """Nothing is left of it after its third observation."""

        @property
        def is_empty(self) -> bool:  # type: ignore[override]
            return self.seen >= 3

    class Endings(Counts):
        def new(self, cluster: str, seq_floor: int = 0) -> Count:
            return Ends(cluster)

    log = MemoryLog()
    for seq in range(2):
        log.append(sample("orders", seq))
    log.append(Tick(at=at(0.0)))
    log.worker = log.restart(ManualClock(), forgiving())
    log.worker._factory = Endings()
    log.worker._restorer._factory = Endings()
    await log.worker.claim()
    log.worker.assign()
    await pause()
    (opening,) = log.worker._partitions
    await log.settle(log.worker.process(chunk(opening, log.samples[0])))
    await log.settle(log.worker.release())
    written = [record.value for record in log.topic("state") if record.key == b"orders"]
    assert written
    assert written[-1] is None
    assert log.committed == {0: 3}
    assert not log.worker.failed.done()
