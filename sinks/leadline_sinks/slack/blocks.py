"""The blocks that are used. The caller escapes foreign text and keeps the limits, which are asserted here.

There is no coloured bar: it needs an attachment, and Slack folds long attachments behind "show more".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline_sinks.slack import limits

Block = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """With blocks, ``text`` is the mobile notification, in plain text; without blocks it is the message, as mrkdwn."""

    text: str
    blocks: tuple[Block, ...] = ()


def header(text: str) -> Block:
    """A title, without markup."""
    assert 0 < len(text) <= limits.HEADER
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def section(text: str) -> Block:
    """A paragraph."""
    assert 0 < len(text) <= limits.SECTION
    return {"type": "section", "text": _mrkdwn(text)}


def fields(texts: Sequence[str]) -> Block:
    """Two columns."""
    assert 0 < len(texts) <= limits.FIELDS
    assert all(0 < len(text) <= limits.FIELD for text in texts)
    return {"type": "section", "fields": [_mrkdwn(text) for text in texts]}


def context(text: str) -> Block:
    """A line in small type."""
    assert 0 < len(text) <= limits.SECTION
    return {"type": "context", "elements": [_mrkdwn(text)]}


def length(blocks: Sequence[Block]) -> int:
    """The code points of all text in blocks."""
    texts = [text for block in blocks for text in _texts(block)]
    return sum(len(text["text"]) for text in texts)


def _texts(block: Block) -> list[Mapping[str, Any]]:
    elements = block.get("elements", [])
    shown = [each["text"] for each in elements] if block["type"] == "actions" else elements
    return [*([block["text"]] if "text" in block else []), *block.get("fields", []), *shown]


def _mrkdwn(text: str) -> Mapping[str, Any]:
    # verbatim: Slack links nothing that looks like an address, a channel or a person.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
