"""Orchestrators of servers, as the database alone shows them: the slots that they keep and how they name them.

An orchestrator keeps a slot for each server that may stream from this one one day. Nobody reads such a slot, and the
orchestrator moves it on itself; it also drops it when its member has left.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from leadline_streams.judge.node_state import NodeState

PATRONI_SETTINGS = frozenset(
    {
        *("cluster_name", "max_connections", "max_locks_per_transaction", "max_prepared_transactions"),
        *("max_replication_slots", "max_wal_senders", "max_worker_processes", "track_commit_timestamp"),
        *("wal_level", "wal_log_hints"),
    }
)
"""Patroni gives these to the server on its command line (CMDLINE_OPTIONS in patroni/postgresql/config.py)."""
COMMAND_LINE = "command line"
_PREFIXES = (
    ("_cnpg_", "CloudNativePG"),
    ("pgautofailover_standby_", "pg_auto_failover"),
    ("rds_", "Amazon RDS"),
)
"""Beginnings of slot names that are an orchestrator's alone, by its documentation or source."""
CNPG_MANAGER = "/controller/manager"
"""The program that CloudNativePG's instances archive with."""
_FOREIGN = re.compile("[^a-z0-9_]")


@dataclass(frozen=True, slots=True)
class Orchestrator:
    """The program that decides which server is the primary."""

    name: str
    sign: str
    """The sign by which it was recognized, in words."""


def orchestrator_of(node: NodeState) -> Orchestrator | None:
    """The orchestrator of a server; None where nothing shows one, which does not mean that there is none."""
    if (keeper := keeper_of(node)) is not None:
        return keeper
    archive = node.settings.get("archive_command")
    if archive is not None and CNPG_MANAGER in archive.value:
        return Orchestrator("CloudNativePG", f"archive_command runs {CNPG_MANAGER}")
    for slot in node.sample.slots if node.sample is not None else ():
        if (found := by_slot_name(slot.name)) is not None:
            return found
    return None


def keeper_of(node: NodeState) -> Orchestrator | None:
    """The orchestrator in whose hands all physical slots of a server are: it drops those that it does not know."""
    settings = node.settings
    given = {name for name in PATRONI_SETTINGS & settings.keys() if settings[name].source == COMMAND_LINE}
    if len(given) >= len(PATRONI_SETTINGS) - 2:
        sign = f"{len(given)} settings come from the server's command line, as Patroni gives them"
        return Orchestrator("Patroni", sign)
    return None


def by_slot_name(slot: str) -> Orchestrator | None:
    """The orchestrator to which a slot's name belongs by its beginning."""
    for prefix, name in _PREFIXES:
        if slot.startswith(prefix):
            return Orchestrator(name, f"slots named {prefix}… are made by {name}")
    return None


@lru_cache(maxsize=8192)
def slot_name_of(member: str) -> str:
    """The name of the slot of a member: Patroni's rule, which others share for plain names."""
    return _FOREIGN.sub(_spelled, member.lower())[:63]


def _spelled(found: re.Match[str]) -> str:
    char = found[0]
    return "_" if char in "-." else f"u{ord(char):04d}"
