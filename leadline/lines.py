"""What happens, as plain lines: one per change, two more for an incident's cause and fix, one per word to people."""

from collections.abc import Sequence
from typing import Any

from leadline.logs import escape
from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.status import LinkStatus, NodeStatus
from leadline.steps import fix_lines
from leadline.words import amount, duration, hour


def node(row: NodeStatus) -> str:
    """A server: role, version, whether it answers."""
    where = f" in {row.datacenter}" if row.datacenter else ""
    state = "up" if row.health == "up" else f"{row.health}: {row.note or 'no reason given'}"
    return escape(f"{row.cluster}  {row.node}  {row.role} {row.version}{where}  {state}")


def link(row: LinkStatus) -> str:
    """A link: ends, verdict, lag."""
    name = f" ({row.name})" if row.name else ""
    lag = f"{lag_of(row)} behind, {amount(row.behind, row.unit)}"
    return escape(f"{row.cluster}  {row.upstream} -> {row.downstream}{name}  {row.link_kind}  {row.verdict}  {lag}")


def lag_of(row: LinkStatus) -> str:
    """The lag of a link in seconds; one that is a bound is marked."""
    return ("about " if row.lag_is_bound and row.lag_s is not None else "") + duration(row.lag_s)


def node_fields(row: NodeStatus) -> dict[str, Any]:
    """A server as one flat JSON object."""
    return {
        "cluster": row.cluster,
        "name": row.node,
        "role": row.role,
        "version": row.version,
        "datacenter": row.datacenter,
        "up": row.health == "up",
        "health": row.health,
        "position": row.position,
        "write_rate": row.write_rate,
        "note": row.note,
    }


def link_fields(row: LinkStatus, history: Sequence[float] = ()) -> dict[str, Any]:
    """A link as one flat JSON object; ``history`` is its lag in seconds, oldest first."""
    return {
        "cluster": row.cluster,
        "id": row.link,
        "upstream": row.upstream,
        "downstream": row.downstream,
        "link_kind": row.link_kind,
        "name": row.name,
        "verdict": row.verdict,
        "since": row.since,
        "lag_s": row.lag_s,
        "lag_is_bound": row.lag_is_bound,
        "lag_bytes": row.behind if row.unit == "bytes" else None,
        "history": list(history),
    }


def transition(news: Transition) -> str:
    """An alert's step."""
    step = f"{news.to.upper()} {news.severity}" if news.to == "firing" else news.to
    return escape(f"{hour(news.event_time)}  {news.cluster}  {step}  {news.rule}  {news.summary}")


def incident(news: Incident) -> list[str]:
    """An incident, with its first cause and the fix."""
    at = news.resolved_at or (news.timeline[-1].at if news.timeline else news.detected_at)
    lines = [f"{hour(at)}  {news.cluster}  INCIDENT {news.state} {news.severity}  {news.title}"]
    if news.state == "open" and news.causes:
        cause = news.causes[0]
        lines.append(f"          cause  {cause.code} ({cause.confidence:.2f})  {cause.summary}")
        for number, line in enumerate(fix_lines(cause)):
            lines.append(f"          {'fix' if not number else '   '}    {line}")
    if news.resolved_at is not None:
        lines.append(f"          lasted {duration((news.resolved_at - news.opened_at).total_seconds())}")
    return [escape(line) for line in lines]


def delivery(news: Delivery) -> str:
    """What a target was told, or why not."""
    why = f": {news.reason}" if news.reason else ""
    return escape(f"{hour(news.at)}  {news.target}  {news.outcome}{why}  {news.occasion}  {news.incident_id}")
