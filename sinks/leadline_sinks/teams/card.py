"""A notification as an Adaptive Card. Pure.

Every text of a server is in a RichTextBlock: a TextBlock would read Markdown in it, and a name could become a link.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from leadline_sinks.message_parts import MessagePart
from leadline_sinks.teams import limits

Card = dict[str, Any]
_STYLES: Final = {"critical": "attention", "warning": "warning", "info": "accent", "ended": "good"}
"""Styles of the container with the first line, by severity."""
_LINKS: Final = 5
"""Buttons: two pages of the console, three runbooks."""


def card(lead: str, status: str, parts: Sequence[MessagePart], style: str, ident: str) -> Card:
    """The card, with as many whole parts as fit; what is left out is counted, with the command that shows it."""
    count = len(parts)
    while True:
        made = _card(lead, status, parts[:count], style, _left_out(len(parts) - count, ident))
        if not count or counted_bytes(made) <= limits.CARD_BYTES:
            return made
        count -= 1


def request(made: Card) -> bytes:
    """The body of a request: the message with one card, as workflows take it."""
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": made}
    return orjson.dumps({"type": "message", "summary": made["fallbackText"], "attachments": [attachment]})


def counted_bytes(made: Card) -> int:
    """The size of a card as Teams counts it: a text within JSON. Characters beyond ASCII are counted as escapes."""
    text = orjson.dumps(made).decode()
    return sum(1 if c not in '"\\' else 2 for c in text) + sum(
        5 if ord(c) < 65536 else 11 for c in text if ord(c) > 127
    )


def test() -> Card:
    """A card that is marked as a test."""
    return _card("This is a test of Leadline. No action is needed.", "", (), "info", "")


def _card(lead: str, status: str, parts: Sequence[MessagePart], style: str, note: str) -> Card:
    body: list[Any] = [
        {
            "type": "Container",
            "style": _STYLES[style],
            "bleed": True,
            "items": [_text(lead, weight="Bolder"), *([_text(status, isSubtle=True)] if status else [])],
        }
    ]
    for part in parts:
        body.append(_text(part.heading, weight="Bolder", spacing="Medium"))
        body += [_text(line.text, fontType="Monospace") if line.code else _text(line.text) for line in part.lines]
    if note:
        body.append(_text(note, isSubtle=True, spacing="Medium"))
    links = [line for part in parts for line in part.lines if line.title]
    actions = [{"type": "Action.OpenUrl", "title": line.title, "url": line.text} for line in links[:_LINKS]]
    return {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": limits.VERSION,
        "fallbackText": lead[:300],
        "body": body,
        "msteams": {"width": "Full"},
        **({"actions": actions} if actions else {}),
    }


def _text(text: str, spacing: str = "Small", **run: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": [{"type": "TextRun", "text": text or "-", **run}]}


def _left_out(count: int, ident: str) -> str:
    parts = "part" if count == 1 else "parts"
    return f"… {count} more {parts}; see `leadline incidents show {ident}`" if count else ""
