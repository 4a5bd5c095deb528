"""Conditions under which a defect matters to a server. Each is tested on what was read, or raises ``Unseen``."""

from collections.abc import Callable, Mapping
from typing import Final

from leadline_streams.audit.engines.postgresql.common import logical_slots, slots, standbys
from leadline_streams.audit.engines.postgresql.synchronous import requires
from leadline_streams.audit.fleet import AuditedLink
from leadline_streams.audit.node import AuditedNode

ALWAYS: Final = "always"


def _always(_: AuditedNode) -> bool:
    return True


def _standby(node: AuditedNode) -> bool:
    return node.is_standby


def _has_standbys(node: AuditedNode) -> bool:
    return bool(standbys(node))


def _two_phase(node: AuditedNode) -> bool:
    return (node.number("max_prepared_transactions") or 0) > 0


def _subscriptions(node: AuditedNode) -> bool:
    node.seen("subscriptions")
    return bool(node.sample.subscriptions)


def _parallel_apply(node: AuditedNode) -> bool:
    options = node.group("subscriptions", node.look.subscriptions)
    return _subscriptions(node) and any(each.parallel for each in options)


def _without_origin(node: AuditedNode) -> bool:
    return _subscriptions(node) and any(each.origin == "none" for each in node.sample.subscriptions)


def _publications(node: AuditedNode) -> bool:
    return bool(node.sample.publications or logical_slots(node))


def _lost_slots(node: AuditedNode) -> bool:
    return any(slot.wal_status == "lost" or slot.invalidation_reason for slot in logical_slots(node))


def _two_phase_slots(node: AuditedNode) -> bool:
    return any(slot.two_phase for slot in logical_slots(node))


def _without_hints(node: AuditedNode) -> bool:
    return node.on("summarize_wal") and not node.on("data_checksums") and not node.on("wal_log_hints")


CONDITIONS: Final[Mapping[str, Callable[[AuditedNode], bool]]] = {
    ALWAYS: _always,
    "deferred_cleanup": lambda node: (node.number("vacuum_defer_cleanup_age") or 0) > 0,
    "has_standbys": _has_standbys,
    "incremental_backup": lambda node: node.on("summarize_wal"),
    "incremental_backup_without_hints": _without_hints,
    "logical_slots": lambda node: bool(logical_slots(node)),
    "lost_slots": _lost_slots,
    "parallel_apply": _parallel_apply,
    "publications": _publications,
    "slot_sync": lambda node: node.is_standby and node.on("sync_replication_slots"),
    "slots": lambda node: bool(slots(node)),
    "standby": _standby,
    "standby_with_archive": lambda node: node.is_standby and bool(node.text("restore_command")),
    "standby_with_checksums": lambda node: node.is_standby and node.on("data_checksums"),
    "standby_with_logical_slots": lambda node: node.is_standby and bool(logical_slots(node)),
    "standby_with_two_phase": lambda node: node.is_standby and _two_phase(node),
    "subscriptions": _subscriptions,
    "subscriptions_without_origin": _without_origin,
    "synchronized_slots": lambda node: bool(node.text("synchronized_standby_slots")),
    "synchronous": requires,
    "two_phase": _two_phase,
    "two_phase_slots": _two_phase_slots,
    "wal_keep_size": lambda node: (node.number("wal_keep_size") or 0) > 0,
}
"""By the names that advisories use."""
LINK_CONDITIONS: Final[Mapping[str, Callable[[AuditedLink], bool]]] = {
    "cascading_with_archive": lambda link: link.up.is_standby and bool(link.down.text("restore_command")),
    "standby_newer": lambda link: link.up.node.version_num < link.down.node.version_num,
}
"""Those about a standby and its upstream. The defect is the standby's."""
