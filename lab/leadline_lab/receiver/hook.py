"""A receiver of webhooks: it takes signed CloudEvents, and passes over what it has.

It has no key, so it looks at the form of the signature only. How to verify one is in docs/how-to/receive-webhooks.md.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from leadline.clock import epoch
from leadline.wire import encode
from leadline_lab.receiver.exchange import Event, Reply, Request

VENDOR = "webhook"
TOLERANCE_S = 300
"""The largest difference of a request's time from the receiver's clock, as in the libraries of Standard Webhooks."""
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*")


class CloudEvent(msgspec.Struct):
    """CloudEvents 1.0 in JSON: the required attributes, and those that we show. Others are allowed."""

    specversion: str
    id: str
    source: str
    type: str
    data: dict[str, Any]
    subject: str = ""


def answer(request: Request, before: Sequence[Event]) -> tuple[Reply, list[Event]]:
    """200 for a whole event, whether it is new or not; 400 with the problem in words, or 401 when it is not signed."""
    ident = request.headers.get("webhook-id", "")
    if problem := _unsigned(request.headers, epoch(request.at)):
        return _refuse(401, problem), []
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    if media != "application/cloudevents+json":
        return _refuse(415, f"content-type is {media or 'missing'}, not application/cloudevents+json"), []
    try:
        event = msgspec.json.decode(request.body, type=CloudEvent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _refuse(400, str(error)), []
    if event.specversion != "1.0" or not (event.id and event.source and event.type):
        return _refuse(400, "not a CloudEvent 1.0 with id, source and type"), []
    fine = Reply(200, encode({"ok": True}), _JSON)
    if any(known.vendor == VENDOR and known.payload["webhook_id"] == ident for known in before):
        return fine, []
    kind = str(event.data.get("occasion", "test"))
    payload = {"webhook_id": ident, **msgspec.to_builtins(event)}
    return fine, [Event(request.at, VENDOR, kind, event.subject or event.id, payload)]


def _unsigned(headers: Mapping[str, str], now_s: float) -> str | None:
    """The first problem with the headers of Standard Webhooks, or None."""
    ident, at_s = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not ident or "." in ident:
        return "webhook-id is missing, or has a full stop"
    if not (at_s.isascii() and at_s.isdigit()) or len(at_s) > 12 or abs(int(at_s) - now_s) > TOLERANCE_S:
        return f"webhook-timestamp is not within {TOLERANCE_S} s of now"
    if not _SIGNATURE.fullmatch(headers.get("webhook-signature", "")):
        return "webhook-signature is missing, or has not the form v1,BASE64"
    return None


def _refuse(status: int, problem: str) -> Reply:
    return Reply(status, encode({"error": problem}), _JSON, problem=problem)


_JSON = {"content-type": "application/json"}
