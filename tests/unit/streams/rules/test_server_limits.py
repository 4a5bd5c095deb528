"""Limits that follow the servers' own settings: what a setting allows is no fault, and what exceeds it is one."""

import pytest
from msgspec.structs import replace

from leadline.model.host import Archiver
from leadline.model.ids import NodeName
from leadline.model.replication import Downstream, Positions, Upstream
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.engines.postgresql.timeouts import keepalive_s, status_s
from leadline_streams.engines.postgresql.timing import longer_s, milliseconds
from leadline_streams.judge.node_state import NodeState
from tests.unit.streams.causes.physical import RULES_SOON, change, codes, first, pair, run
from tests.unit.streams.world import QUICK, Server, World

SEGMENT = 16 * 2**20
RESTORE = "cp /archive/%f %p"


def node(**settings: str) -> NodeState:
    """A node of which nothing but these settings is known."""
    world = World()
    server = world.add("pg-1", "primary")
    server.settings.update(settings)
    world.step(3.0)
    world.send_settings()
    for _ in range(3):
        world.step()
    return world.state.memory.nodes[NodeName("pg-1")]


@pytest.mark.parametrize(
    ("value", "seconds", "longer"), [("5000", 5.0, 0.0), ("1000", 1.0, 0.0), ("60000", 60.0, 55.0), ("0", 5.0, 0.0)]
)
def test_a_setting_counts_in_place_of_its_default(value: str, seconds: float, longer: float) -> None:
    found = node(wal_retrieve_retry_interval=value)
    assert (milliseconds(found, "wal_retrieve_retry_interval"), longer_s(found, "wal_retrieve_retry_interval")) == (
        seconds,
        longer,
    )


@pytest.mark.parametrize(
    ("interval", "timeout", "silence"), [(None, None, 12.0), ("1", None, 3.0), ("60", None, 62.0), ("0", "20000", 15.0)]
)
def test_a_standby_is_silent_for_as_long_as_its_settings_say(
    interval: str | None, timeout: str | None, silence: float
) -> None:
    """Without an interval of its own it replies when the sender asks, after half of its timeout."""
    down = node(**({"wal_receiver_status_interval": interval} if interval is not None else {}))
    up = node(**({"wal_sender_timeout": timeout} if timeout is not None else {}))
    assert status_s(up, down) == silence


@pytest.mark.parametrize(
    ("interval", "cut_s", "fires"), [("5000", 12, True), ("60000", 40, False), ("60000", 75, True)]
)
def test_a_standby_may_take_its_time_to_connect_again(interval: str, cut_s: int, fires: bool) -> None:
    """It tries after ``wal_retrieve_retry_interval``: until then a connection that was lost is no cut."""
    world = pair()
    change(world, "pg-2", wal_retrieve_retry_interval=interval)
    run(world, cut_s, cut=True)
    assert ("replication_cut_off" in world.fired()) is fires


@pytest.mark.parametrize(("timeout", "known"), [("60000", False), ("600000", True)])
def test_a_sender_that_may_be_silent_for_long_is_a_link(timeout: str, known: bool) -> None:
    """Its standby has no agent, and has not replied for a minute and a half."""
    world = World(**RULES_SOON)
    up = world.add("pg-1", "primary")
    up.settings["wal_sender_timeout"] = timeout
    world.step()
    world.send_settings()
    row = Downstream(name="offsite", state="streaming", pid=77, reply_age_s=90.0, replay_lsn="0/1000000")
    for _ in range(8):
        up.set(positions=Positions(current_lsn="0/1000000"), downstreams=(row,))
        world.step()
    assert bool(world.state.memory.links) is known


