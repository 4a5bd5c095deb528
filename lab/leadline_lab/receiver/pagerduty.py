"""PagerDuty's Events API v2 as far as one service needs it: its schema, limits, errors, and the life of an alert.

The types below say in our words what PagerDuty/api-schema, reference/events-v2/openapiv3.json (of 2025-09-24) says of
``/enqueue`` and ``/change/enqueue``. They are stricter where its guide is (``leadline_sinks.pagerduty.limits``)
or where an event could have no use: lengths, ``payload`` of a trigger, ``dedup_key`` of what follows, unknown fields.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from leadline.wire import encode
from leadline_lab.receiver.exchange import Event, Reply, Request
from leadline_sinks.pagerduty import limits

VENDOR = "pagerduty"
ENQUEUE = "/v2/enqueue"
CHANGE = "/v2/change/enqueue"
UNKNOWN_KEY = "0" * limits.ROUTING_KEY_CHARACTERS
"""No integration has this routing key; every other of the right length is taken."""

_Key = Annotated[str, Meta(min_length=limits.ROUTING_KEY_CHARACTERS, max_length=limits.ROUTING_KEY_CHARACTERS)]
_Dedup = Annotated[str, Meta(min_length=1, max_length=limits.DEDUP_KEY_CHARACTERS)]
_Summary = Annotated[str, Meta(max_length=limits.SUMMARY_CHARACTERS, pattern=r"\S")]
_Text = Annotated[str, Meta(min_length=1)]
_Url = Annotated[str, Meta(pattern=r"^https?://[^\s/]+")]


class Link(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Something to follow."""

    href: _Url
    text: str | msgspec.UnsetType = msgspec.UNSET


