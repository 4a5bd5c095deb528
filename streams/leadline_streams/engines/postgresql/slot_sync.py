"""A standby that is to synchronize its primary's logical slots, and what its worker needs for that."""

import re
from typing import NamedTuple

from leadline_streams.judge.node_state import NodeState

ON = "sync_replication_slots"
FEEDBACK = "hot_standby_feedback"
SLOT = "primary_slot_name"
CONNINFO = "primary_conninfo"
WAL_LEVEL = "wal_level"
_DBNAME = re.compile(r"(?:^|\s)dbname\s*=\s*(?:'[^']|[^\s'])")


class Lack(NamedTuple):
    """A setting without which the worker ends as soon as it has begun."""

    setting: str
    shown: str
    """Its present value, or the part of it that matters."""
    words: str


def is_wanted(node: NodeState) -> bool:
    """Whether a standby is configured to synchronize slots, as far as its settings are known."""
    setting = node.settings.get(ON)
    return node.node.role == "standby" and setting is not None and setting.value == "on"


def in_the_way(node: NodeState, primary: NodeState | None) -> list[str]:
    """Logical slots of a standby itself that have the names of failover slots of its primary.

    A primary that was demoted keeps its slots. The worker ends at the first of them, and synchronizes no slot at all.
    """
    if primary is None or primary is node or not primary.answers or primary.sample is None or node.sample is None:
        return []
    wanted = {slot.name for slot in primary.sample.slots if slot.failover and not slot.temporary}
    own = (slot for slot in node.sample.slots if slot.kind == "logical" and slot.synced is False)
    return sorted(slot.name for slot in own if slot.name in wanted)


def missing(node: NodeState) -> list[Lack] | None:
    """Settings that the worker lacks (ValidateSlotSyncParams in slotsync.c); None where the role may not read them."""
    if not node.settings.keys() >= {FEEDBACK, SLOT, CONNINFO, WAL_LEVEL}:
        return None
    values = {name: node.settings[name].value for name in (FEEDBACK, SLOT, CONNINFO, WAL_LEVEL)}
    found = []
    if not _DBNAME.search(values[CONNINFO]):
        found.append(Lack(CONNINFO, "no dbname", f"{CONNINFO} has no dbname"))
    if values[FEEDBACK] != "on":
        found.append(Lack(FEEDBACK, values[FEEDBACK], f"{FEEDBACK} is {values[FEEDBACK]}"))
    if not values[SLOT]:
        found.append(Lack(SLOT, "empty", f"{SLOT} is empty"))
    if values[WAL_LEVEL] != "logical":
        found.append(Lack(WAL_LEVEL, values[WAL_LEVEL], f"{WAL_LEVEL} is {values[WAL_LEVEL]}"))
    return found
