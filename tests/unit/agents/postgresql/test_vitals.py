"""Vitals show the look in whose place they are read, or it is read: no change of any field is overlooked."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from leadline.model.activity import Activity, Session, WaitingSender
from leadline.model.host import Archiver
from leadline.model.replication import Positions, Slot, Subscription
from leadline_agents.engines.postgresql import answers
from leadline_agents.engines.postgresql.answers import (
    ConflictAnswer,
    DownstreamAnswer,
    LookAnswer,
    NodeAnswer,
    UpstreamAnswer,
)
from leadline_agents.engines.postgresql.vitals import following, is_healthy
from tests.unit.agents.postgresql.vitals_of import vitals_of
from tests.unit.strategies import values

DOCUMENTS = Path(__file__).parent / "documents"
GROUPS = ("", "node", "positions", "downstreams", "upstream", "slots", "subscriptions", "activity", "archiver")
"""Of a look; the first is the look itself."""
STEADY: dict[type[Struct], set[str]] = {
    # They change with the connection, the configuration, or a column that is compared.
    NodeAnswer: {*("version", "version_num", "system_id", "timeline", "started_at", "address", "port", "login")}
    | {"may_read_stats", "may_read_settings", "may_list_wal"},
    # Configured; the last three are of other engines.
    Positions: {"apply_delay_s", "current", "received", "applied"},
    # They change with the process, but for the age of the connection, which is counted on; the agent makes reply_age_s.
    DownstreamAnswer: {"name", "kind", "address", "port", "slot", "connected_s", "reply_age_s"},
    # Configured, or of the process; the age is computed from last_message_at.
    UpstreamAnswer: {"conninfo", "cluster_name", "slot", "sender_host", "sender_port", "began_at", "message_age_s"},
    # Given when it was created; active is whether it has an active_pid; retained_bytes is computed from positions.
    Slot: {"kind", "plugin", "database", "temporary", "active", "retained_bytes"},
    # Set by statements that break nothing by themselves, or of the process; unsynced are tables in other states. The
    # agent makes sql_name when it has read the look.
    Subscription: {*("oid", "database", "disable_on_error", "origin", "failover", "two_phase", "skip_lsn", "began_at")}
    | {*("unsynced", "local_port", "publisher", "sql_name")},
    # There only when the counts are.
    Activity: {"sync_wait_s", "prepared_oldest_s", "prepared_gid", "prepared_age"},
    # Of the segment that was counted; the agent makes ready.
    Archiver: {"last_archived_wal", "last_failed_wal", "ready"},
    # Fields of the groups are tested each; whether there are subscriptions shows in themselves.
    LookAnswer: {*("database", "subscribed", *GROUPS)},
}
"""Fields that vitals do not show, and why none of them can change alone in a way that a rule could breach on."""


def healthy(role: str, major: int = 18) -> LookAnswer:
    """A look at a server to which nothing happens."""
    document = json.loads((DOCUMENTS / f"{major}-{role}.json").read_text())
    document["activity"] = {}
    positions = document["positions"]
    positions.pop("startup_wait", None)
    document.get("upstream", {})["pid"] = 4711
    if "replayed_lsn" in positions:
        positions["replayed_lsn"] = positions["received_lsn"]
    document["archiver"] = {"archived": 3, "failed": 1, "last_archived_s": 4.0, "last_failed_s": 9.0}
    look = answers.read_look(json.dumps(document).encode())
    end = look.positions.current_lsn
    return replace(
        look,
        subscriptions=tuple(
            replace(row, oid=16396, wait="Activity/LogicalApplyMain", transaction_s=None, blocked_by=(), unsynced=())
            for row in look.subscriptions
        ),
        slots=tuple(replace(slot, wal_status="reserved") for slot in look.slots),
        downstreams=[
            replace(
                row, state="streaming", sent_lsn=end, replay_lsn=end, write_lag_s=0.1, flush_lag_s=0.1, replay_lag_s=0.1
            )
            for row in look.downstreams
        ],
    )


ROLES = ("primary", "standby", "subscriber")
HEALTHY = {role: healthy(role) for role in ROLES}


LSNS = st.builds("{:X}/{:X}".format, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
HAS = [(role, group) for role in ROLES for group in GROUPS if (getattr(HEALTHY[role], group) if group else True)]


def _row(look: LookAnswer, group: str) -> Any:
    found = getattr(look, group) if group else look
    return (found[0] if found else None) if isinstance(found, tuple | list) else found


def _with(look: LookAnswer, group: str, name: str, value: Any) -> LookAnswer:
    changed = replace(_row(look, group), **{name: value})
    if not group:
        return changed  # type: ignore[no-any-return]
    before = getattr(look, group)
    if isinstance(before, tuple | list):
        return replace(look, **{group: type(before)([changed, *before[1:]])})
    return replace(look, **{group: changed})


def _values(row: Struct, name: str) -> st.SearchStrategy[Any]:
    return values(get_type_hints(type(row), include_extras=True)[name])


@pytest.mark.parametrize("role", ROLES)
def test_a_healthy_server_is_shown_by_its_vitals(role: str) -> None:
    """A second later, with numbers that have moved."""
    look = HEALTHY[role]
    assert is_healthy(look)
    later = replace(look, node=replace(look.node, at=look.node.at + timedelta(seconds=1)))
    shown = following(look, vitals_of(later))
    assert shown is not None
    assert [row.pid for row in shown.downstreams] == [row.pid for row in look.downstreams]
    assert [row.connected_s for row in shown.downstreams] == [(row.connected_s or 0) + 1 for row in look.downstreams]
    assert shown.node == later.node


@pytest.mark.deep
@pytest.mark.parametrize(("role", "group"), HAS)
@given(data=st.data())
def test_no_change_is_overlooked(role: str, group: str, data: st.DataObject) -> None:
    """Whatever a field becomes, vitals show that, or the look is read."""
    look = HEALTHY[role]
    row = _row(look, group)
    name = data.draw(st.sampled_from([each for each in row.__struct_fields__ if each not in STEADY[type(row)]]))
    kind = get_type_hints(type(row), include_extras=True)[name]
    value = data.draw(st.none() | LSNS if name.endswith("_lsn") else values(kind))
    overlooked(look, group, name, value)


def overlooked(look: LookAnswer, group: str, name: str, value: Any) -> None:
    """Raise AssertionError when vitals show another value of a field than the look would."""
    changed = _with(look, group, name, value)
    assume(name != "sync_errors" or value is not None)
    assume(name != "workers" or value > 0)  # a subscription with a pid has that worker
    assume(name != "copies" or bool(look.subscriptions))
    if name == "inactive_s":
        assume(value is None or abs(value) < 1e9)
    if name in ("conflicts", "tables"):  # counters only grow, and each is in one sum
        assume(_total(_row(changed, group), name) != _total(_row(look, group), name))
    shown = following(look, vitals_of(changed))
    if shown is not None:
        seen = getattr(_row(shown, group), name)
        assert seen == (pytest.approx(value, abs=1e-5) if isinstance(value, float) else value)


def _total(row: Any, name: str) -> int:
    counts = getattr(row, name)
    return sum(counts.values()) if isinstance(counts, dict) else sum(sum(each.kinds.values()) for each in counts)


PROBLEMS: list[tuple[str, str, dict[str, Any]]] = [
    ("primary", "positions", {"startup_wait": "Lock/relation"}),
    ("primary", "downstreams", {"pid": 1}),
    ("primary", "downstreams", {"state": "catchup"}),
    ("primary", "downstreams", {"sync_state": "sync"}),
    ("primary", "downstreams", {"replay_lag_s": 1.0}),
    ("primary", "downstreams", {"write_lag_s": 1.0}),
    ("primary", "downstreams", {"replay_lsn": "0/1"}),
    ("primary", "slots", {"active_pid": None}),
    ("primary", "slots", {"wal_status": "lost"}),
    ("primary", "slots", {"invalidation_reason": "wal_removed"}),
    ("primary", "archiver", {"failed": 2}),
    ("primary", "activity", {"sync_waiters": 1}),
    ("primary", "activity", {"prepared_transactions": 1}),
    ("primary", "activity", {"oldest": (Session(pid=1),)}),
    ("primary", "activity", {"waiting_senders": (WaitingSender(pid=1, wait="Lock/transactionid"),)}),
    ("primary", "", {"wanted": True}),
    ("primary", "", {"publications": ("another",)}),
    ("primary", "node", {"settings_loaded_at": None}),
    ("primary", "node", {"in_recovery": True}),
    ("standby", "node", {"in_recovery": False}),
    ("standby", "positions", {"replay_paused": True}),
    ("standby", "positions", {"startup_wait": "IPC/RecoveryConflictSnapshot"}),
    ("standby", "positions", {"startup_wait": "BufferPin/BufferPin"}),
    ("standby", "upstream", {"pid": None, "status": None}),
    ("standby", "upstream", {"timeline": 2}),
    ("standby", "", {"conflicts": [ConflictAnswer(database="app", kinds={"lock": 1})]}),
    ("subscriber", "subscriptions", {"enabled": False}),
    ("subscriber", "subscriptions", {"pid": None}),
    ("subscriber", "subscriptions", {"pid": 1}),
    ("subscriber", "subscriptions", {"apply_errors": 1}),
    ("subscriber", "subscriptions", {"conflicts": {"insert_exists": 1}}),
    ("subscriber", "subscriptions", {"tables": {"r": 1, "d": 1}}),
    ("subscriber", "subscriptions", {"workers": 2}),
    ("subscriber", "subscriptions", {"blocked_by": (1,)}),
    ("subscriber", "subscriptions", {"transaction_s": 1.0}),
]


@pytest.mark.parametrize(("role", "group", "change"), PROBLEMS)
def test_a_problem_is_looked_at_in_the_same_second(role: str, group: str, change: dict[str, Any]) -> None:
    """Each of these needs what only the look shows."""
    look = changed = HEALTHY[role]
    for name, value in change.items():
        changed = _with(changed, group, name, value)
    was = replace(look, downstreams=changed.downstreams) if change.keys() == {"replay_lsn"} else look
    assert following(was, vitals_of(changed)) is None


@pytest.mark.parametrize(
    ("role", "group", "change"),
    [
        ("primary", "activity", {"blockers": (Session(pid=1),)}),
        ("primary", "activity", {"oldest": (Session(pid=1),)}),
        ("primary", "activity", {"prepared_transactions": 1}),
        ("primary", "node", {"may_read_stats": False}),
        ("primary", "slots", {"kind": "logical", "confirmed_lsn": None}),
        ("primary", "slots", {"wal_status": "lost"}),
        ("primary", "slots", {"conflicting": True}),
        ("primary", "downstreams", {"state": "catchup"}),
        ("standby", "upstream", {"pid": None}),
        ("standby", "", {"upstream": None}),
        ("subscriber", "subscriptions", {"enabled": False}),
        ("subscriber", "subscriptions", {"unsynced": ("items",)}),
        ("subscriber", "", {"wanted": True}),
    ],
)
def test_while_there_is_a_problem_every_look_is_whole(role: str, group: str, change: dict[str, Any]) -> None:
    """Its lists have other rows each second."""
    look = HEALTHY[role]
    for name, value in change.items():
        look = _with(look, group, name, value)
    assert not is_healthy(look)


def test_a_base_backup_is_no_downstream() -> None:
    """The look leaves out its senders, so vitals do."""
    look = HEALTHY["primary"]
    *others, row = look.downstreams
    backup = replace(row, pid=row.pid + 1, state="backup")
    shown = following(look, vitals_of(replace(look, downstreams=[*others, row, backup])))
    assert shown is not None
    assert [each.pid for each in shown.downstreams] == [each.pid for each in look.downstreams]
