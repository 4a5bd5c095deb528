"""The records of an announcement of silences: its beginning, its changes, its end. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from leadline.model.alert import severity_rank
from leadline.model.announcement import Announcement, HeldIncident
from leadline.model.ids import ClusterName, incident_id
from leadline.model.incident import Incident, TimelineEntry
from leadline.model.silence import Silence
from leadline.silence_words import patterns, title, until

TOGETHER: Final = timedelta(seconds=30)
"""Silences of one person that begin, and end, within this time of each other are one announcement."""
MOST_HELD: Final = 50
COMMENT: Final = 300
"""Characters of a comment, a problem or a cause in an announcement."""


def opened(group: Sequence[Silence], cluster: ClusterName, now: datetime) -> Incident:
    """The first record of an announcement."""
    about = Announcement(silences=list(group))
    return Incident(
        incident_id=incident_id(cluster, group[0].starts_at, group[0].silence_id),
        seq=1,
        cluster=cluster,
        datacenters=[],
        state="open",
        severity="info",
        title=f"{cluster}: {title(about, over=False)}",
        opened_at=group[0].starts_at,
        detected_at=now,
        cause_at=None,
        resolved_at=None,
        causes=[],
        alerts=[],
        changes=[],
        timeline=[TimelineEntry(at=now, what="begins: notifications are held back")],
        labels={},
        class_="notice",
        announcement=about,
    )


def changed(own: Incident, members: list[Silence], now: datetime) -> Incident:
    """The next record of an announcement whose silences are now these."""
    before = own.announcement.silences if own.announcement is not None else []
    about = Announcement(silences=members)
    return replace(
        own,
        seq=own.seq + 1,
        state="open",
        resolved_at=None,
        title=f"{own.cluster}: {title(about, over=False)}",
        announcement=about,
        timeline=[*own.timeline, TimelineEntry(at=now, what=_change(before, members))],
    )


def over(own: Incident, members: list[Silence], found: Sequence[HeldIncident], count: int, now: datetime) -> Incident:
    """The last record. ``found``: the incidents that were held back and are known still; ``count``: all of them."""
    held = sorted(found, key=_urgency)
    about = Announcement(
        silences=members,
        held=held[:MOST_HELD],
        held_count=count,
        going_on=sum(each.state == "open" for each in held),
    )
    what = title(about, over=True)
    return replace(
        own,
        seq=own.seq + 1,
        state="resolved",
        resolved_at=min(now, max(each.ends_at for each in members)),
        title=f"{own.cluster}: {what}",
        announcement=about,
        timeline=[*own.timeline, TimelineEntry(at=now, what=f"resolved: {what}")],
    )


def are_together(one: Silence, other: Silence) -> bool:
    """Whether two silences have one author, and begin and end together."""
    begin, end = abs(one.starts_at - other.starts_at), abs(one.ends_at - other.ends_at)
    return one.created_by == other.created_by and begin <= TOGETHER and end <= TOGETHER


def _change(before: Sequence[Silence], members: Sequence[Silence]) -> str:
    """The difference between two lists of silences of one announcement."""
    old, new = max(each.ends_at for each in before), max(each.ends_at for each in members)
    more = len(members) - len(before)
    matchers = {patterns(each) for each in before}
    if new - old > TOGETHER and all(patterns(each) in matchers for each in members):
        return f"prolonged until {until(new)} by {members[-1].created_by}"
    if more:
        return f"{more} more {'silence' if more == 1 else 'silences'} by {members[-1].created_by}"
    if new < old:
        return f"shortened: it ends at {until(new)}"
    return "changed"


def held_incident(incident: Incident) -> HeldIncident:
    """An incident as an announcement names it."""
    cause = incident.causes[0] if incident.causes and incident.causes[0].code != "unknown" else None
    return HeldIncident(
        incident_id=incident.incident_id,
        cluster=incident.cluster,
        title=incident.title[:COMMENT],
        severity=incident.severity,
        state=incident.state,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        cause=cause.summary[:COMMENT] if cause is not None else "",
    )


def short(silence: Silence) -> Silence:
    """A silence with a comment of bounded length."""
    return replace(silence, comment=silence.comment[:COMMENT]) if len(silence.comment) > COMMENT else silence


def _urgency(held: HeldIncident) -> tuple[bool, int, datetime]:
    return held.state != "open", -severity_rank(held.severity), held.opened_at
