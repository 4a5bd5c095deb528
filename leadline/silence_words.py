"""Silences and their announcements in words. Pure; times are in UTC, with the zone."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from leadline.model.announcement import Announcement, HeldIncident
from leadline.model.delivery import Occasion
from leadline.model.silence import Silence
from leadline.words import duration

LISTED: Final = 10
"""Silences or incidents that a message lists; more are counted."""
END: Final = "leadline silence expire"
"""The command that ends a silence; its identity follows."""

NOTE: Final = "What is held back is still judged and recorded; what was sent before is still resolved."


def occasion(of: Occasion, *, over: bool) -> str:
    """The first words of a message."""
    if over:
        return "SILENCE ENDS"
    return "SILENCE BEGINS" if of == "opened" else "SILENCE CHANGED" if of != "reopened" else "SILENCE BEGINS AGAIN"


def patterns(silence: Silence) -> str:
    """The matchers: ``cluster=orders rule=replication_*``."""
    return " ".join(f"{name}={pattern}" for name, pattern in silence.matchers.items())


def until(moment: datetime) -> str:
    """The end of a silence."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC").rjust(20, "0")


def author(silences: Sequence[Silence]) -> str:
    """The people who made the silences."""
    people = list(dict.fromkeys(each.created_by for each in silences))
    return people[0] if len(people) == 1 else f"{people[0]} and {people[-1]}" if len(people) == 2 else _many(people)


def title(about: Announcement, *, over: bool) -> str:
    """The silences, who made them, and until when they hold; or what they held back."""
    silences = about.silences
    one = len({patterns(each) for each in silences}) == 1
    what = f"silence of {_scope(silences[-1])}" if one else f"{len(silences)} silences"
    by = f"{what} by {author(silences)}"
    if over:
        return f"{by} {'is' if one else 'are'} over; {held_back(about)}"
    return f"{by} until {until(max(each.ends_at for each in silences))}"


def _scope(silence: Silence) -> str:
    """The matchers; ``everything`` for a cluster that the beginning of the title names."""
    whole = list(silence.matchers) == ["cluster"] and not set("*?") & set(silence.matchers["cluster"])
    return "everything" if whole else patterns(silence)


def held_back(about: Announcement) -> str:
    """The number of incidents that were held back, and of those that go on."""
    if not about.held_count:
        return "nothing was held back"
    incidents = "1 incident was" if about.held_count == 1 else f"{about.held_count} incidents were"
    if not about.going_on:
        return f"{incidents} held back, and {'it is' if about.held_count == 1 else 'all are'} over"
    if about.going_on == about.held_count:
        return f"{incidents} held back, and {'goes' if about.held_count == 1 else 'all go'} on"
    return f"{incidents} held back, of which {about.going_on} {'goes' if about.going_on == 1 else 'go'} on"


def lines(about: Announcement) -> Iterator[str]:
    """One line for each silence: what it matches, for how long, by whom and why."""
    for each in about.silences[:LISTED]:
        length = duration((each.ends_at - each.starts_at).total_seconds())
        why = f": {each.comment}" if each.comment else ", without a reason"
        ended = f", ended by {each.ended_by}" if each.ended_by else ""
        yield f"{patterns(each)} until {until(each.ends_at)} ({length}{ended}), by {each.created_by}{why}"
    if len(about.silences) > LISTED:
        yield f"… {len(about.silences) - LISTED} more; `leadline silence list` has all"


def commands(about: Announcement) -> Iterator[str]:
    """The commands that end the silences before their time."""
    idents = [each.silence_id for each in about.silences[:LISTED]]
    yield f"{END} {' '.join(idents)}"


def went_on(about: Announcement) -> Iterator[str]:
    """A line for each incident that goes on."""
    yield from _some([each for each in about.held if each.state == "open"], about.going_on)


def ended(about: Announcement) -> Iterator[str]:
    """A line for each incident that was held back and is over."""
    yield from _some([each for each in about.held if each.state != "open"], about.held_count - about.going_on)


def _some(held: Sequence[HeldIncident], count: int) -> Iterator[str]:
    yield from (incident(each) for each in held[:LISTED])
    if count > LISTED:
        yield f"… {count - LISTED} more; `leadline incidents list` has all"


def incident(held: HeldIncident) -> str:
    """One incident: severity, problem, cause, since when or for how long, identity."""
    cause = f"; cause: {held.cause}" if held.cause else "; no cause was found"
    since = f"since {until(held.opened_at)}"
    if held.resolved_at is not None:
        since = f"{since}, over after {duration(max(0.0, (held.resolved_at - held.opened_at).total_seconds()))}"
    return f"{held.severity}  {held.title}{cause}; {since} ({held.incident_id})"


def _many(people: Sequence[str]) -> str:
    return f"{people[0]} and {len(people) - 1} others"
