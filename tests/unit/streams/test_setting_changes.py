"""Changes of servers on record: derived from consecutive looks alone, each between the two looks around it."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.change_record import ChangeRecord
from leadline.model.observation import NodeSettings, SettingValue
from leadline.wire import CHANGES, outgoing
from leadline_streams.judge.cluster import ClusterState
from tests.unit.streams.world import World, at

CONF = "/etc/postgresql/17/main/postgresql.conf"


def value(text: str, **fields: Any) -> SettingValue:
    """A value in the unit of max_slot_wal_keep_size."""
    given: dict[str, Any] = {"unit": "MB", "source": "configuration file", "file": CONF, "line": 812}
    return SettingValue(value=text, **given | fields)


class Looks:
    """Readings of the settings of one server in a cluster of two."""

    def __init__(self) -> None:
        self.world = World()
        self.world.stream(*self.world.pair())
        for _ in range(3):
            self.world.step()
        self.records: list[ChangeRecord] = []

    def read(self, unchanged_s: float | None = None, **settings: SettingValue) -> list[ChangeRecord]:
        """One more second, and a reading; the changes that it puts on record."""
        world = self.world
        world.step()
        server, seconds = world.servers["pg-1"], world.time + 0.6
        server.seq += 1
        seen = NodeSettings(
            node=server.node,
            seq=server.seq,
            at=at(seconds),
            sent_at=at(seconds),
            settings=settings,
            unchanged_at=at(unchanged_s) if unchanged_s is not None else None,
        )
        world.outputs += world.state.observe(seen)
        world.step()
        found = [each for each in world.outputs if isinstance(each, ChangeRecord)]
        new, self.records = found[len(self.records) :], found
        return new


def test_a_change_is_between_two_looks() -> None:
    """The first reading is no change. A change has the value before and after, where the new one is from, and the two
    readings between which it was made."""
    looks = Looks()
    assert looks.read(max_slot_wal_keep_size=value("10240")) == []
    before = looks.world.time - 0.4
    (record,) = looks.read(max_slot_wal_keep_size=value("1024"))
    change = record.change
    assert (change.node, change.setting, change.from_, change.to) == ("pg-1", "max_slot_wal_keep_size", "10GB", "1GB")
    assert (change.source, change.file, change.line) == ("configuration file", CONF, 812)
    assert (change.after, change.at) == (at(before), at(before + 2.0))
    assert (record.cluster, record.datacenter) == ("orders", "fra1")
    assert looks.read(max_slot_wal_keep_size=value("1024", line=813)) == []  # a line that moved is no change


def test_looks_in_between_bound_a_change() -> None:
    """A look at which the server had not read its files anew came before the change."""
    looks = Looks()
    looks.read(max_slot_wal_keep_size=value("10240"))
    for _ in range(20):
        looks.world.step()
    unchanged_s = looks.world.time
    (record,) = looks.read(unchanged_s=unchanged_s, max_slot_wal_keep_size=value("1024"))
    assert (record.change.after, record.change.at) == (at(unchanged_s), at(unchanged_s + 1.6))
    (record,) = looks.read(unchanged_s=unchanged_s, max_slot_wal_keep_size=value("10240"))  # before the last reading
    assert (record.change.after, record.change.at) == (at(unchanged_s + 1.6), at(unchanged_s + 3.6))


def test_an_agent_that_is_restarted() -> None:
    """Its first reading is compared with the last one of the agent before it."""
    looks = Looks()
    looks.read(max_slot_wal_keep_size=value("10240"))
    server = looks.world.servers["pg-1"]
    server.node = replace(server.node, boot="another")
    assert looks.read(max_slot_wal_keep_size=value("10240")) == []
    server.node = replace(server.node, boot="a third")
    (record,) = looks.read(max_slot_wal_keep_size=value("1024"))
    assert record.change.from_ == "10GB"


def test_a_worker_that_is_restarted() -> None:
    """It finds what the one before it would have found, under the same identity."""
    looks = Looks()
    looks.read(max_slot_wal_keep_size=value("10240"))
    saved = looks.world.state.dump()
    (record,) = looks.read(max_slot_wal_keep_size=value("1024"))
    other = Looks()
    other.world.time, other.world.servers = looks.world.time - 2.0, looks.world.servers
    other.world.state = ClusterState.load(saved, other.world.judgement)
    (again,) = other.read(max_slot_wal_keep_size=value("1024"))
    assert again == record
    assert outgoing(again, "leadline.") == outgoing(record, "leadline.")


def test_what_waits_for_a_restart() -> None:
    """It goes on record when it begins to wait, is no cause of anything yet, and again when it is in effect."""
    looks = Looks()
    looks.read(max_connections=SettingValue(value="100", source="default"))
    (waits,) = looks.read(max_connections=SettingValue(value="100", source="default", pending_restart=True))
    assert (waits.change.pending_restart, waits.change.from_, waits.change.to) == (True, "100", "100")
    assert looks.world.state.memory.changes == []
    assert looks.read(max_connections=SettingValue(value="100", source="default", pending_restart=True)) == []
    (done,) = looks.read(max_connections=value("50", unit=None))
    assert (done.change.pending_restart, done.change.from_, done.change.to) == (False, "100", "50")


@pytest.mark.parametrize("source", ["user", "database", "database user", "client", "session"])
def test_a_value_of_sessions_is_not_that_of_the_server(source: str) -> None:
    """ALTER ROLE ... SET shows in the agent's own sessions after they reconnect."""
    looks = Looks()
    looks.read(synchronous_commit=SettingValue(value="on", source="default"))
    assert looks.read(synchronous_commit=SettingValue(value="off", source=source)) == []
    assert looks.read(synchronous_commit=SettingValue(value="on", source="default")) == []


