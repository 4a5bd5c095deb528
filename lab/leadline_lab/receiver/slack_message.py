"""Is this a message that Slack would take? Its types, and its published limits.

Written from Slack's pages, not from our sink, so that one can find the other wrong: docs.slack.dev/reference/block-kit,
docs.slack.dev/reference/methods/chat.postMessage. Lengths are Unicode code points.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

MAX_TEXT = 40_000
"""Of a new message; Slack cuts longer ones, which none of ours should be."""
MAX_EDITED_TEXT = 4000
"""Of ``chat.update``, which refuses longer ones."""
MAX_ALL_BLOCKS = 12_000
"""Undocumented; refused above some 13,000 (slackapi/bolt-js issues 2509 and 2867), so that this is on the safe side."""
Id = Annotated[str, Meta(max_length=255)]


class Plain(Struct, tag="plain_text", tag_field="type", forbid_unknown_fields=True):
    """Text without markup."""

    text: str
    emoji: bool = False


class Mrkdwn(Struct, tag="mrkdwn", tag_field="type", forbid_unknown_fields=True):
    """Text with Slack's markup."""

    text: str
    verbatim: bool = False


class Image(Struct, tag="image", tag_field="type", forbid_unknown_fields=True):
    """A picture, as an element or a block."""

    image_url: Annotated[str, Meta(max_length=3000)]
    alt_text: Annotated[str, Meta(min_length=1, max_length=2000)]
    title: Plain | None = None
    block_id: Id = ""


class Header(Struct, tag="header", tag_field="type", forbid_unknown_fields=True):
    """A title."""

    text: Plain
    block_id: Id = ""


class Section(Struct, tag="section", tag_field="type", forbid_unknown_fields=True):
    """A paragraph, columns, or both."""

    text: Plain | Mrkdwn | None = None
    fields: Annotated[list[Plain | Mrkdwn], Meta(min_length=1, max_length=10)] | None = None
    block_id: Id = ""
    expand: bool = False


class Context(Struct, tag="context", tag_field="type", forbid_unknown_fields=True):
    """A small line."""

    elements: Annotated[list[Plain | Mrkdwn | Image], Meta(min_length=1, max_length=10)]
    block_id: Id = ""


class Divider(Struct, tag="divider", tag_field="type", forbid_unknown_fields=True):
    """A rule."""

    block_id: Id = ""


class Button(Struct, tag="button", tag_field="type", forbid_unknown_fields=True):
    """A button, whose press is reported to the app."""

    text: Plain
    action_id: Id
    value: Annotated[str, Meta(max_length=2000)] = ""
    style: Literal["primary", "danger"] | None = None


class Actions(Struct, tag="actions", tag_field="type", forbid_unknown_fields=True):
    """Buttons in a row. No two of a message have one ``action_id``."""

    elements: Annotated[list[Button], Meta(min_length=1, max_length=25)]
    block_id: Id = ""


Block = Header | Section | Context | Divider | Image | Actions
"""The blocks of messages; the receiver refuses all others."""
_BLOCKS = msgspec.json.Decoder(Annotated[list[Block], Meta(max_length=50)])


def complaint(message: Mapping[str, Any], max_text: int = MAX_TEXT) -> tuple[str, str] | None:
    """Slack's error code and, in words, where; None when it would take the message."""
    text, blocks = message.get("text", ""), message.get("blocks", [])
    if not isinstance(text, str):
        return "invalid_arguments", "text is not a string"
    if len(text) > max_text:
        return "msg_too_long", f"text has {len(text)} characters, more than {max_text}"
    if not text and not blocks and not message.get("attachments"):  # others' messages may be attachments alone
        return "no_text", "neither text nor blocks"
    try:
        read = _BLOCKS.decode(msgspec.json.encode(blocks))
    except msgspec.ValidationError as error:
        return "invalid_blocks", f"{error}"
    wrong = next(_lengths(read), None)
    if wrong:
        return "invalid_blocks", wrong
    total = sum(len(part.text) for block in read for part in _texts(block))
    if total > MAX_ALL_BLOCKS:
        return "msg_blocks_too_long", f"the blocks have {total} characters, more than {MAX_ALL_BLOCKS}"
    metadata = message.get("metadata")
    if metadata is not None and not (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    ):
        return "invalid_metadata_format", "metadata needs event_type and event_payload"
    return None


def _lengths(blocks: list[Block]) -> Iterator[str]:
    for index, block in enumerate(blocks):
        where = f"/blocks/{index}"
        match block:
            case Header(text=text):
                yield from _length(text, 150, f"{where}/text")
            case Section(text=None, fields=None):
                yield f"{where} has neither text nor fields"
            case Section(text=text, fields=columns):
                if text is not None:
                    yield from _length(text, 3000, f"{where}/text")
                for number, column in enumerate(columns or []):
                    yield from _length(column, 2000, f"{where}/fields/{number}")
            case Context(elements=elements):
                for number, element in enumerate(elements):
                    if isinstance(element, Plain | Mrkdwn):
                        yield from _length(element, 3000, f"{where}/elements/{number}")
            case Actions(elements=elements):
                for number, button in enumerate(elements):
                    yield from _length(button.text, 75, f"{where}/elements/{number}/text")
                if len({button.action_id for button in elements}) < len(elements):
                    yield f"{where}: action_id is not unique"


def _length(text: Plain | Mrkdwn, limit: int, where: str) -> Iterator[str]:
    if not text.text:
        yield f"{where} must be more than 0 characters"
    elif len(text.text) > limit:
        yield f"{where} has {len(text.text)} characters; must be less than {limit + 1}"


def _texts(block: Block) -> Iterator[Plain | Mrkdwn]:
    match block:
        case Header(text=text):
            yield text
        case Section(text=text, fields=columns):
            yield from ([text] if text is not None else [])
            yield from columns or []
        case Context(elements=elements):
            yield from (element for element in elements if isinstance(element, Plain | Mrkdwn))
