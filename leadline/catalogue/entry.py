"""The form of catalogue entries, and sets of rules that many causes explain."""

from dataclasses import dataclass
from typing import Literal

from leadline.model.alert import Severity, Subject, SubjectKind

Class = Literal["page", "notice", "advice"]
"""The urgency of a finding. ``page``: somebody must act now. ``notice``: somebody must know today. ``advice``: it
belongs in a report. Only pages open incidents. A notice that reaches a critical limit is a page: harm is
near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEntry:
    """A rule, as everything but the judgement needs it."""

    code: str
    family: str
    on: SubjectKind
    unit: str
    """Of the number that it measures; empty where that only stands for a state."""
    help: str
    """The number that it measures, and where it does not apply."""
    impact: str
    """The effect of its alert on people and data, for the post-mortem."""
    over: str
    """The end of its alert, with the names of its subject in braces: see ``RuleEntry.ended``."""
    class_: Class = "page"
    waits_below: bool = False
    """Whether it shows on a node what one of the servers below that node does not do."""
    standing: bool = False
    """Whether its number depends on settings and neighbours alone. Then it is measured when these change and each ten
    seconds, and its alert is no reason to measure the other rules at every sample."""
    needs: str = ""
    """The capability that a server must have, or nothing is measured; empty where every version will do."""

    @property
    def runbook(self) -> str:
        """Path of its runbook."""
        return f"docs/runbooks/{self.code}.md"

    def ended(self, about: Subject) -> str:
        """The end of its alert about a subject: ``pg-2 has caught up with pg-1``."""
        unknown = about.name or about.id
        return self.over.format(
            up=about.upstream or unknown,
            down=about.downstream or unknown,
            node=about.node or unknown,
            name=unknown,
            cluster=about.id,
        )

    def pages(self, severity: Severity) -> bool:
        """Whether its alert of this severity opens an incident."""
        return self.class_ == "page" or (self.class_ == "notice" and severity == "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseEntry:
    """A cause, as everything but its signature needs it."""

    code: str
    family: str
    help: str
    """Its signature, in one line."""
    over: str
    """The sign that it is over, for the end of an incident."""
    explains: frozenset[str]
    """The rules whose alerts it can explain. It is evaluated only while one of them has an open alert."""
    improvements: tuple[str, ...]
    """Changes to how things are built, so that it does not return."""
    tasks: tuple[str, ...]
    """Work that is done once."""
    follows: frozenset[str] = frozenset()
    """Causes that bring it about: where one of them is named above it or at the same place, both are one problem."""
    shared: bool = False
    """Whether several links of one node that show it together have it from one root at that node."""
    at_once: bool = False
    """Whether it does not say by itself at which end its root is: several links of an upstream share one only where the
    evidence shows it there, or where they were cut off in one moment."""


LATE = frozenset({"replication_lag", "replication_lag_bytes", "replication_stalled", "lag_forecast"})
"""Rules by which a link shows that it is behind."""
CUT = LATE | {
    "replication_cut_off",
    "slot_idle_timeout",
    "slot_inactive",
    "slot_lost",
    "slot_retention_forecast",
    "sync_commit_blocked",
    "sync_degraded",
}
"""Rules by which a link, its slot or commits that wait for it show that it carries nothing."""
DOWN = frozenset({"node_down", "primary_lost"})
"""Rules by which a server that is not there shows."""
DISABLED = CUT | {"subscription_disabled"}
"""Rules by which a subscription that is switched off shows."""
FAILING = DISABLED | {"apply_error", "apply_conflict"}
"""Rules by which an apply worker shows that it cannot write what it is sent: an error may switch it off."""

GONE = frozenset(
    {
        "agent_down",
        "connections_exhausted",
        "datacenter_cut",
        "disk_full",
        "host_down",
        "primary_down",
        "primary_replaced",
        "server_not_ready",
        "server_not_seen",
        "standby_down",
        "standby_hung",
    }
)
"""Causes by which a server is not there."""
APART = GONE | {
    "apply_workers_exhausted",
    "primary_restored_older",
    "publication_or_slot_dropped",
    "slot_in_use_elsewhere",
    "slot_invalidated",
    "slot_missing",
    "standby_cannot_connect",
    "subscriber_cannot_connect",
    "subscription_disabled_by_operator",
    "subscription_disabled_on_error",
    "timeline_fork",
    "timeline_not_followed",
    "wal_corrupt",
    "wal_receiver_stopped",
    "wal_removed",
    "wrong_cluster",
}
"""Causes by which a downstream is not connected."""
SLOW = frozenset(
    {
        "apply_blocked_by_lock",
        "apply_cannot_keep_up",
        "apply_delay_configured",
        "failover_slot_gate",
        "large_transaction_decoding",
        "long_transaction_on_primary",
        "network_slow",
        "orphan_prepared_transaction",
        "recovery_target_reached",
        "replay_cannot_keep_up",
        "replay_paused_by_operator",
        "replay_paused_by_parameter",
        "standby_disk_slow",
        "standby_hung",
        "standby_query_blocks_replay",
        "wal_burst",
    }
)
"""Causes by which a connected downstream does not move, or too slowly."""
CONFLICTING = frozenset(
    {
        "apply_refused",
        "bidirectional_loop",
        "multi_writer_swap",
        "subscriber_duplicate_key",
        "subscriber_local_writes",
        "subscriber_missing_row",
        "subscriber_schema_drift",
    }
)
"""Causes by which changes cannot be applied to the rows that a subscriber has."""