class Image(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Something to see; only served over HTTPS."""

    src: Annotated[str, Meta(pattern=r"^https://[^\s/]+")]
    href: _Url | msgspec.UnsetType = msgspec.UNSET
    alt: str | msgspec.UnsetType = msgspec.UNSET


class Payload(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename={"class_": "class"}):
    """The problem that an alert reports."""

    summary: _Summary
    source: _Text
    severity: Literal["critical", "error", "warning", "info"]
    timestamp: str | msgspec.UnsetType = msgspec.UNSET
    component: str | msgspec.UnsetType = msgspec.UNSET
    group: str | msgspec.UnsetType = msgspec.UNSET
    class_: str | msgspec.UnsetType = msgspec.UNSET
    custom_details: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class ChangePayload(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The content of a change event."""

    summary: _Summary
    source: str | msgspec.UnsetType = msgspec.UNSET
    timestamp: str | msgspec.UnsetType = msgspec.UNSET
    custom_details: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class _Alert(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, tag_field="event_action"):
    routing_key: _Key
    client: str | msgspec.UnsetType = msgspec.UNSET
    client_url: _Url | msgspec.UnsetType = msgspec.UNSET
    links: list[Link] | msgspec.UnsetType = msgspec.UNSET
    images: list[Image] | msgspec.UnsetType = msgspec.UNSET


class Trigger(_Alert, tag="trigger", kw_only=True):
    """Opens an alert, or adds to the open one with the same key."""

    payload: Payload
    dedup_key: _Dedup | msgspec.UnsetType = msgspec.UNSET


class Acknowledge(_Alert, tag="acknowledge", kw_only=True):
    """Somebody took it."""

    dedup_key: _Dedup
    payload: Payload | msgspec.UnsetType = msgspec.UNSET


class Resolve(_Alert, tag="resolve", kw_only=True):
    """It is over."""

    dedup_key: _Dedup
    payload: Payload | msgspec.UnsetType = msgspec.UNSET


class ChangeEvent(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A change event, which notifies nobody."""

    routing_key: _Key
    payload: ChangePayload
    links: list[Link] | msgspec.UnsetType = msgspec.UNSET
    images: list[Image] | msgspec.UnsetType = msgspec.UNSET


class ByHand(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody acknowledges or resolves an alert in PagerDuty itself. The sender of its events gets no word of it."""

    key: str
    action: Literal["acknowledge", "resolve"]
    by: str = "somebody"


AlertEvent = Trigger | Acknowledge | Resolve
_ALERTS = msgspec.json.Decoder(AlertEvent)
_CHANGES = msgspec.json.Decoder(ChangeEvent)
_BY_HAND = msgspec.json.Decoder(ByHand)
HANDS: Final = {"acknowledge": "acknowledged by hand", "resolve": "resolved by hand"}
"""The kinds of the events by hand."""


def answer(request: Request, before: Sequence[Event]) -> tuple[Reply, list[Event]]:
    """PagerDuty's reply, and the events that it accepts. Of the events before, those of PagerDuty count."""
    if request.path not in (ENQUEUE, CHANGE):
        return _refuse(404, "not found", "no such operation", []), []
    if len(request.body) > limits.EVENT_BYTES:
        problem = f"Event is {len(request.body)} bytes, more than {limits.EVENT_BYTES}"
        return _refuse(413, "invalid event", "Event object is too large", [problem]), []
    minute = request.at - timedelta(minutes=1)
    if sum(event.vendor == VENDOR and event.at > minute for event in before) >= limits.EVENTS_PER_MINUTE:
        return _refuse(429, "throttle exceeded", "Requests for this service are arriving too quickly", []), []
    try:
        given = (_ALERTS if request.path == ENQUEUE else _CHANGES).decode(request.body)
    except msgspec.ValidationError as error:
        return _invalid(_in_its_words(str(error))), []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _refuse(400, "unrecognized object", "Event object format is unrecognized", ["JSON parse error"]), []
    if (why := _problem(given)) is not None:
        return _invalid(why), []
    # The key is a secret of whoever sent it: nobody is shown it.
    payload = msgspec.to_builtins(given) | {"routing_key": "***"}
    if isinstance(given, ChangeEvent):
        return _accepted("Change event processed"), [Event(request.at, VENDOR, "change", "", payload)]
    key = given.dedup_key or hashlib.sha256(f"{len(before)}".encode() + request.body).hexdigest()[:32]
    event = Event(request.at, VENDOR, payload["event_action"], key, payload | {"dedup_key": key})
    return _accepted("Event processed", dedup_key=key), [event]


def by_hand(body: bytes, at: datetime, before: Sequence[Event]) -> tuple[Reply, list[Event]]:
    """The reply to what somebody does by hand, and its event. Only an alert that is not resolved can be changed."""
    try:
        given = _BY_HAND.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _refuse(400, "invalid", str(error), []), []
    if not any(alert.key == given.key and alert.state != "resolved" for alert in alerts(before)):
        return _refuse(404, "not found", "no alert with this key is open", []), []
    event = Event(at, VENDOR, HANDS[given.action], given.key, {"by": given.by})
    return Reply(200, encode({"status": "success"}), _JSON), [event]


@dataclass(slots=True)
class Alert:
    """The life of an alert as PagerDuty shows it."""

    key: str
    opened_at: datetime
    state: Literal["triggered", "acknowledged", "resolved"] = "triggered"
    log: list[Event] = field(default_factory=list)
    """The events of this alert in order; the first one paged somebody. An acknowledged alert pages nobody again, and
    one that is resolved is never opened again."""


def alerts(events: Iterable[Event]) -> list[Alert]:
    """Every alert there was, in the order of opening. A trigger after the end opens another one under the same key, and
    pages; one before it is appended, and pages nobody, whatever its severity;
    acknowledging or resolving what is not open is dropped (02-Trigger-Events, Alert De-Duplication)."""
    every: list[Alert] = []
    newest: dict[str, Alert] = {}
    for event in events:
        if event.vendor != VENDOR or event.kind == "change":
            continue
        alert = newest.get(event.key)
        if alert is None or alert.state == "resolved":
            if event.kind != "trigger":
                continue
            alert = newest[event.key] = Alert(event.key, event.at)
            every.append(alert)
        elif event.kind != "trigger":
            alert.state = "resolved" if event.kind in ("resolve", HANDS["resolve"]) else "acknowledged"
        alert.log.append(event)
    return every


def _problem(given: AlertEvent | ChangeEvent) -> str | None:
    """The first problem that the types do not rule out, or None."""
    if given.routing_key == UNKNOWN_KEY:
        return "Invalid routing key"
    if isinstance(given, ChangeEvent) and given.routing_key.startswith(limits.NO_CHANGES_PREFIX):
        return "'routing_key' of a ruleset takes no change events"
    at = getattr(given.payload, "timestamp", None)
    if isinstance(at, str):
        try:
            aware = datetime.fromisoformat(at).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            return "'payload.timestamp' is not a time of ISO 8601 with its offset"
    return None


def _in_its_words(problem: str) -> str:
    """PagerDuty names the field first; one it words just so is its documented example."""
    if "routing_key" in problem and "length" in problem:
        return f"Length of 'routing_key' is incorrect (should be {limits.ROUTING_KEY_CHARACTERS} characters)"
    what, _, path = problem.partition(" - at ")
    where = path.strip("`").removeprefix("$").removeprefix(".")
    if missing := re.search(r"missing required field `(\w+)`", what):
        return f"'{where}.{missing[1]}'".replace("'.", "'") + " is missing or blank"
    return f"'{where}': {what}" if where else what


def _accepted(message: str, **more: str) -> Reply:
    return Reply(202, encode({"status": "success", "message": message, **more}), _JSON)


def _invalid(problem: str) -> Reply:
    return _refuse(400, "invalid event", "Event object is invalid", [problem])


def _refuse(status: int, name: str, message: str, errors: list[str]) -> Reply:
    body = encode({"status": name, "message": message, "errors": errors})
    return Reply(status, body, _JSON, problem="; ".join(errors) or message)


_JSON = {"content-type": "application/json"}
