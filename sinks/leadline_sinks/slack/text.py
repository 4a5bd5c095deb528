"""Foreign text as mrkdwn: escaped, made visible, shortened, and never interpreted as markup.

Slack escapes three characters and has no escape for ``*``, ``_``, ``~`` and the backtick
(docs.slack.dev/messaging/formatting-message-text). A word that holds one of these is put into a code span, where they
have no meaning. Names such as ``max_wal_size`` are best shown as code anyway.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from leadline.logs import escape
from leadline_sinks.slack import limits

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LONGEST: Final = 4 * limits.SECTION
"""Characters of a text that are processed; less is shown of any."""
_MARKUP: Final = re.compile(r"[*_~`<>&]|:[a-z+-]|://")
"""Characters that mrkdwn, a short name of an emoji or an address could begin with."""
_STOPS: Final = ".,;:!?"
_TICK: Final = "ˋ"
"""U+02CB in place of a backtick, which would end a code span."""


_SIMILAR: Final = str.maketrans({"|": "¦", "`": _TICK, "~": "∼", "*": "∗"})


def clean(raw: str) -> str:
    """Text on one line, with invisible characters made visible."""
    return escape(raw, _LONGEST)


def entities(text: str) -> str:
    """Text with Slack's three escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(raw: str, limit: int) -> str:
    """Text for places without markup: headers and notifications. Cut at the end."""
    return _cut(clean(raw), limit)


def name(raw: str, limit: int = limits.NAME) -> str:
    """A code span. A name that is too long loses its middle, since names differ at their ends."""
    return f"`{_middle(clean(raw).replace('`', _TICK) or '-', limit - 2)}`"


def prose(raw: str, limit: int) -> str:
    """A sentence. Words that could contain markup become code spans."""
    shown: list[str] = []
    room = limit - 1
    for word in clean(raw).split(" "):
        made = _word(word)
        room -= len(made) + 1
        if room < 0:
            return " ".join([*shown, "…"])
        shown.append(made)
    return " ".join(shown)


def label(raw: str) -> str:
    """The text of a link. Characters that would end it or are markup are replaced by similar ones."""
    return _cut(clean(raw).translate(_SIMILAR), limits.NAME)


def struck(raw: str, limit: int) -> str:
    """Text struck through. Characters that would end the strike are replaced by similar ones."""
    text = clean(raw).replace("~", "∼").replace("`", _TICK).strip()
    return f"~{_cut(text, limit - 2)}~" if text else "-"


def block(statements: Iterable[str]) -> str:
    """A code block, one statement on each line. Statements for which ``exact`` holds can be copied unchanged."""
    lines = "\n".join(entities(clean(statement).replace("`", _TICK)) for statement in statements)
    return f"```{lines}```"


def exact(statement: str) -> bool:
    """Whether ``block`` shows a statement without replacing any of its characters."""
    return clean(statement) == statement and "`" not in statement


def joined(parts: Iterable[str], separator: str, limit: int) -> str:
    """As many whole parts as fit, and the number of those left out."""
    given = list(parts)
    whole = separator.join(given)
    if len(whole) <= limit:
        return whole
    shown: list[str] = []
    room = limit - len(f"{separator}… {len(given)} more")
    for part in given:
        room -= len(part) + len(separator)
        if room < 0:
            break
        shown.append(part)
    return separator.join([*shown, f"… {len(given) - len(shown)} more"])


def utc(moment: datetime) -> str:
    """A time in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC").rjust(23, "0")


def date(moment: datetime) -> str:
    """A time that Slack shows in the reader's time zone, or in UTC where it cannot."""
    seconds = int(moment.timestamp())
    return f"<!date^{seconds}^{{date_short_pretty}} {{time_secs}}|{utc(moment)}>" if seconds > 0 else utc(moment)


def _word(word: str) -> str:
    """A word. Parentheses around it and punctuation after it stay outside its code span."""
    if not _MARKUP.search(word):
        return entities(word)
    core = word.rstrip(_STOPS)
    start = 1 if core.startswith("(") else 0
    end = len(core) - (1 if core.endswith(")") and core.count(")") > core.count("(", start) else 0)
    if start >= end:
        return name(word, limits.VALUE)
    return word[:start] + name(word[start:end], limits.VALUE) + entities(word[end:])


def _cut(text: str, limit: int) -> str:
    """Escaped text, cut at the end where it is too long; no escape is cut in two."""
    if len(text) <= limit and len(entities(text)) <= limit:
        return entities(text)
    return _some(text, limit - 1) + "…"


def _some(text: str, room: int) -> str:
    shown = ""
    for character in text[: max(0, room)]:
        made = _ENTITIES.get(character, character)
        if len(shown) + len(made) > room:
            break
        shown += made
    return shown


def _middle(text: str, limit: int) -> str:
    if len(text) <= limit and len(entities(text)) <= limit:
        return entities(text)
    end, room = [], (limit - 1) // 2
    for character in reversed(text[-room:]):
        made = _ENTITIES.get(character, character)
        room -= len(made)
        if room < 0:
            break
        end.append(made)
    return f"{_some(text, limit - 1 - (limit - 1) // 2)}…{''.join(reversed(end))}"
