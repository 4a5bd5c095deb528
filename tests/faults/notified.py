"""Notifications of incidents that ended, counted from the requests that Slack and PagerDuty accepted."""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from leadline.model.action import Action
from leadline.model.incident import Incident
from leadline_lab.receiver import pagerduty, slack
from leadline_lab.receiver.exchange import Event

VENDORS = (slack.VENDOR, pagerduty.VENDOR)
TITLE = "replication of {} is not healthy, record {}"
"""Of an incident of a cluster, by its ``seq``: PagerDuty receives no other number."""
_SEQ = re.compile(r"\brecord (\d+)")


Place = tuple[str, int]
"""A channel, and the number of the sink, in turn, that sent to it."""


@dataclass(frozen=True, slots=True)
class Notified:
    """Counts for incidents that all ended, each after both vendors had received it. Those that end in ``again`` are
    harmless: the request was pending when its sink was killed."""

    incidents: int
    pages: int
    """That PagerDuty opened: one for each incident."""
    missing: int
    """Incidents that Slack or PagerDuty never received, and actions that are in no thread."""
    unended: int
    """Pages that are open, and incidents whose newest message in Slack does not show the end."""
    reopened: int
    """Pages after the end."""
    disordered_notifications: int
    """Notifications that came after a later one of the same incident."""
    needless: int
    """Messages about an incident that has one, where the one before was not pending when its sink was killed."""
    messages_again: int
    """Messages in Slack about an incident that has one; the first stays as it was."""
    lines_again: int
    """Lines in a thread that another thread of the incident, or the same, has."""
    pages_again: int
    """The same trigger for the same page: nobody notices."""
    late: int
    """Requests of a sink that was frozen, after another one had sent the end."""
    deliveries_back: int
    """Deliveries that were recorded after one of a later record of the same incident."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """An incident as it ended, and the actions of people."""

    end: Incident
    actions: tuple[Action, ...]


def has_opened(events: Iterable[Event], incident_id: str) -> bool:
    """Whether both vendors received the first notification."""
    mine = {event.vendor for event in events if _about(event) == incident_id and event.kind in ("post", "trigger")}
    return mine == set(VENDORS)


def has_ended(events: Iterable[Event], end: Incident) -> bool:
    """Whether both vendors received the end."""
    mine = [event for event in events if _about(event) == end.incident_id]
    shown = any(event.vendor == slack.VENDOR and _seq(event) == end.seq for event in mine)
    return shown and any(event.kind == "resolve" for event in mine)


def notified(
    events: Sequence[Event],
    timelines: Sequence[Timeline],
    starts: Sequence[datetime],
    *,
    late: int = 0,
    deliveries_back: int = 0,
) -> Notified:
    """Count. ``starts`` are the times at which sinks were started, first to last."""
    posts: dict[str, list[Event]] = defaultdict(list)
    seqs_of: dict[tuple[str, str], list[int]] = defaultdict(list)
    threads: dict[str, str] = {}
    shown: dict[str, int] = {}
    last: dict[Place, str] = {}
    lines: Counter[tuple[str, str]] = Counter()
    triggers: Counter[tuple[str, str]] = Counter()
    for event in events:
        if event.kind == "reply":
            last[_place(event, starts)] = threads[event.key]
            lines.update((threads[event.key], line) for line in event.payload["text"].splitlines())
            continue
        about = _about(event)
        if event.vendor == slack.VENDOR:
            last[_place(event, starts)] = about
        if event.kind == "post":
            posts[about].append(event)
            threads[event.key] = about
        if event.kind == "trigger":
            triggers[about, event.payload["payload"]["summary"]] += 1
        if (seq := _seq(event)) is not None:
            seqs_of[event.vendor, about].append(seq)
            shown[event.key] = seq
    pages = pagerduty.alerts(events)
    return Notified(
        incidents=len(timelines),
        pages=len(pages),
        missing=sum((vendor, timeline.end.incident_id) not in seqs_of for timeline in timelines for vendor in VENDORS)
        + sum(not _in_thread(action, lines) for timeline in timelines for action in timeline.actions),
        unended=sum(page.state != "resolved" for page in pages)
        + sum(
            shown[posts[timeline.end.incident_id][-1].key] != timeline.end.seq
            for timeline in timelines
            if timeline.end.incident_id in posts
        ),
        reopened=len(pages) - len({page.key for page in pages}),
        disordered_notifications=sum(later < earlier for seqs in seqs_of.values() for earlier, later in pairwise(seqs)),
        needless=sum(_needless(posts, last, starts)),
        messages_again=sum(len(mine) - 1 for mine in posts.values()),
        lines_again=lines.total() - len(lines),
        pages_again=triggers.total() - len(triggers),
        late=late,
        deliveries_back=deliveries_back,
    )


def _needless(
    posts: Mapping[str, Sequence[Event]], last: Mapping[Place, str], starts: Sequence[datetime]
) -> Iterator[bool]:
    """For each message after an incident's first: whether no kill explains it.

    A sink has one request pending for a channel, which is the last that the channel received from it. A later sink
    sends it again.
    """
    explained: set[Place] = set()
    for about, mine in posts.items():
        for earlier, later in pairwise(mine):
            place = _place(earlier, starts)
            yield place in explained or last[place] != about or _place(later, starts) == place
            explained.add(place)


def _place(event: Event, starts: Sequence[datetime]) -> Place:
    return event.payload["channel"], bisect_right(starts, event.at)


def _in_thread(action: Action, lines: Iterable[tuple[str, str]]) -> bool:
    return any(about == action.incident_id and line.endswith(action.text) for about, line in lines)


def _about(event: Event) -> str:
    """The incident of a message or a page."""
    if event.vendor == pagerduty.VENDOR:
        return event.key
    return str(event.payload["metadata"]["event_payload"]["incident_id"]) if "metadata" in event.payload else ""


def _seq(event: Event) -> int | None:
    """The ``seq`` of the incident's record in a notification; None when it has none."""
    if event.vendor == pagerduty.VENDOR:
        found = _SEQ.search(event.payload.get("payload", {}).get("summary", ""))
        return int(found[1]) if found else None
    return int(event.payload["metadata"]["event_payload"]["seq"])
