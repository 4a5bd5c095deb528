"""``config_changed``: a setting that can do this was changed shortly before."""

from collections.abc import Iterator

from leadline.catalogue.entry import CUT, DOWN, LATE
from leadline.model.alert import Subject
from leadline.model.ids import NodeName
from leadline.model.incident import Change, Step
from leadline_streams.engines.postgresql.identity import is_at, servers_named
from leadline_streams.engines.postgresql.mismatches import HOT_STANDBY
from leadline_streams.engines.postgresql.statements import (
    change_setting,
    reload_settings,
    restart_server,
    show_settings,
)
from leadline_streams.judge.diagnosis.context import DiagnosisContext, change_in_words
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

_CONNECT = CUT | DOWN | {"agent_silent"}
_SYNC = frozenset({"sync_commit_blocked", "sync_degraded"})
_RETENTION = frozenset({"slot_lost", "slot_retention_forecast", "replication_cut_off"})
_APPLY = LATE | {"apply_error", "replication_cut_off"}
CAN_CAUSE: dict[str, frozenset[str]] = {
    **dict.fromkeys(HOT_STANDBY, LATE | _APPLY | DOWN | {"replay_paused", "config_mismatch"}),
    **dict.fromkeys(("archive_command", "archive_library", "archive_mode"), frozenset({"archive_failing"})),
    **dict.fromkeys(("listen_addresses", "port", "ssl", "max_replication_slots"), _CONNECT),
    **dict.fromkeys(("primary_conninfo", "primary_slot_name", "recovery_target_timeline"), _CONNECT),
    **dict.fromkeys(("wal_sender_timeout", "wal_receiver_timeout", "wal_receiver_status_interval"), _CONNECT),
    **dict.fromkeys(("max_slot_wal_keep_size", "idle_replication_slot_timeout", "wal_keep_size"), _RETENTION),
    **dict.fromkeys(("synchronous_standby_names", "synchronous_commit"), _SYNC),
    **dict.fromkeys(("synchronized_standby_slots", "logical_decoding_work_mem"), _APPLY),
    **dict.fromkeys(("max_logical_replication_workers", "max_active_replication_origins"), _APPLY),
    **dict.fromkeys(("max_standby_streaming_delay", "max_standby_archive_delay"), LATE | {"recovery_conflict"}),
    "wal_level": _CONNECT | {"config_mismatch"},
    "hot_standby_feedback": frozenset({"recovery_conflict", "slot_lost"}),
    "recovery_min_apply_delay": LATE | {"apply_delay_undeclared", "sync_commit_blocked"},
}
"""Rules that a setting can make fire, by setting."""
MASKED = frozenset({"archive_command", "primary_conninfo"})
KEEPS = frozenset(
    {
        *("max_slot_wal_keep_size", "idle_replication_slot_timeout", "wal_keep_size", "wal_level"),
        *("synchronous_standby_names", "synchronous_commit"),
    }
)
"""Settings by which slots, WAL and commits are kept safe. The value of before may keep less: then it invalidates slots,
removes WAL or leaves commits on one server only, so it is no step to run as it is."""
RESTART = frozenset(HOT_STANDBY) | {
    "archive_mode",
    "listen_addresses",
    "max_active_replication_origins",
    "max_logical_replication_workers",
    "max_replication_slots",
    "port",
    "recovery_target_timeline",
    "wal_level",
}
"""Settings that hold from the next start on."""
SHORTLY_S = 600.0
"""Changes longer before an alert's first breach are not blamed for it."""
SEEN_S = 5.0
"""The agent may see a change a little after what it did. One that is seen later, such as the fix, did not do it."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """The latest change of each node that an open alert can come from."""
    blamed: dict[str, Change] = {}
    for change in context.changes:
        if _had_no_upstream(context, change):
            if change.node in blamed and blamed[change.node].setting == change.setting:
                del blamed[change.node]
        elif _fires(context, change):
            blamed[change.node] = change
    for name, change in blamed.items():
        node = context.cluster.nodes.get(name)
        if node is None:
            continue
        words, changed = change_in_words(change)
        yield Claim(
            subject=context.about_node(node),
            confidence=0.6,
            title=f"{change.setting} on {name} was changed",
            summary=words.removeprefix("; ") + ", shortly before this began",
            steps=_steps(node.name, change),
            evidence_for=[*changed, fact("alerts", ", ".join(_fires(context, change)))],
        )


def _fires(context: DiagnosisContext, change: Change) -> list[str]:
    """Rules with an open alert that the change can have made fire: it began at the change, or shortly after."""
    can, at = CAN_CAUSE.get(change.setting, frozenset()), change.at.timestamp()
    alerts = [alert for alert in context.alerts if alert.rule in can]
    if any(alert.since - at < -SEEN_S and change.node in _nodes_of(alert.subject) for alert in alerts):
        return []  # the failure is older than the change
    return sorted({alert.rule for alert in alerts if -SEEN_S <= alert.since - at <= SHORTLY_S})


def _had_no_upstream(context: DiagnosisContext, change: Change) -> bool:
    """Whether a server follows another one after none, or one that is down: that follows a failure."""
    node = context.cluster.nodes.get(change.node)
    if change.setting != "primary_conninfo" or node is None:
        return False
    left = [
        each
        for host, port in servers_named(change.from_ or "")
        for each in context.nodes
        if each.same_as is None and is_at(host, port, each.node, node.node)
    ]
    return not change.from_ or (bool(left) and all(each.down for each in left))


def _nodes_of(about: Subject) -> set[str | None]:
    return {about.node, about.upstream, about.downstream}


def _steps(node: NodeName, change: Change) -> list[Step]:
    """Look first; undo the change if it was not intended. A value that the agent masks cannot be written back."""
    name, restart = change.setting, change.setting in RESTART
    ask = Step(risk="look", text="Find out whether the change was intended; if not, undo it")
    if name in KEEPS:
        return [show_settings(node, name), ask]
    if name not in MASKED:
        return [
            show_settings(node, name),
            ask,
            *change_setting(node, name, change.from_ or None, "careful", restart=restart),
        ]
    text = f"On {node}: ALTER SYSTEM SET {name} = '...'; with the value that it had before"
    apply = restart_server(node) if restart else reload_settings(node)
    return [ask, Step(risk="careful", text=text), apply]


CAUSE = CauseRule(
    code="config_changed",
    find=find,
)