def test_a_right_that_comes_or_goes() -> None:
    """A setting that was not shown before has not changed; neither has one whose file is not shown any more."""
    looks = Looks()
    looks.read(max_slot_wal_keep_size=value("10240"))
    assert looks.read(max_slot_wal_keep_size=value("10240"), archive_command=value("cp", unit=None)) == []
    assert looks.read(max_slot_wal_keep_size=value("10240", file=None, line=None)) == []


def test_what_is_remembered_is_bounded() -> None:
    """When each setting changed is kept for the settings that the server has."""
    looks = Looks()
    for number in range(6):
        looks.read(**{f"s{number // 2}": value(str(number)), "kept": value(str(number))})
    assert set(looks.world.state.memory.nodes["pg-1"].changed_at) == {"s2", "kept"}


def test_a_minor_update() -> None:
    """Once, although two settings have the version."""
    looks = Looks()
    old = {"server_version": SettingValue(value="17.4"), "server_version_num": SettingValue(value="170004")}
    looks.read(**old)
    new = {"server_version": SettingValue(value="17.6"), "server_version_num": SettingValue(value="170006")}
    (record,) = looks.read(**new)
    assert (record.change.setting, record.change.from_, record.change.to) == ("server_version", "17.4", "17.6")


def test_a_promotion() -> None:
    """Between the last look as a standby and the first as a primary."""
    looks = Looks()
    standby = looks.world.servers["pg-2"]
    looks.world.step()
    before = looks.world.time
    standby.node = replace(standby.node, role="primary")
    (record,) = looks.read()
    assert (record.change.setting, record.change.from_, record.change.to) == ("role", "standby", "primary")
    assert (record.change.after, record.change.at) == (at(before + 0.1), at(before + 1.1))


def test_identity_and_key() -> None:
    """All changes of a cluster have its key, and one change has one identity."""
    looks = Looks()
    looks.read(max_slot_wal_keep_size=value("10240"))
    (record,) = looks.read(max_slot_wal_keep_size=value("1024"))
    out = outgoing(record, "leadline.")
    assert (out.topic, out.key) == ("leadline.changes", b"orders")
    assert dict(out.headers)["ce_id"] == record.change_id.encode()
    assert CHANGES.decode(out.value) == record
