"""The silence that the message of an incident shows, at targets whose messages can be edited. Pure.

An edit notifies nobody, so it is made in the silence too: the message shows that the incident is held back, by whom and
until when, wherever the silence was made, and no longer does when that is over.
"""

from datetime import UTC
from math import inf
from typing import Final

from leadline.model.silence import Silence
from leadline_sinks.notify.matching import is_pattern, patterns_match
from leadline_sinks.notify.situation import Situation, may_have_received

_ONE: Final = " incident"


def mark(silence: Silence | None) -> str:
    """A silence as a delivery has it: its identity, its end, and whether it is of one incident; empty for none."""
    if silence is None:
        return ""
    return f"{silence.silence_id} {silence.ends_at.astimezone(UTC).isoformat()}{_ONE if is_of_one(silence) else ''}"


def was_of_one(marked: str) -> bool:
    """Whether the silence of a mark is of one incident. Then its message has all there is to say about it."""
    return marked.endswith(_ONE)


def shows(at: Situation) -> bool:
    """Whether the target has a message of an open incident, in which silences are shown."""
    last, incident = at.last, at.incident
    if not at.shows_silences or last is None or not may_have_received(last) or not 0 < last.seq <= incident.seq:
        return False  # of a later record, another process shows it
    is_open = incident.state == "open" == last.state
    return is_open and last.outcome != "given_up" and incident.class_ == "page" and incident.announcement is None


def until_change_s(at: Situation) -> float:
    """Seconds until a silence that matches the incident begins or ends; infinity for never."""
    mine = [each for each in at.silences if each.ends_at > at.now and patterns_match(each.matchers, at.incident)]
    times = [each.starts_at if each.starts_at > at.now else each.ends_at for each in mine]
    return min(((time - at.now).total_seconds() for time in times), default=inf)


def is_of_one(silence: Silence) -> bool:
    """Whether a silence is of one incident, which it names."""
    return "incident" in silence.matchers and not is_pattern(silence.matchers["incident"])
