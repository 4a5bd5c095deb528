"""What people were told of the lives of incidents, counted from what Slack and PagerDuty took."""

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
TITLE = "replication of {} is not well, word {}"
"""Of an incident of a cluster, by its ``seq``: PagerDuty is told no other number."""
_WORD = re.compile(r"\bword (\d+)")


Place = tuple[str, int]
"""A channel, and which of the sinks in turn spoke to it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of incidents that all ended, each after both had heard of it. What ends in ``again`` is harmless: it
    was on its way when its sink was killed."""

    incidents: int
    pages: int
    """That PagerDuty opened: one for each incident."""
    untold: int
    """Incidents that Slack, or PagerDuty, never heard of, and actions that are in no thread."""
    unended: int
    """Pages that are open, and incidents whose newest message in Slack does not say the end."""
    reopened: int
    """Pages after the end."""
    told_disordered: int
    """Words that came after a later one of the same incident."""
    needless: int
    """Messages about an incident that has one, where the one before was not on its way when its sink was killed."""
    messages_again: int
    """Messages in Slack about an incident that has one; the first stays as it was."""
    lines_again: int
    """Lines in a thread that another thread of the incident, or the same, has."""
    pages_again: int
    """The same trigger for the same page: nobody notices."""


@dataclass(frozen=True, slots=True)
class Life:
    """An incident as it ended, and what people did about it."""

    end: Incident
    actions: tuple[Action, ...]


def heard(events: Iterable[Event], incident_id: str) -> bool:
    """Do both know of an incident?"""
    mine = {event.vendor for event in events if _about(event) == incident_id and event.kind in ("post", "trigger")}
    return mine == set(VENDORS)


def over(events: Iterable[Event], end: Incident) -> bool:
    """Have both heard of the end?"""
    mine = [event for event in events if _about(event) == end.incident_id]
    return any(event.kind == "resolve" for event in mine) and any(_seq(event) == end.seq for event in mine)


def told(events: Sequence[Event], lives: Sequence[Life], starts: Sequence[datetime]) -> Told:
    """Account for everything; ``starts`` are the moments at which a sink was started, first to last."""
    posts: dict[str, list[Event]] = defaultdict(list)
    words: dict[tuple[str, str], list[int]] = defaultdict(list)
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
            words[event.vendor, about].append(seq)
            shown[event.key] = seq
    pages = pagerduty.alerts(events)
    return Told(
        incidents=len(lives),
        pages=len(pages),
        untold=sum((vendor, life.end.incident_id) not in words for life in lives for vendor in VENDORS)
        + sum(not _in_thread(action, lines) for life in lives for action in life.actions),
        unended=sum(page.state != "resolved" for page in pages)
        + sum(
            shown[posts[life.end.incident_id][-1].key] != life.end.seq
            for life in lives
            if life.end.incident_id in posts
        ),
        reopened=len(pages) - len({page.key for page in pages}),
        told_disordered=sum(later < earlier for seqs in words.values() for earlier, later in pairwise(seqs)),
        needless=sum(_needless(posts, last, starts)),
        messages_again=sum(len(mine) - 1 for mine in posts.values()),
        lines_again=lines.total() - len(lines),
        pages_again=triggers.total() - len(triggers),
    )


def _needless(
    posts: Mapping[str, Sequence[Event]], last: Mapping[Place, str], starts: Sequence[datetime]
) -> Iterator[bool]:
    """For each message after an incident's first: is it none that a kill explains?

    A sink has one word on its way to a channel, which is the last that the channel heard of it. A later sink says it
    again.
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
    """As of which record of the incident something was said; None when it does not say that."""
    if event.vendor == pagerduty.VENDOR:
        found = _WORD.search(event.payload.get("payload", {}).get("summary", ""))
        return int(found[1]) if found else None
    return int(event.payload["metadata"]["event_payload"]["seq"])
