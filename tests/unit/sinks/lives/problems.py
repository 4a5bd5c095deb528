"""Eight problems of made-up servers, each from the first breach to the end, as the fold records them."""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from leadline.model.host import Archiver
from leadline.model.incident import Incident
from leadline.model.observation import SettingValue
from leadline.model.replication import Slot
from leadline_streams.judge.policy import Policy
from tests.unit.streams.causes import logical, physical
from tests.unit.streams.world import Server, World, at

UNITS = {"max_standby_streaming_delay": "ms", "max_slot_wal_keep_size": "MB"}
REFUSED = "refused: connection refused"


def a_query_blocks_replay(world: World) -> None:
    """Somebody lifts the limit, a report blocks replay, the lag becomes critical, and the session ends."""
    _pair(world)
    _set(world, "pg-2", max_standby_streaming_delay="-1")
    stuck = world.lsn
    for age in range(330):
        report = physical.session(
            application="monthly_report",
            database="app",
            client="10.0.7.4",
            age_s=12.0 + age,
            query="SELECT sum(total) FROM orders",
        )
        physical.run(world, 1, replayed=stuck, positions={"startup_wait": "Lock/relation"}, down={"activity": report})
    physical.run(world, 5, down={"activity": None})
    _set(world, "pg-2", max_standby_streaming_delay="10000")
    physical.run(world, 60)


def replay_is_paused(world: World) -> None:
    """Somebody pauses replay and resumes it."""
    _pair(world)
    stuck = world.lsn
    physical.run(world, 100, replayed=stuck, positions={"replay_paused": True, "startup_wait": "IPC/RecoveryPause"})
    physical.run(world, 120, positions={"replay_paused": False, "startup_wait": None})


def the_primary_is_down(world: World) -> None:
    """The primary is killed and started again; its standby connects again."""
    _pair(world)
    physical.run(world, 90, cut=True, up={"up": False, "error": REFUSED})
    physical.run(world, 90, up={"up": True, "error": None})


def a_subscriber_has_the_row(world: World) -> None:
    """A row that was written on the subscriber stops its apply worker, until somebody deletes it."""
    world.add("pg-1", "primary")
    subscriber = world.add("pg-3", "primary", system_id="7003")
    subscriber.settings["track_commit_timestamp"] = "on"
    logical.run(world, 10)
    _set(world, "pg-3")
    conflicts = logical.rising("insert_exists", 1)
    logical.run(world, 90, stuck=True, **logical.GONE, apply_errors=lambda second: second, conflicts=conflicts)
    logical.run(world, 400, apply_errors=90, conflicts={**logical.COUNTED, "insert_exists": 90})


def a_slot_is_forgotten(world: World) -> None:
    """The consumer of a slot is gone, and the WAL that the slot retains nears its limit; the slot is dropped."""
    primary, standby = _pair(world)
    for second in range(150):
        kept = 100_000_000 + second * 1_000_000
        gone = Slot(
            name="old_report", wal_status="reserved", restart_lsn="0/1000000", retained_bytes=kept,
            safe_wal_bytes=1024**3 - kept, inactive_s=86_400.0 + second,
        )  # fmt: skip
        world.stream(primary, standby)
        primary.set(slots=[*(one for one in primary.fields["slots"] if one.name != "old_report"), gone])
        world.step()
    primary.set(slots=[one for one in primary.fields["slots"] if one.name != "old_report"])
    physical.run(world, 120)


def rows_are_missing(world: World) -> None:
    """Rows that the publisher updates are not on the subscriber any more; nothing stops, and the two differ."""
    world.add("pg-1", "primary")
    subscriber = world.add("pg-3", "primary", system_id="7003")
    subscriber.settings["track_commit_timestamp"] = "on"
    logical.run(world, 10)
    _set(world, "pg-3")
    logical.run(world, 90, conflicts=logical.rising("update_missing", 3))
    logical.run(world, 500, conflicts={**logical.COUNTED, "update_missing": 270})


def the_archive_is_full(world: World) -> None:
    """archive_command fails, WAL piles up on the primary, and somebody makes room where the archive is."""
    primary, _ = _pair(world)
    primary.settings.update(archive_mode="on", archive_command="cp %p /archive/%f", archive_library="")
    _set(world, "pg-1")
    done = {"archived": 100, "last_archived_wal": "00000001000000000000000A"}
    primary.set(archiver=Archiver(**done, failed=0, last_archived_s=2.0))
    physical.run(world, 20)
    for second in range(120):
        failing = Archiver(
            **done,
            failed=3 + second,
            last_failed_wal="00000001000000000000000B",
            last_failed_s=0.4,
            last_archived_s=22.0 + second,
            ready=2 + second // 10,
        )
        physical.run(world, 1, up={"archiver": failing})
    again = {"archived": 140, "last_archived_wal": "000000010000000000000032"}
    healthy = Archiver(
        **again, failed=123, last_failed_wal="00000001000000000000000B", last_failed_s=30.0, last_archived_s=1.0
    )
    physical.run(world, 400, up={"archiver": healthy})


def an_agent_is_gone(world: World) -> None:
    """The agent of the standby stops; the standby itself goes on, as its primary shows. The agent is started again."""
    _pair(world)
    world.servers["pg-2"].silent = True
    physical.run(world, 90)
    world.servers["pg-2"].silent = False
    physical.run(world, 90)


PROBLEMS: dict[str, Callable[[World], None]] = {
    play.__name__: play
    for play in (
        a_query_blocks_replay,
        replay_is_paused,
        the_primary_is_down,
        a_subscriber_has_the_row,
        a_slot_is_forgotten,
        rows_are_missing,
        the_archive_is_full,
        an_agent_is_gone,
    )
}


class TimedWorld(World):
    """A world that remembers when each record of an incident was written."""

    def __init__(self) -> None:
        super().__init__(policy=Policy())
        self.records: list[tuple[datetime, Incident]] = []

    def step(self, seconds: float = 1.0) -> None:
        """One second, and the records of its end."""
        super().step(seconds)
        self.records += [(at(self.time + 0.5), one) for one in self.incidents[len(self.records) :]]


def played(name: str) -> TimedWorld:
    """The world after a problem, judged with the rules as they are shipped."""
    world = TimedWorld()
    PROBLEMS[name](world)
    return world


def _pair(world: World) -> tuple[Server, Server]:
    primary, standby = world.pair()
    primary.settings["max_slot_wal_keep_size"] = "1024"
    standby.settings["max_standby_streaming_delay"] = "10000"
    physical.run(world, 20)
    _set(world, "pg-1")
    return primary, standby


def _set(world: World, server: str, **settings: str) -> None:
    """Somebody changes settings, and the judgement receives them with their units."""
    world.servers[server].settings.update(settings)
    for each in world.servers.values():
        if each.settings:
            sent = each.node_settings(world.time + 0.6)
            values = {name: SettingValue(value=one.value, unit=UNITS.get(name)) for name, one in sent.settings.items()}
            world.outputs += world.state.observe(replace(sent, settings=values))
