"""What an incident did to links, nodes and data, from the transitions of its alerts. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from leadline.model.alert import Severity, Subject, Transition, severity_rank

EFFECTS: Final[Mapping[str, str]] = {
    "agent_silent": "Nothing was known of it meanwhile: what it did, and what happened to it, is in its own log only.",
    "apply_conflict": "Rows on the two sides may differ until they are compared.",
    "apply_delay_undeclared": "Readers saw data older than anybody had agreed to.",
    "apply_error": "Changes were not applied from the failing one on; readers saw old data.",
    "archive_failing": "What was not archived could not be restored from the archive.",
    "config_mismatch": "Replay may stop, or the standby not start, when the primary uses what the standby cannot hold.",
    "identity_missing": "Applications that updated or deleted rows of published tables got errors.",
    "lag_forecast": "The recovery-point objective was about to be missed.",
    "node_down": "It could not be used.",
    "publication_missing": "Changes of what was not published any more never arrived: rows differ.",
    "recovery_conflict": "Queries on the standby were cancelled, and failed for whoever had asked.",
    "replay_paused": "Readers saw data as it was when replay was paused.",
    "replication_cut_off": "Nothing arrived; readers saw old data, and a failover would have lost what was missing.",
    "replication_lag": "Readers saw old data, and a failover would have had to wait, or lose what was not replayed.",
    "replication_lag_bytes": "A failover would have had to replay the backlog first, or lose what had not arrived.",
    "replication_stalled": "Readers saw data as it was when progress stopped.",
    "slot_inactive": "The upstream kept log for a consumer that was not there.",
    "slot_lost": "The consumer of the slot cannot go on, and has to be made anew.",
    "slot_retention_forecast": "The upstream's volume, or the slot, was about to be lost.",
    "split_brain": "Two servers took writes: each may have rows that the other never had.",
    "subscription_disabled": "Changes were not applied; readers saw old data.",
    "sync_commit_blocked": "Commits on the primary waited, and with them whoever had asked.",
    "sync_degraded": "A commit was safe on fewer servers than was asked for.",
    "table_sync_stuck": "The tables that were not copied yet were missing rows on the subscriber.",
}
"""What a rule's alert means for people and data."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One alert over its whole life."""

    rule: str
    subject: Subject
    severity: Severity
    """The worst."""
    worst: float | None
    """The value that was furthest beyond the limit, of those at the alert's transitions."""
    unit: str
    limit: float | None
    verdicts: tuple[str, ...]
    """Of the link, in the order they were seen."""
    since: datetime
    until: datetime | None
    runbook: str


def breaches(transitions: Iterable[Transition]) -> list[Breach]:
    """One for each alert that fired, those that began first in front."""
    found: dict[str, Breach] = {}
    fired: set[str] = set()
    for step in sorted(transitions, key=lambda each: (each.event_time, each.alert_id, each.seq)):
        before = found.get(step.alert_id)
        found[step.alert_id] = _joined(before, step) if before else _begun(step)
        if step.to == "firing":
            fired.add(step.alert_id)
    return sorted((found[ident] for ident in fired), key=lambda each: (each.since, each.rule, each.subject.id))


def _begun(step: Transition) -> Breach:
    return Breach(
        rule=step.rule,
        subject=step.subject,
        severity=step.severity,
        worst=step.value,
        unit=step.unit,
        limit=step.threshold,
        verdicts=(step.verdict,) if step.verdict else (),
        since=step.started_at,
        until=None,
        runbook=step.runbook,
    )


def _joined(so_far: Breach, step: Transition) -> Breach:
    verdicts = (*so_far.verdicts, step.verdict) if step.verdict else so_far.verdicts
    if step.to in ("ok", "resolved"):
        return replace(so_far, until=step.event_time, verdicts=tuple(dict.fromkeys(verdicts)))
    worse = severity_rank(step.severity) > severity_rank(so_far.severity)
    return replace(
        so_far,
        severity=step.severity if worse else so_far.severity,
        worst=_worst(so_far, step),
        limit=step.threshold if worse or so_far.limit is None else so_far.limit,
        verdicts=tuple(dict.fromkeys(verdicts)),
        until=None,
    )


def _worst(so_far: Breach, step: Transition) -> float | None:
    """A forecast is worse the smaller it is: its limit is above what breaches it."""
    if step.value is None or so_far.worst is None:
        return so_far.worst if step.value is None else step.value
    smaller = step.reason in ("breach", "escalate") and step.threshold is not None and step.value < step.threshold
    return min(so_far.worst, step.value) if smaller else max(so_far.worst, step.value)
