"""The rows of a look that say most, for a server that has more of them than fit into a record or than can be judged.

What is left out is counted in the sample's ``left_out``: a row that a sample does not show is not seen there.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import singledispatch
from typing import Any, Final

from msgspec.structs import replace

from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Slot, Subscription
from leadline.model.tables import TableCopy

GROUPS: Final = ("slots", "subscriptions", "downstreams", "copies", "publications")
"""Groups of a sample of which single rows can be left out."""
EXTRAS: Final = ("tables", "subscribes", "publishes", "server_log")
"""Groups that only some samples have: they are left out whole, in this order, before any row is."""
MOST_ROWS: Final = 10_000
"""So many rows of each group are judged."""
HEALTHY: Final = 2
"""The urgency of a row that shows nothing wrong; that of one that does is lower."""
LATE_S: Final = 5.0
"""A receiver that is silent or behind for less shows nothing wrong."""

NamedRow = tuple[str, str]
"""The group and the name of a row."""


def names(sample: Sample) -> Iterable[tuple[NamedRow, Any]]:
    """All rows that could be left out, each with its name."""
    for group in GROUPS:
        for row in getattr(sample, group):
            yield (group, _name(row)), row


@singledispatch
def urgency(row: object) -> int:
    """0 for a row that shows something broken, 1 for one that shows what may break, ``HEALTHY`` for others."""
    return HEALTHY


@urgency.register
def _(slot: Slot) -> int:
    if slot.wal_status == "lost" or slot.invalidation_reason is not None or slot.conflicting:
        return 0
    held = slot.wal_status not in (None, "reserved") or not (slot.active or slot.temporary or slot.synced)
    return 1 if held else HEALTHY


@urgency.register
def _(subscription: Subscription) -> int:
    if not subscription.enabled or subscription.pid is None:
        return 0
    failed = subscription.apply_errors or subscription.sync_errors or subscription.conflicts
    waits = subscription.unsynced or subscription.blocked_by or (subscription.message_age_s or 0.0) > LATE_S
    return 1 if failed or waits else HEALTHY


@urgency.register
def _(sender: Downstream) -> int:
    if sender.state not in ("", "streaming"):
        return 0
    return 1 if max(sender.replay_lag_s or 0.0, sender.reply_age_s or 0.0) > LATE_S else HEALTHY


def cut(
    sample: Sample, most: Mapping[str, int], lately: Container[NamedRow] = (), kept: Container[NamedRow] = ()
) -> Sample:
    """A sample with at most so many rows of each group: those that show a failure, then those that hold or lag most.

    ``lately``: rows that showed one a short time ago; they count as such, so that its end is seen. ``kept``:
    rows that come first among those of one urgency.
    """
    changes: dict[str, Any] = {}
    left_out = dict(sample.left_out)
    for group, room in most.items():
        rows: Sequence[Any] = getattr(sample, group)
        if len(rows) <= room:
            continue

        def place(index: int, rows: Sequence[Any] = rows, group: str = group) -> tuple[int, bool, float, int]:
            row = rows[index]
            known = group, _name(row)
            found = urgency(row)
            return (min(found, HEALTHY - 1) if known in lately else found), known not in kept, -_weight(row), index

        first = sorted(sorted(range(len(rows)), key=place)[:room])
        changes[group] = tuple(rows[index] for index in first)
        left_out[group] = left_out.get(group, 0) + len(rows) - room
    return replace(sample, **changes, left_out=left_out) if changes else sample


def without_extra(sample: Sample, group: str) -> Sample:
    """A sample without one of ``EXTRAS``."""
    return replace(sample, **{group: None}, left_out={**sample.left_out, group: 1})


def _weight(row: Any) -> float:
    """The bytes that a slot retains, or the seconds for which a receiver is behind or silent."""
    if isinstance(row, Slot):
        return float(row.retained_bytes or 0)
    if isinstance(row, Subscription):
        return row.message_age_s or 0.0
    return row.replay_lag_s or 0.0 if isinstance(row, Downstream) else 0.0


def _name(row: Any) -> str:
    if isinstance(row, TableCopy):
        return f"{row.subscription_oid}/{row.oid}"
    if isinstance(row, Downstream):
        return f"{row.pid}/{row.name}"
    return row if isinstance(row, str) else str(row.name)
