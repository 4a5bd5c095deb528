"""The page: what people see, and that nothing on it is anything but text."""

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline_lab.receiver import mrkdwn
from leadline_lab.receiver.exchange import Event
from leadline_lab.receiver.inbox import MAX_EVENTS, MAX_REQUESTS, Inbox, Seen
from leadline_lab.receiver.page import page
from leadline_lab.receiver.slack_page import channels
from tests.unit.sinks import made
from tests.unit.strategies import hostile


def event(kind: str, ts: str, key: str | None = None, **content: Any) -> Event:
    return Event(made.START, "slack", kind, key or ts, {"ts": ts, "channel": "C1", "name": "#dba", **content})


def inbox(*events: Event, problem: str | None = None) -> Inbox:
    made_up = Inbox()
    made_up.take(Seen(made.START, "slack", "/api/chat.postMessage", 200, problem), events)
    return made_up


class Tags(HTMLParser):
    """The elements and attributes that a browser would parse."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.seen |= {name for name, _ in attrs}


def tags(text: str) -> set[str]:
    parser = Tags()
    parser.feed(text)
    return parser.seen


HARMLESS = {"a", "b", "br", "code", "href", "i", "mark", "pre", "rel", "s", "time", "title"}
foreign = st.one_of(
    hostile,
    st.text("<>&\"'`*_~|!@# ax\n", max_size=60),
    st.sampled_from(
        ["<script>alert(1)</script>", "<javascript:alert(1)|x>", '<http://x" onclick="x|y>', "&lt;img src=x&gt;"]
    ),
)


@given(foreign)
def test_markup_makes_only_what_is_harmless(text: str) -> None:
    """No element and no attribute but ours."""
    assert tags(mrkdwn.html(text)) <= HARMLESS
    assert tags(mrkdwn.plain(text)) == set()


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _it_ ~gone~ `a_b`", "<b>bold</b> <i>it</i> <s>gone</s> <code>a_b</code>"),
        ("a_b_c 2*3*4", "a_b_c 2*3*4"),
        ("```SELECT '&lt;';\nx```", "<pre>SELECT &#x27;&lt;&#x27;;\nx</pre>"),
        ("<https://x.example/a|b &amp; c>", '<a href="https://x.example/a" rel="noreferrer">b &amp; c</a>'),
        ("<!channel>", '<mark title="this notifies people">!channel</mark>'),
        ("&lt;!channel&gt;", "&lt;!channel&gt;"),
        ("<javascript:x|y>", "&lt;javascript:x|y&gt;"),
    ],
)
def test_markup(text: str, html: str) -> None:
    """As Slack shows it; a mention of people, which we never send, catches the eye."""
    assert mrkdwn.html(text) == html


@given(foreign)
def test_the_page_is_only_ours(text: str) -> None:
    """Whatever a message, a name or a reason holds."""
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": text}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": text}]},
    ]
    empty = tags(page(inbox(event("post", "1.1", blocks=blocks), event("reply", "1.2", "1.1", text="x"), problem="x")))
    events = [
        event("post", "1.1", name=text, blocks=blocks),
        event("reply", "1.2", "1.1", text=text, reply_broadcast=True),
    ]
    assert tags(page(inbox(*events, problem=text))) <= empty | HARMLESS


def test_messages_as_they_are_now() -> None:
    """An edit replaces the text, a reply belongs to its message, and what came twice is marked."""
    about = {"metadata": {"event_payload": {"incident_id": "inc_1"}}}
    (messages,) = channels(
        [
            event("post", "1.1", text="old", **about),
            event("update", "1.1", text="new"),
            event("reply", "1.2", "1.1", text="a line"),
            event("post", "1.3", text="again", **about),
        ]
    ).values()
    first, second = messages
    assert (first.content["text"], first.edits, first.again) == ("new", 1, False)
    assert [reply.content["text"] for reply in first.replies] == ["a line"]
    assert second.again
    assert "posted again" in page(inbox(event("post", "1.1", **about), event("post", "1.2", **about)))


def test_refusals_say_why() -> None:
    """A refused request stands there with its reason."""
    assert "invalid_blocks: too long" in page(inbox(problem="invalid_blocks: too long"))


def test_the_inbox_is_bounded() -> None:
    """The newest are kept, and all are counted."""
    box = Inbox()
    for number in range(MAX_EVENTS + 10):
        at = made.START + timedelta(seconds=number)
        box.take(Seen(at, "slack", "/", 200, None), [event("post", str(number))])
    assert len(box.events) == MAX_EVENTS
    assert len(box.requests) == MAX_REQUESTS
    assert box.events[-1].key == str(MAX_EVENTS + 9)
    assert box.count == MAX_EVENTS + 10
