"""Changes between two looks of the audit: hba lines, roles, extensions, and settings that samples do not have."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.audit_look import AuditedExtension, AuditedRole, AuditedSetting, AuditLook, HbaLine
from leadline.model.change_record import ChangeRecord
from leadline.model.ids import ClusterName, NodeName
from leadline.model.observation import SettingValue
from leadline.settings.stream import StreamSettings
from leadline_streams.assembly import auditor_of, judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.look_changes import look_changes
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.state import Memory
from tests.unit.streams.world import World, at

CONF = "/etc/postgresql/17/main/postgresql.conf"
LOCAL = HbaLine(line=1, kind="local", databases=("all",), users=("all",), method="peer")
OPEN = HbaLine(line=2, kind="host", databases=("all",), users=("all",), address="0.0.0.0/0", method="md5")
ADA = AuditedRole(name="ada", superuser=False, replication=False, login=True)


def look(seconds: float, **fields: Any) -> AuditLook:
    return AuditLook(
        node=NodeName("pg-1"), cluster=ClusterName("orders"), at=at(seconds), asked_at=at(seconds), **fields
    )


def changes(before: dict[str, Any], after: dict[str, Any], known: tuple[str, ...] = ()) -> list[ChangeRecord]:
    """The changes from one look to the next, an hour later, of a node whose settings have ``known``."""
    memory = Memory(ClusterName("orders"))
    world = World()
    server = world.add("pg-1", "primary")
    node = memory.nodes[NodeName("pg-1")] = NodeState(NodeName("pg-1"), server.node, 0.0)
    node.settings = dict.fromkeys(known, SettingValue(value="1"))
    memory.audit.looks["pg-1"] = look(0, **before)
    return look_changes(memory, look(3600, **after), at(3600).timestamp())


def words(found: list[ChangeRecord]) -> list[tuple[str, str | None, str | None]]:
    return [(each.change.setting, each.change.from_, each.change.to) for each in found]


def test_a_line_of_pg_hba_conf() -> None:
    """The new line is named, and the two looks; a line that only moved is none, and another order is."""
    (record,) = changes({"hba": (LOCAL,)}, {"hba": (LOCAL, OPEN)})
    assert words([record]) == [("hba", None, "host all all 0.0.0.0/0 md5")]
    assert (record.change.after, record.change.at) == (at(0), at(3600))
    assert changes({"hba": (LOCAL, OPEN)}, {"hba": (LOCAL, replace(OPEN, line=9))}) == []
    assert len(changes({"hba": (LOCAL, OPEN)}, {"hba": (OPEN, LOCAL)})) == 1
    many = tuple(replace(OPEN, users=(f"u{number}",)) for number in range(50))
    ((_, _, named),) = words(changes({"hba": ()}, {"hba": many}))
    assert named is not None
    assert named.endswith("; 40 more lines")


def test_roles_and_extensions() -> None:
    """Those that came, those that went, and those that are different."""
    before = {"roles": (ADA,), "extensions": (AuditedExtension(name="postgis", version="3.4.1"),)}
    after = {
        "roles": (replace(ADA, superuser=True), replace(ADA, name="repl", replication=True)),
        "extensions": (AuditedExtension(name="postgis", version="3.4.2"),),
    }
    assert words(changes(before, after)) == [
        ("extension postgis", "3.4.1", "3.4.2"),
        ("database role ada", "login", "superuser login"),
        ("database role repl", None, "replication login"),
    ]
    assert words(changes(before, {**before, "extensions": ()})) == [("extension postgis", "3.4.1", None)]
    assert changes(before, {**before, "roles": (replace(ADA, expires_s=60.0),)}) == []


def test_settings_that_only_the_audit_reads() -> None:
    """With file and line; those of other observations are not found twice, and a value that waits is found once."""
    was = AuditedSetting(value="131072", unit="8kB", source="configuration file", file=CONF, line=10)
    new = replace(was, value="16384", line=11)
    (record,) = changes({"settings": {"shared_buffers": was}}, {"settings": {"shared_buffers": new}})
    assert words([record]) == [("shared_buffers", "1GB", "128MB")]
    assert (record.change.file, record.change.line) == (CONF, 11)
    assert (
        changes({"settings": {"shared_buffers": was}}, {"settings": {"shared_buffers": new}}, ("shared_buffers",)) == []
    )
    waits = replace(was, pending_restart=True)
    (record,) = changes({"settings": {"shared_buffers": was}}, {"settings": {"shared_buffers": waits}})
    assert (record.change.from_, record.change.to, record.change.pending_restart) == ("1GB", "1GB", True)
    assert changes({"settings": {"shared_buffers": waits}}, {"settings": {"shared_buffers": waits}}) == []


@pytest.mark.parametrize("group", ["hba", "roles", "extensions", "settings"])
def test_a_group_that_was_not_read_has_not_changed(group: str) -> None:
    """Neither when a right comes nor when it goes."""
    given: dict[str, Any] = {
        "hba": (LOCAL,),
        "roles": (ADA,),
        "extensions": (AuditedExtension(name="postgis", version="3"),),
        "settings": {"fsync": AuditedSetting(value="on")},
    }
    assert changes({}, {group: given[group]}) == []
    assert changes({group: given[group]}, {}) == []


def test_an_older_look_and_the_first_one() -> None:
    """They show no change."""
    memory = Memory(ClusterName("orders"))
    assert look_changes(memory, look(0, hba=(LOCAL,)), at(0).timestamp()) == []
    world = World()
    memory.nodes[NodeName("pg-1")] = NodeState(NodeName("pg-1"), world.add("pg-1", "primary").node, 0.0)
    memory.audit.looks["pg-1"] = look(60, hba=(OPEN,))
    assert look_changes(memory, look(0, hba=(LOCAL,)), at(60).timestamp()) == []


def test_the_fold_puts_them_on_record() -> None:
    """Through the worker's own way, once."""
    world = World()
    world.state = ClusterState("orders", judgement(Policy(), auditor=auditor_of(StreamSettings())))
    world.stream(*world.pair())
    for _ in range(3):
        world.step()
    outputs = world.state.observe(look(world.time, hba=(LOCAL,)))
    outputs += world.state.observe(look(world.time + 1, hba=(LOCAL, OPEN)))
    outputs += world.state.observe(look(world.time + 1, hba=(LOCAL, OPEN)))
    (record,) = [each for each in outputs if isinstance(each, ChangeRecord)]
    assert (record.change.after, record.change.at) == (at(world.time), at(world.time + 1))