class Shipped:
    """A primary that archives, and a standby that is fed by the archive alone."""

    def __init__(self, **settings: str) -> None:
        self.world = World(**{**RULES_SOON, "replication_cut_off": QUICK})
        self.up, self.down = self.world.add("pg-1", "primary"), self.world.add("pg-2", "standby")
        self.up.settings.update(archive_mode="on", archive_timeout="2", wal_segment_size=str(SEGMENT))
        self.down.settings.update(restore_command=RESTORE, **settings)
        self.segment = 2
        self.replayed = 2 * SEGMENT
        self.pass_time(3)
        self.world.send_settings()
        self.pass_time(3)

    def pass_time(self, seconds: int, archives: bool = True, moves: bool = True, **shown: object) -> None:
        """A segment each second is archived, and replayed where ``moves``; ``shown``: in the standby's positions."""
        for _ in range(seconds):
            self.segment += archives
            if moves:
                self.replayed = self.segment * SEGMENT
            self.world.lsn = (self.segment + 1) * SEGMENT + 100
            self._show(self.up, archives)
            positions = Positions(
                replayed_lsn=format_lsn(self.replayed), startup_wait="Timeout/RecoveryRetrieveRetryInterval"
            )
            self.down.set(positions=replace(positions, **shown), upstream=Upstream(host="", configured=False))
            self.world.step()

    def _show(self, up: Server, archives: bool) -> None:
        failed = {} if archives else {"failed": 9, "last_failed_s": 0.5, "last_archived_s": 60.0}
        archiver = Archiver(
            **{"archived": self.segment, "last_archived_s": 0.5, "last_archived_wal": self.name, **failed}
        )
        up.set(positions=Positions(current_lsn=format_lsn(self.world.lsn)), archiver=archiver)

    @property
    def name(self) -> str:
        """The newest WAL file in the archive: it holds what comes before the next segment."""
        return f"00000001{0:08X}{self.segment - 1:08X}"


def test_a_standby_fed_by_the_archive_is_healthy() -> None:
    shipped = Shipped()
    shipped.pass_time(20)
    assert [link.kind for link in shipped.world.state.memory.links.values()] == ["archive"]
    assert not shipped.world.fired()


def test_a_restore_command_that_fails_is_named() -> None:
    """The archive has more, and replay stands."""
    shipped = Shipped()
    shipped.pass_time(45, moves=False)
    assert first(shipped.world).code == "archive_broken_for_standby"
    assert "restore_command on pg-2 fails, or the archive lacks " in first(shipped.world).summary
    assert {step.risk for step in first(shipped.world).steps} <= {"look", "careful"}


def test_an_archiver_that_fails_is_named_at_its_server() -> None:
    """Nothing new arrives in the archive, so that the standby is behind without a fault of its own."""
    shipped = Shipped()
    for _ in range(60):
        shipped.segment += 1  # written, and not archived
        shipped.pass_time(1, archives=False, moves=False)
    broken = [cause for cause in all_causes(shipped.world) if cause.code == "archive_broken_for_standby"]
    assert broken, codes(shipped.world)
    assert "archiving fails on pg-1" in broken[-1].summary


def test_an_upstream_that_does_not_archive_is_named() -> None:
    shipped = Shipped()
    for _ in range(60):
        shipped.segment += 1
        shipped.world.lsn = (shipped.segment + 1) * SEGMENT
        shipped.up.set(positions=Positions(current_lsn=format_lsn(shipped.world.lsn)), archiver=None)
        shipped.world.step()
    broken = [cause for cause in all_causes(shipped.world) if cause.code == "archive_broken_for_standby"]
    assert broken, codes(shipped.world)
    assert "its archive_mode is off" in broken[-1].summary


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"wal_retrieve_retry_interval": "60000"}, {}),
        ({}, {"apply_delay_s": 3600.0, "startup_wait": "Timeout/RecoveryApplyDelay"}),
        ({}, {"replay_paused": True, "startup_wait": "IPC/RecoveryPause"}),
    ],
    ids=["asks each minute", "delayed by an hour", "paused"],
)
def test_a_standby_that_stands_by_its_own_setting_is_not_starved(
    settings: dict[str, str], shown: dict[str, object]
) -> None:
    """It gets WAL when it asks, when its delay is over, or when it is resumed: the archive is not broken."""
    shipped = Shipped(**settings)
    shipped.pass_time(45, moves=False, **shown)
    assert "archive_broken_for_standby" not in {cause.code for cause in all_causes(shipped.world)}
    assert "replication_cut_off" not in shipped.world.fired()


def all_causes(world: World) -> list:  # type: ignore[type-arg]
    """Every cause of every record, the newest last."""
    return [cause for one in (*world.incidents, *world.transitions) for cause in one.causes]


def test_half_of_the_sender_timeout_is_the_longest_silence_of_a_sender() -> None:
    assert (keepalive_s(node()), keepalive_s(node(wal_sender_timeout="600000"))) == (35.0, 305.0)
