"""The announcement of silences as a message: what is held back, who wants it so, and what was held back."""

from collections.abc import Iterator
from typing import Final

from leadline import silence_words
from leadline.model.announcement import Announcement, HeldIncident
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.words import duration
from leadline_sinks.slack import limits
from leadline_sinks.slack.blocks import Block, Message, context, header, section
from leadline_sinks.slack.text import date, joined, literal, name, prose

_LIST: Final = 2400
"""Characters of a list of silences or incidents."""
_LINE: Final = 400


def first(incident: Incident) -> str:
    """The first line."""
    sign = "🔕 SILENCE" if incident.state == "open" else "🔔 SILENCE ENDS"
    return f"{sign} {incident.title}"


def whole(incident: Incident, about: Announcement) -> Message:
    """The full message."""
    return Message(literal(first(incident), limits.FALLBACK), tuple(_blocks(incident, about)))


def short(incident: Incident, about: Announcement) -> Message:
    """The same without lists."""
    held = silence_words.held_back(about) if incident.state == "resolved" else silence_words.NOTE
    blocks = (header(literal(first(incident), limits.HEADER)), section(prose(held, limits.COMPACT)))
    return Message(literal(first(incident), limits.FALLBACK), blocks)


def _blocks(incident: Incident, about: Announcement) -> Iterator[Block]:
    over = incident.state == "resolved"
    yield header(literal(first(incident), limits.HEADER))
    if over:
        on, ended = ([each for each in about.held if (each.state == "open") is state] for state in (True, False))
        if on:
            yield section(f"*Still goes on, and is sent from now on*\n{_incidents(on, about.going_on)}")
        if ended:
            count = about.held_count - about.going_on
            yield section(f"*Was held back, and is over*\n{_incidents(ended, count)}")
    verb = "Held" if over else "Holds"
    yield section(f"*{verb} back notifications of*\n{_silences(about)}")
    if not over:
        for command in silence_words.commands(about):
            if len(command) <= limits.COMMAND - 40:
                yield context(f"End it before its time: {name(command, limits.COMMAND - 24)}")
        yield context(silence_words.NOTE)


def _silences(about: Announcement) -> str:
    lines = [_silence(each) for each in about.silences[: silence_words.LISTED]]
    more = len(about.silences) - len(lines)
    return joined([*lines, *([f"… {more} more; `leadline silence list` has all"] if more else [])], "\n", _LIST)


def _silence(each: Silence) -> str:
    matchers = " ".join(name(f"{field}={pattern}", limits.NAME * 2) for field, pattern in each.matchers.items())
    length = duration((each.ends_at - each.starts_at).total_seconds())
    ended = f", ended by {name(each.ended_by)}" if each.ended_by else ""
    why = f": {prose(each.comment, _LINE)}" if each.comment else ", without a reason"
    return f"• {matchers} until {date(each.ends_at)} ({length}{ended}), by {name(each.created_by)}{why}"


def _incidents(held: list[HeldIncident], count: int) -> str:
    lines = [f"• {prose(silence_words.incident(each), _LINE)}" for each in held[: silence_words.LISTED]]
    more = count - len(lines)
    more_line = [f"… {more} more; `leadline incidents list` has all"] if more > 0 else []
    return joined([*lines, *more_line], "\n", _LIST)
