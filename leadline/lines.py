"""What happens, as plain lines: one per change, two more for an incident's cause and fix, one per word to people."""

from leadline.logs import escape
from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.rows import LinkRow, NodeRow
from leadline.steps import fix_lines
from leadline.words import duration, hour, size


def node(row: NodeRow) -> str:
    """A server: role, version, whether it answers."""
    where = f" in {row.datacenter}" if row.datacenter else ""
    state = "up" if row.up else f"down: {row.note or 'no reason given'}"
    return escape(f"{row.cluster}  {row.name}  {row.role} {row.version}{where}  {state}")


def link(row: LinkRow) -> str:
    """A link: ends, verdict, lag."""
    name = f" ({row.name})" if row.name else ""
    lag = f"{duration(row.lag_s)} behind, {size(row.lag_bytes)}"
    return escape(f"{row.cluster}  {row.upstream} -> {row.downstream}{name}  {row.link_kind}  {row.verdict}  {lag}")


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
