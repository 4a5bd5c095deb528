"""Events, links and nodes as lines of text. Incidents have further lines for the cause and the steps of its fix."""

import re
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any, Final

from leadline import silence_words
from leadline.headline import ending, impact, impact_since
from leadline.logs import escape
from leadline.model.alert import Transition
from leadline.model.announcement import Announcement
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.status import LinkStatus, NodeStatus
from leadline.steps import fix_lines
from leadline.words import amount, duration, hour

REFUSED: Final = "rule_blind"
"""The rule by which a server is blind although its agent has every right."""
BEYOND: Final = "limit_reached"
"""The cause of an incident about a cluster that has more than is judged."""
FINE: Final = frozenset({"idle", "healthy", "catching_up", "delayed_by_design"})
"""Verdicts of links without a problem."""
PROBLEMS: Final = {
    "falling_behind": "BEHIND",
    "replay_paused": "PAUSED",
    "replay_stalled": "STALLED",
    "cut_off": "CUT OFF",
    "broken": "BROKEN",
    "upstream_unreachable": "UPSTREAM DOWN",
    "downstream_unreachable": "DOWN",
    "unknown": "NOT KNOWN",
}
"""Every other verdict in the words of tables."""


_REASON_ENDS: Final = re.compile(r"[:;]")
_REMEDY: Final = re.compile(r" \([^()]*(?:\([^()]*\)[^()]*)*\)$")


class Once:
    """The texts of one screen, in their order: each of some sentences is whole where it is first, and short after that.

    The sentences are why servers cannot be read. What to do, in brackets at the end of a sentence, is written once for
    all servers with the same remedy.
    """

    def __init__(self, rows: Iterable[NodeStatus]) -> None:
        notes = {row.note for row in rows if row.health != "up"} | {row.blind for row in rows}
        self._sentences = sorted((note for note in notes if note), key=len, reverse=True)
        self._written: set[str] = set()

    def __call__(self, text: str) -> str:
        """The text as it is to be written next."""
        for sentence in self._sentences:
            if sentence not in text:
                continue
            found = _REMEDY.search(sentence)
            remedy = found[0] if found else ""
            if sentence in self._written:
                text = text.replace(sentence, _REASON_ENDS.split(sentence)[0])
            elif remedy and remedy in self._written:
                text = text.replace(sentence, sentence.removesuffix(remedy))
            self._written |= {sentence, remedy}
        return text


def node(row: NodeStatus) -> str:
    """A node: role, version, and whether its server answers."""
    where = f" in {row.datacenter}" if row.datacenter else ""
    state = _state(row)
    return escape(f"{hour(row.at)}  {row.cluster}  {row.node}  {row.role} {short_version(row)}{where}  {state}")


def _state(row: NodeStatus) -> str:
    if row.health != "up":
        return f"{row.health}: {row.note or 'no reason given'}"
    return "up" if row.blind is None else f"BLIND: {row.blind}"


def link(row: LinkStatus) -> str:
    """A link: ends, verdict, lag."""
    name = f" ({row.name})" if row.name else ""
    lag = f"{lag_of(row)} behind, {amount(row.behind, row.unit)}"
    ends = f"{row.upstream} -> {row.downstream}{name}"
    return escape(f"{hour(row.at)}  {row.cluster}  {ends}  {row.link_kind}  {row.verdict}  {lag}")


def short_version(row: NodeStatus) -> str:
    """The version of a server without what its packager adds: ``15.18`` of ``15.18 (Debian 15.18-0+deb12u1)``."""
    return row.version.partition(" ")[0]


def state_of(row: LinkStatus) -> str:
    """The verdict of a link in words, those of a problem in capitals."""
    return PROBLEMS.get(row.verdict, row.verdict.replace("_", " "))


def lag_of(row: LinkStatus) -> str:
    """The lag of a link in seconds: ``≤`` marks an upper bound, ``≥`` a lower one where no upper one is known."""
    if not row.lag_is_bound:
        return duration(row.lag_s)
    if row.lag_s is not None:
        return f"≤ {duration(row.lag_s if row.lag_s < 10 else ceil(row.lag_s))}"
    return f"≥ {duration(row.lag_at_least_s)}" if row.lag_at_least_s else "?"


def node_fields(row: NodeStatus) -> dict[str, Any]:
    """A node as one flat JSON object."""
    return {
        "cluster": row.cluster,
        "name": row.node,
        "role": row.role,
        "version": row.version,
        "datacenter": row.datacenter,
        "up": row.health == "up",
        "health": row.health,
        "since": row.since,
        "position": row.position,
        "write_rate": row.write_rate,
        "unit": row.unit,
        "note": row.note,
        "blind": row.blind,
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
        "lag_at_least_s": row.lag_at_least_s,
        "lag_bytes": row.behind if row.unit == "bytes" else None,
        "behind": row.behind,
        "unit": row.unit,
        "connected": row.connected,
        "history": list(history),
    }


def transition(change: Transition) -> str:
    """A transition of an alert."""
    state = f"{change.to.upper()} {change.severity}" if change.to == "firing" else change.to
    return escape(f"{hour(change.event_time)}  {change.cluster}  {state}  {change.rule}  {change.summary}")


def incident(record: Incident) -> list[str]:
    """An incident, with its first cause and the steps of the fix; an announcement, with the silences."""
    if record.announcement is not None:
        return _announcement(record, record.announcement)
    at = record.resolved_at or (record.timeline[-1].at if record.timeline else record.detected_at)
    bad = impact_since(record) if record.state == "open" else impact(record)
    title = f"{record.title}; {bad}" if bad else record.title
    lines = [f"{hour(at)}  {record.cluster}  INCIDENT {record.state} {record.severity}  {title}"]
    if record.state == "open" and record.causes:
        cause = record.causes[0]
        lines.append(f"          cause  {cause.code} ({cause.confidence:.2f})  {cause.summary}")
        for number, line in enumerate(fix_lines(cause)):
            lines.append(f"          {'fix' if not number else '   '}    {line}")
    if record.state == "resolved":
        lines.append(f"          {ending(record)}")
    return [escape(line) for line in lines]


def _announcement(record: Incident, about: Announcement) -> list[str]:
    over = record.state == "resolved"
    at = record.resolved_at or record.detected_at
    below = [*silence_words.went_on(about), *silence_words.ended(about)] if over else [*silence_words.lines(about)]
    below += [] if over else silence_words.commands(about)
    head = f"{hour(at)}  {record.cluster}  SILENCE {'ends' if over else 'begins'}  {record.title}"
    return [escape(line) for line in (head, *(f"          {line}" for line in below))]


def not_judged(incidents: Iterable[Incident]) -> list[str]:
    """For each cluster that has more than is judged: the limits that it has reached, and what is beyond them."""
    return [
        f"{each.cluster}: {cause.evidence_for[0].value if cause.evidence_for else cause.summary}"
        for each in sorted(incidents, key=lambda each: each.cluster)
        for cause in each.causes
        if each.state == "open" and cause.code == BEYOND
    ]


def delivery(record: Delivery) -> str:
    """A delivery to a target, with the reason where it failed."""
    why = f": {record.reason}" if record.reason else ""
    return escape(f"{hour(record.at)}  {record.target}  {record.outcome}{why}  {record.occasion}  {record.incident_id}")
