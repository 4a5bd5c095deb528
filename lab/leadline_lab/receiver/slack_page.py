"""The page as Slack's users would see it: channels with messages, their edits and their threads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from leadline_lab.receiver import mrkdwn
from leadline_lab.receiver.exchange import Event


@dataclass(slots=True)
class Shown:
    """A message as it is now."""

    at: datetime
    ts: str
    content: Mapping[str, Any]
    edits: int = 0
    replies: list["Shown"] = field(default_factory=list)
    broadcast: bool = False
    again: bool = False
    """Whether there is an earlier one about the same incident."""


def channels(events: Sequence[Event]) -> dict[str, list[Shown]]:
    """Messages by channel, in the order they came."""
    found: dict[str, list[Shown]] = {}
    known: dict[str, Shown] = {}
    about: set[tuple[str, str]] = set()
    for event in events:
        if event.vendor != "slack":
            continue
        content = event.payload
        ts = str(content.get("ts"))
        if event.kind == "update":
            if ts in known:
                known[ts].content = content
                known[ts].edits += 1
            continue
        shown = known[ts] = Shown(event.at, ts, content, broadcast=bool(content.get("reply_broadcast")))
        if event.kind == "reply" and event.key in known:
            known[event.key].replies.append(shown)
            continue
        channel = str(content.get("name") or content.get("channel"))
        if incident := _incident(content):
            shown.again = (channel, incident) in about
            about.add((channel, incident))
        found.setdefault(channel, []).append(shown)
    return found


def html(events: Sequence[Event]) -> Iterator[str]:
    """Each channel, its newest message first."""
    for channel, messages in channels(events).items():
        yield f'<h3 class="channel"># {escape(channel.lstrip("#"))}</h3>'
        for message in reversed(messages):
            yield from _message(message)


def _message(message: Shown) -> Iterator[str]:
    again = ' <span class="bad">posted again</span>' if message.again else ""
    edits = f' <span class="dim">(edited {message.edits}×)</span>' if message.edits else ""
    yield '<article class="message"><div class="face">L</div><div class="body">'
    yield f'<p class="who"><b>Leadline</b> <span class="app">APP</span> {_time(message.at)}{edits}{again}</p>'
    yield from _content(message.content)
    if message.replies:
        count = f"{len(message.replies)} {'reply' if len(message.replies) == 1 else 'replies'}"
        yield f"<details open><summary>{count}</summary>"
        for reply in message.replies:
            also = ' <span class="app">also sent to the channel</span>' if reply.broadcast else ""
            yield f'<div class="reply">{_time(reply.at)}{also}'
            yield from _content(reply.content)
            yield "</div>"
        yield "</details>"
    yield "</div></article>"


def _content(content: Mapping[str, Any]) -> Iterator[str]:
    blocks = content.get("blocks") or []
    if not blocks:
        yield f"<p>{mrkdwn.html(str(content.get('text', '')))}</p>"
    for block in blocks:
        match block:
            case {"type": "header", "text": {"text": str(text)}}:
                yield f"<h3>{mrkdwn.plain(text)}</h3>"
            case {"type": "section"}:
                if "text" in block:
                    yield f"<p>{_text(block['text'])}</p>"
                if "fields" in block:
                    columns = "".join(f"<div>{_text(column)}</div>" for column in block["fields"])
                    yield f'<div class="fields">{columns}</div>'
            case {"type": "context", "elements": list(elements)}:
                yield f'<p class="context">{" ".join(_text(element) for element in elements)}</p>'
            case {"type": "actions", "elements": list(elements)}:
                texts = [str(each["text"]["text"]) for each in elements]
                buttons = (f'<button data-button="{escape(text)}">{escape(text)}</button>' for text in texts)
                yield f"<p>{' '.join(buttons)}</p>"
            case {"type": "divider"}:
                yield "<hr>"


def _text(text: Mapping[str, Any]) -> str:
    words = str(text.get("text", text.get("alt_text", "")))
    return mrkdwn.html(words) if text.get("type") == "mrkdwn" else mrkdwn.plain(words)


def _incident(content: Mapping[str, Any]) -> str | None:
    match content.get("metadata"):
        case {"event_payload": {"incident_id": str(incident)}}:
            return incident
    return None


def _time(moment: datetime) -> str:
    return f'<time class="dim">{moment:%H:%M:%S} UTC</time>'
