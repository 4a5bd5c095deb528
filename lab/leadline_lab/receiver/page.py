"""The page that shows people what the receiver got. Everything on it is foreign, and escaped."""

from collections.abc import Iterator
from html import escape

from leadline_lab.receiver import alerts_page, slack_page
from leadline_lab.receiver.inbox import Inbox

_MOST = 50
"""Requests shown; all of them are under /inbox."""
_EMPTY = '<p class="empty">Nothing yet.</p>'


def page(inbox: Inbox) -> str:
    """The whole page."""
    return "\n".join(_page(inbox))


def _page(inbox: Inbox) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Leadline receiver</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<link rel="stylesheet" href="/page.css"><script src="/page.js" defer></script></head>'
    refused = [seen for seen in inbox.requests if seen.problem]
    counts = f"{len(inbox.requests)} requests, {len(refused)} of them refused or failed"
    yield f'<body data-count="{inbox.count}"><header><h1>Leadline receiver</h1><p>{counts}</p></header><main>'
    yield '<section class="slack">'
    yield "<h2>Slack</h2>"
    yield from list(slack_page.html(inbox.events)) or [_EMPTY]
    yield "</section><aside>"
    yield from alerts_page.pagerduty_html(inbox.events)
    yield from alerts_page.teams_html(inbox.events)
    yield from alerts_page.hook_html(inbox.events)
    yield from _requests(inbox)
    yield "</aside></main></body></html>"


def _requests(inbox: Inbox) -> Iterator[str]:
    yield "<h2>Requests</h2>"
    if not inbox.requests:
        yield _EMPTY
        return
    yield '<table class="requests">'
    for seen in reversed(inbox.requests[-_MOST:]):
        status = "no answer" if seen.status is None else str(seen.status)
        why = f'<div class="why">{escape(seen.problem)}</div>' if seen.problem else ""
        yield (
            f'<tr class="{"bad" if seen.problem else "good"}"><td><time>{seen.at:%H:%M:%S}</time></td>'
            f"<td>{escape(seen.vendor)}</td><td><code>{escape(seen.path[:80])}</code>{why}</td>"
            f'<td class="status">{status}</td></tr>'
        )
    yield "</table>"
