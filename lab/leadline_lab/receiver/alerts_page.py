"""The page as PagerDuty's users would see it, alerts and changes, cards of Teams, and the webhooks received."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

import orjson

from leadline_lab.receiver import hook, pagerduty, teams
from leadline_lab.receiver.exchange import Event

_MOST: Final = 30
"""Of each kind; all of them are under /inbox."""


def pagerduty_html(events: Sequence[Event]) -> Iterator[str]:
    """Alerts, the newest first; then changes. Nothing when there is neither."""
    alerts = pagerduty.alerts(events)
    changes = [event for event in events if event.vendor == pagerduty.VENDOR and event.kind == "change"]
    if alerts or changes:
        yield "<h2>PagerDuty</h2>"
    for alert in reversed(alerts[-_MOST:]):
        payload = next(filter(None, map(_payload, reversed(alert.log))), {})
        yield f'<article class="alert {alert.state}"><p><span class="state {alert.state}">{alert.state}</span>'
        yield f"<b>{_word(payload, 'summary')}</b></p>"
        yield f'<p class="context">{_word(payload, "severity")} on <code>{_word(payload, "source")}</code>, '
        yield f"key <code>{escape(alert.key)}</code></p>"
        history = " · ".join(f"{event.at:%H:%M:%S} {escape(event.kind)}" for event in alert.log[-_MOST:])
        yield f'<p class="dim">{history}</p>{_hands(alert)}{_details(payload)}</article>'
    for change in reversed(changes[-_MOST:]):
        payload = _payload(change)
        yield '<article class="alert change"><p><span class="state change">change</span>'
        yield f'<span>{_word(payload, "summary")}</span></p><p class="dim">{change.at:%H:%M:%S} UTC</p></article>'


def teams_html(events: Sequence[Event]) -> Iterator[str]:
    """Cards of Teams, the newest first, as their texts."""
    received = [event for event in events if event.vendor == teams.VENDOR]
    if received:
        yield "<h2>Teams</h2>"
    for event in reversed(received[-_MOST:]):
        first, *others = teams.texts(event.payload) or ["-"]
        yield f'<article class="hook"><p><b>{escape(first)}</b></p><p class="dim">{event.at:%H:%M:%S} UTC</p>'
        yield f"{''.join(f'<p>{escape(text)}</p>' for text in others[:6])}{_details(event.payload)}</article>"


def hook_html(events: Sequence[Event]) -> Iterator[str]:
    """Events, the newest first."""
    received = [event for event in events if event.vendor == hook.VENDOR]
    if received:
        yield "<h2>Webhook</h2>"
    for event in reversed(received[-_MOST:]):
        yield f'<article class="hook"><p><b>{escape(event.kind)}</b> <code>{escape(event.key)}</code></p>'
        yield f'<p class="dim">{event.at:%H:%M:%S} UTC, {escape(str(event.payload.get("type", "")))}</p>'
        yield f"{_details(event.payload)}</article>"


def _hands(alert: pagerduty.Alert) -> str:
    """Buttons for what people do in PagerDuty itself."""
    actions = {"triggered": ("acknowledge", "resolve"), "acknowledged": ("resolve",), "resolved": ()}[alert.state]
    buttons = (f'<button data-key="{escape(alert.key)}" data-action="{each}">{each}</button>' for each in actions)
    return f"<p>{' '.join(buttons)}</p>" if actions else ""


def _payload(event: Event) -> Mapping[str, Any]:
    payload = event.payload.get("payload")
    return payload if isinstance(payload, Mapping) else {}


def _word(payload: Mapping[str, Any], name: str) -> str:
    return escape(str(payload.get(name, "")))


def _details(payload: Mapping[str, Any]) -> str:
    text = orjson.dumps(payload, option=orjson.OPT_INDENT_2).decode()
    return f"<details><summary>all of it</summary><pre>{escape(text)}</pre></details>"
