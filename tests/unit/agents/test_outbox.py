"""The outbox and its spool: every lost record is counted, and the order per cluster is kept."""

import sqlite3
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from leadline.clock import ManualClock
from leadline.errors import UsageError
from leadline_agents import journal
from leadline_agents import outbox as module
from leadline_agents.journal import Record
from leadline_agents.outbox import Outbox
from leadline_agents.spool import Spool, SpoolFailed
from tests.unit.properties import histories

MIB = 1024 * 1024
KEYS = (b"orders", b"users")


def record(number: int, key: bytes = KEYS[0], size: int = 100) -> Record:
    value = b"%08d" % number + b"." * size
    return Record(key=key, value=value, headers=[("n", b"1")], made_at=1.5)


def numbers(records: list[Record]) -> list[int]:
    return [int(record.value[:8]) for record in records]


def drain(outbox: Outbox, key: bytes = KEYS[0]) -> list[int]:
    """Send everything."""
    sent = []
    while batch := outbox.take(key):
        sent += numbers(batch)
        outbox.sent(key)
    return sent


class Runs(RuleBasedStateMachine):
    """Runs of an agent over one spool: put, send, fail, lose the disk, stop, be killed; then a count."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "spool"
        self.clock = ManualClock()
        self.made = 0
        self.dropped = 0
        self.killed = False
        self.delivered: dict[bytes, list[int]] = defaultdict(list)
        self.start()

    def start(self) -> None:
        self.spool = Spool(self.path, MIB)
        self.outbox = Outbox(self.spool, self.clock)
        self.taken: dict[bytes, list[int]] = {}

    @rule(key=st.sampled_from(KEYS), size=st.sampled_from([10, 3000, 60_000]), count=st.integers(1, 12))
    def put(self, key: bytes, size: int, count: int) -> None:
        for _ in range(count):
            self.made += 1
            self.outbox.put(record(self.made, key, size))

    @rule(seconds=st.sampled_from([0.1, 0.6]))
    def store(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.outbox.store()

    @rule(key=st.sampled_from(KEYS))
    def take(self, key: bytes) -> None:
        if key not in self.taken and (batch := self.outbox.take(key)):
            self.taken[key] = numbers(batch)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.taken)))
        self.delivered[key] += self.taken.pop(key)
        self.outbox.sent(key)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.taken)))
        del self.taken[key]
        self.outbox.failed(key)

    @rule()
    def break_or_repair_disk(self) -> None:
        if "add" in vars(self.spool):
            del self.spool.add
            self.outbox.store(0)
        else:
            self.spool.add = no_disk

    @rule()
    def stop(self) -> None:
        """An orderly stop."""
        vars(self.spool).pop("add", None)
        for key in self.taken:
            self.outbox.failed(key)
        self.outbox.store(0)
        self.end()

    @precondition(lambda self: "add" not in vars(self.spool))
    @rule()
    def kill(self) -> None:
        """kill -9 at any moment."""
        self.killed = True
        self.dropped += sum(entry.gone for queue in self.outbox._queues.values() for entry in queue.taken)
        self.end()

    def end(self) -> None:
        self.dropped += self.outbox.dropped
        self.spool.close()
        self.start()

    @invariant()
    def the_file_keeps_its_bound(self) -> None:
        files = [self.path, self.path.with_name("spool-wal"), self.path.with_name("spool.ahead")]
        assert sum(file.stat().st_size for file in files if file.exists()) <= MIB

    @invariant()
    def order_is_kept(self) -> None:
        """After a kill, records of the journal come twice; each record comes for the first time in order."""
        for delivered in self.delivered.values():
            once = list(dict.fromkeys(delivered))
            assert once == sorted(once)
            assert self.killed or once == delivered

    @invariant()
    def the_spool_counts_itself(self) -> None:
        query = "SELECT count(*), coalesce(sum(length(record)), 0) FROM waiting"
        assert self.spool._db.execute(query).fetchone() == (self.spool.count, self.spool.bytes)

    def teardown(self) -> None:
        self.stop()
        for key in KEYS:
            self.delivered[key] += drain(self.outbox, key)
        self.order_is_kept()
        lost = self.made - sum(len(set(delivered)) for delivered in self.delivered.values())
        dropped = self.dropped + self.outbox.dropped
        assert lost <= dropped if self.killed else lost == dropped
        self.spool.close()
        self.folder.cleanup()


TestRuns = Runs.TestCase
TestRuns.settings = histories()


def no_disk(*_: object) -> int:
    raise SpoolFailed("no space left")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite3"


def test_a_record_that_is_acknowledged_at_once_is_not_spooled(path: Path, clock: ManualClock) -> None:
    """While Kafka answers the spool stays empty."""
    outbox = Outbox(Spool(path, MIB), clock)
    for n in range(100):
        outbox.put(record(n))
        outbox.store()
        assert numbers(outbox.take(KEYS[0])) == [n]
        outbox.sent(KEYS[0])
        clock.advance(1.0)
    assert outbox.spooled == outbox.dropped == 0
    assert outbox.is_empty(KEYS[0])


def test_records_of_an_earlier_run_are_sent_first(path: Path, clock: ManualClock) -> None:
    """Records that were not sent before a restart come before new ones."""
    spool = Spool(path, MIB)
    outbox = Outbox(spool, clock)
    outbox.put(record(1))
    outbox.store(0)
    spool.close()
    outbox = Outbox(Spool(path, MIB), clock)
    outbox.put(record(2))
    assert drain(outbox) == [1, 2]


def test_kill_9_loses_nothing(path: Path, clock: ManualClock) -> None:
    """Records that were being sent or just put are sent again, in order; acknowledged ones are not."""
    spool = Spool(path, MIB)
    outbox = Outbox(spool, clock)
    outbox.put(record(0))
    assert drain(outbox) == [0]
    outbox.put(record(1))
    outbox.take(KEYS[0])
    outbox.put(record(2))
    outbox.put(record(3, KEYS[1]))
    spool.close()
    outbox = Outbox(Spool(path, MIB), clock)
    outbox.put(record(4))
    assert (drain(outbox), drain(outbox, KEYS[1])) == ([1, 2, 4], [3])


def test_a_record_on_disk_is_not_read_from_the_journal_too(path: Path, clock: ManualClock) -> None:
    """The journal is rarely cleared while Kafka is away; each record comes once all the same."""
    spool = Spool(path, MIB)
    outbox = Outbox(spool, clock)
    for n in range(6):
        outbox.put(record(n, KEYS[n % 2]))
        clock.advance(0.3)
        outbox.store()
    assert 0 < outbox.spooled < 6
    spool.close()
    outbox = Outbox(Spool(path, MIB), clock)
    assert (drain(outbox), drain(outbox, KEYS[1])) == ([0, 2, 4], [1, 3, 5])


def test_records_that_do_not_fit_into_the_journal_go_to_the_spool(path: Path, clock: ManualClock) -> None:
    """However many come at once, kill -9 loses none."""
    spool = Spool(path, MIB)
    outbox = Outbox(spool, clock)
    for n in range(20):
        outbox.put(record(n, size=journal.MAX_BYTES // 8))
    assert 0 < outbox.spooled < 20
    spool.close()
    assert drain(Outbox(Spool(path, MIB), clock)) == list(range(20))


def test_a_batch_is_bounded_but_never_empty(path: Path, clock: ManualClock) -> None:
    """A record larger than a batch goes alone; others are cut at the limit."""
    outbox = Outbox(Spool(path, 16 * MIB), clock)
    for n in range(4):
        outbox.put(record(n, size=module.BATCH_BYTES if n == 0 else module.BATCH_BYTES // 2))
    assert numbers(outbox.take(KEYS[0])) == [0]
    outbox.failed(KEYS[0])
    outbox.store(0)
    assert numbers(outbox.take(KEYS[0])) == [0]
    outbox.sent(KEYS[0])
    assert numbers(outbox.take(KEYS[0])) == [1]


@pytest.mark.parametrize("stored", [False, True])
def test_a_failed_batch_is_taken_again_in_order(path: Path, clock: ManualClock, stored: bool) -> None:
    """It comes before later records, from memory and from disk."""
    outbox = Outbox(Spool(path, MIB), clock)
    for n in range(3):
        outbox.put(record(n))
    outbox.take(KEYS[0])
    outbox.put(record(3))
    if stored:
        outbox.store(0)
    outbox.failed(KEYS[0])
    outbox.put(record(4))
    assert drain(outbox) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("delivered", [False, True])
def test_a_record_dropped_on_its_way_counts_only_if_it_does_not_arrive(
    path: Path, clock: ManualClock, delivered: bool
) -> None:
    """The disk may drop what Kafka is about to acknowledge."""
    outbox = Outbox(Spool(path, MIB), clock)
    for n in range(40):
        outbox.put(record(n, size=50_000))
        if n == 5:
            outbox.store(0)
            on_its_way = len(outbox.take(KEYS[0]))
    outbox.store(0)
    before = outbox.dropped
    if delivered:
        outbox.sent(KEYS[0])
        assert outbox.dropped == before
    else:
        outbox.failed(KEYS[0])
        assert outbox.dropped == before + on_its_way
    assert outbox.dropped + len(drain(outbox)) + on_its_way * delivered == 40


def test_memory_is_bounded_while_the_disk_fails(path: Path, clock: ManualClock) -> None:
    """Without a disk the oldest are dropped and counted, and the rest is delivered in order."""
    spool = Spool(path, MIB)
    spool.add = no_disk  # type: ignore[method-assign]
    outbox = Outbox(spool, clock)
    for n in range(100):
        outbox.put(record(n, size=100_000))
        clock.advance(1.0)
        outbox.store()
    assert outbox.dropped == 100 - module.MEMORY_BYTES // 100_008
    assert drain(outbox) == list(range(outbox.dropped, 100))


def test_a_failing_disk_is_logged_once(path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    """One line when the disk fails and one when it is back, not one a second."""
    caplog.set_level("INFO")
    spool = Spool(path, MIB)
    spool.add = no_disk  # type: ignore[method-assign]
    outbox = Outbox(spool, clock)
    for n in range(3):
        outbox.put(record(n))
        outbox.store(0)
    del spool.add  # type: ignore[method-assign]
    outbox.store(0)
    outbox.store(0)
    assert [entry.levelname for entry in caplog.records] == ["ERROR", "INFO"]
    assert outbox.spooled == 3


def test_records_that_cannot_be_deleted_are_not_sent_again(path: Path, clock: ManualClock) -> None:
    """A disk that refuses to delete acknowledged records does not hold up later ones."""
    spool = Spool(path, MIB)
    outbox = Outbox(spool, clock)
    outbox.put(record(1))
    outbox.store(0)
    remove = spool.remove
    spool.remove = no_disk  # type: ignore[method-assign,assignment]
    assert drain(outbox) == [1]
    assert outbox.spooled == 1
    spool.remove = remove  # type: ignore[method-assign]
    outbox.put(record(2))
    outbox.store(0)
    assert drain(outbox) == [2]
    assert outbox.spooled == 0


def test_acknowledged_records_do_not_count_as_dropped(path: Path, clock: ManualClock) -> None:
    """Those that could not be deleted are the first to be dropped for room."""
    spool = Spool(path, MIB)
    outbox = Outbox(spool, clock)
    for n in range(5):
        outbox.put(record(n, size=50_000))
    outbox.store(0)
    spool.remove = no_disk  # type: ignore[method-assign,assignment]
    assert drain(outbox) == list(range(5))
    for n in range(5, 20):
        outbox.put(record(n, size=50_000))
        outbox.store(0)
    assert len(drain(outbox)) + outbox.dropped == 15


def test_an_undeliverable_batch_is_dropped_and_counted(path: Path, clock: ManualClock) -> None:
    """A batch that Kafka never accepts does not hold up the rest."""
    outbox = Outbox(Spool(path, MIB), clock)
    outbox.put(record(1))
    outbox.take(KEYS[0])
    outbox.refuse(KEYS[0])
    outbox.put(record(2))
    assert drain(outbox) == [2]
    assert outbox.dropped == 1


def test_an_empty_spool_returns_its_space(path: Path, clock: ManualClock) -> None:
    """After an outage the file is small again."""
    outbox = Outbox(Spool(path, 8 * MIB), clock)
    for n in range(200):
        outbox.put(record(n, size=10_000))
    outbox.store(0)
    assert path.stat().st_size > MIB
    drain(outbox)
    assert path.stat().st_size < 100_000


def test_the_file_is_private(path: Path) -> None:
    """The queries in it are private."""
    Spool(path, MIB)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["no/such/folder/spool", ".", "readonly/spool"])
def test_a_path_that_cannot_be_written_is_a_usage_error(tmp_path: Path, name: str) -> None:
    """At the start, with the path and the setting."""
    (tmp_path / "readonly").symlink_to("/proc/self")
    with pytest.raises(UsageError, match=r"cannot write the spool .*: .+; set spool\.path") as raised:
        Spool(tmp_path / name, MIB)
    assert str(tmp_path) in str(raised.value)


def test_two_agents_cannot_share_a_spool(path: Path) -> None:
    """The error of the second one names the file."""
    first = Spool(path, MIB)
    with pytest.raises(UsageError, match="another agent uses the spool"):
        Spool(path, MIB)
    first.close()
    Spool(path, MIB)


@pytest.mark.parametrize(
    "garbage", [b"not a database, but longer than a header of one hundred bytes" * 9, b"\0" * 8192]
)
def test_a_damaged_file_is_set_aside(path: Path, clock: ManualClock, garbage: bytes) -> None:
    """The agent goes on with a new file and keeps the damaged one."""
    path.write_bytes(garbage)
    outbox = Outbox(Spool(path, MIB), clock)
    outbox.put(record(1))
    outbox.store(0)
    assert drain(outbox) == [1]
    assert path.with_name(path.name + ".damaged").read_bytes() == garbage


def test_a_full_disk_at_the_start_leaves_a_spool_in_memory(
    path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that is restarted while the disk is full goes on."""
    connect = sqlite3.connect

    def full(where: Path, **options: float) -> sqlite3.Connection:
        if where != path:
            return connect(where, **options)
        database = connect(where, **options)
        database.execute("PRAGMA max_page_count = 1")
        return database

    monkeypatch.setattr(sqlite3, "connect", full)
    outbox = Outbox(Spool(path, MIB), clock)
    outbox.put(record(1))
    outbox.store(0)
    assert outbox.spooled == 1
    assert drain(outbox) == [1]
