"""Links, nodes, alerts and incidents as rows of a page, worst first. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from leadline.lines import FINE
from leadline.model.alert import Transition, severity_rank
from leadline.model.incident import Incident
from leadline.model.status import LinkStatus, NodeStatus
from leadline_console.read_model import ReadModel

BADNESS: Final = {
    verdict: rank
    for rank, verdict in enumerate(
        (
            *(
                "broken",
                "cut_off",
                "downstream_unreachable",
                "upstream_unreachable",
                "replay_stalled",
                "falling_behind",
            ),
            *("replay_paused", "unknown", "catching_up", "delayed_by_design", "healthy", "idle"),
        )
    )
}
"""Verdicts from the worst to the best. What is not known comes before what is known to be fine."""
Mood = str
"""``bad``, ``unknown`` or ``fine``: the colour and the sign of a row."""


class LinkRow(msgspec.Struct, frozen=True, kw_only=True):
    """One link."""

    link: str
    cluster: str
    upstream: str
    downstream: str
    name: str
    kind: str
    verdict: str
    mood: Mood
    since: datetime
    connected: bool
    lag_s: float | None
    """The newest that is known, from the status or the last roll-up."""
    lag_is_bound: bool
    lag_at_least_s: float | None
    behind: int | None
    unit: str
    at: datetime
    """When that was judged."""


class NodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One node."""

    node: str
    cluster: str
    datacenter: str
    role: str
    health: str
    mood: Mood
    version: str
    since: datetime
    note: str | None
    blind: str | None
    position: str | None
    write_rate: float | None
    unit: str


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """One alert that is not over."""

    alert_id: str
    rule: str
    state: str
    severity: str
    subject: str
    subject_kind: str
    summary: str
    value: float | None
    threshold: float | None
    unit: str
    since: datetime
    runbook: str


class IncidentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One incident."""

    incident_id: str
    cluster: str
    state: str
    severity: str
    title: str
    opened_at: datetime
    resolved_at: datetime | None
    cause: str
    """The code of the first cause; empty without one."""
    confidence: float | None
    acknowledged_by: str | None
    silenced_by: str | None


def mood_of_link(verdict: str) -> Mood:
    """The mood of a verdict."""
    return "fine" if verdict in FINE else "unknown" if verdict == "unknown" else "bad"


def mood_of_node(node: NodeStatus) -> Mood:
    """The mood of a node: not seen, and partly seen, is not fine and not bad."""
    if node.health in ("down", "refused", "not_ready"):
        return "bad"
    return "fine" if node.health == "up" and node.blind is None else "unknown"


def badness(verdict: str, lag_s: float | None, ident: str) -> tuple[int, float, str]:
    """A key that sorts the worst first: verdict, then lag, then identity."""
    return BADNESS.get(verdict, 0), -(lag_s or 0.0), ident


def link_row(model: ReadModel, link: LinkStatus) -> LinkRow:
    """A link with the newest lag that is known of it."""
    lag_s, bound, least, behind, at = link.lag_s, link.lag_is_bound, link.lag_at_least_s, link.behind, link.at
    last = model.last_lags.get(link.link)
    if last is not None and last.end > link.at:
        lag_s, bound, at = last.lag_last_s, link.lag_is_bound and last.lag_last_s is None, last.end
        behind = last.bytes_last if link.unit == "bytes" else last.transactions_last
    return LinkRow(
        link=link.link,
        cluster=link.cluster,
        upstream=link.upstream,
        downstream=link.downstream,
        name=link.name,
        kind=link.link_kind,
        verdict=link.verdict,
        mood=mood_of_link(link.verdict),
        since=link.since,
        connected=link.connected,
        lag_s=lag_s,
        lag_is_bound=bound,
        lag_at_least_s=least,
        behind=behind,
        unit=link.unit,
        at=at,
    )


def node_row(node: NodeStatus) -> NodeRow:
    """A node."""
    return NodeRow(
        node=node.node,
        cluster=node.cluster,
        datacenter=node.datacenter,
        role=node.role,
        health=node.health,
        mood=mood_of_node(node),
        version=node.version,
        since=node.since,
        note=node.note,
        blind=node.blind,
        position=node.position,
        write_rate=node.write_rate,
        unit=node.unit,
    )


def alert_rows(alerts: Iterable[Transition]) -> list[AlertRow]:
    """Alerts: those that fire first, the most severe of them at the top."""
    found = sorted(
        alerts, key=lambda each: (each.to != "firing", -severity_rank(each.severity), each.started_at, each.alert_id)
    )
    return [
        AlertRow(
            alert_id=each.alert_id,
            rule=each.rule,
            state=each.to,
            severity=each.severity,
            subject=each.subject.id,
            subject_kind=each.subject.kind,
            summary=each.summary,
            value=each.value,
            threshold=each.threshold,
            unit=each.unit,
            since=each.started_at,
            runbook=each.runbook,
        )
        for each in found
    ]


def incident_rows(incidents: Iterable[Incident]) -> list[IncidentRow]:
    """Incidents: open ones first, the most severe and oldest of them at the top; then the newest."""
    found = sorted(
        incidents,
        key=lambda each: (
            each.state != "open",
            -severity_rank(each.severity) if each.state == "open" else 0,
            each.opened_at.timestamp() * (1 if each.state == "open" else -1),
            each.incident_id,
        ),
    )
    return [
        IncidentRow(
            incident_id=each.incident_id,
            cluster=each.cluster,
            state=each.state,
            severity=each.severity,
            title=each.title,
            opened_at=each.opened_at,
            resolved_at=each.resolved_at,
            cause=each.causes[0].code if each.causes else "",
            confidence=each.causes[0].confidence if each.causes else None,
            acknowledged_by=each.acknowledged_by,
            silenced_by=each.silenced_by,
        )
        for each in found
    ]
