"""Slack's Web API, as far as a bot needs it to tell people something, and incoming webhooks.

Like Slack, the Web API answers with status 200 whatever happened, but for 429.
"""

import math
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from leadline.clock import epoch
from leadline_lab.receiver.exchange import Event, Reply, Request
from leadline_lab.receiver.slack_message import MAX_EDITED_TEXT, complaint
from leadline_sinks.notify.sink import Rate

VENDOR: Final = "slack"
POSTS: Final = Rate(per_s=1.0, burst=5)
"""Messages in a channel: about one a second, short bursts tolerated (docs.slack.dev/apis/web-api/rate-limits)."""
UPDATES: Final = Rate(per_s=50 / 60, burst=50)
"""Tier 3 is 50 and more a minute."""
_TOKEN: Final = re.compile(r"Bearer xox[bp]-[A-Za-z0-9-]+")
_NAME: Final = re.compile(r"#?[^\s#A-Z]{1,80}")
_ID: Final = re.compile(r"[CGD][A-Z0-9]{6,}")
_SERVICE: Final = re.compile(r"/services/T[^/]*/B[^/]*/[^/]+")
_JSON: Final = {"content-type": "application/json; charset=utf-8"}
_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}
_SENT: Final = frozenset({"post", "reply"})

Outcome = tuple[Reply, list[Event]]


def answer(request: Request, before: Sequence[Event], *, limited: bool = True) -> Outcome:
    """Slack's answer, and the events that it accepts. Without ``limited`` no rate limit applies."""
    before = [event for event in before if event.vendor == VENDOR]
    if request.path.startswith("/services/"):
        return _webhook(request, before, limited)
    method = METHODS.get(request.path.removeprefix("/api/"))
    if method is None:
        return _no("unknown_method", f"there is no {request.path}")
    authorization = request.headers.get("authorization", "")
    if not authorization:
        return _no("not_authed", "no token: send the header Authorization: Bearer xoxb-...")
    if not _TOKEN.fullmatch(authorization):
        return _no("invalid_auth", "a token looks like xoxb-...")
    if not request.headers.get("content-type", "").startswith("application/json"):
        return _no("invalid_post_type", "this receiver takes application/json only")
    try:
        arguments = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        return _no("invalid_json", "the body is not JSON")
    if not isinstance(arguments, dict):
        return _no("json_not_object", "the body is not a JSON object")
    return method(request, before, arguments, limited)


def channel_id(channel: str) -> str | None:
    """The id of a channel: itself, or made of its name; None when it is neither."""
    if _ID.fullmatch(channel):
        return channel
    return f"C{zlib.crc32(channel.lstrip('#').encode()):08X}" if _NAME.fullmatch(channel) else None


def wait_s(rate: Rate, at: Sequence[datetime], now: datetime) -> int:
    """Whole seconds until one more is allowed after those at ``at``, in order; 0 is at once."""
    tokens, last = float(rate.burst), now
    for index, moment in enumerate((*at, now)):
        if index:
            tokens = min(float(rate.burst), tokens + (moment - last).total_seconds() * rate.per_s)
        tokens, last = tokens - 1, moment
    return 0 if tokens >= 0 else math.ceil(-tokens / rate.per_s)


def _post(request: Request, before: Sequence[Event], arguments: Mapping[str, Any], limited: bool) -> Outcome:
    channel = channel_id(str(arguments.get("channel", "")))
    if channel is None:
        return _no("channel_not_found", "no such channel: give an id or a name in lower case")
    sent = [event for event in before if event.kind in _SENT and event.payload.get("channel") == channel]
    if limited and (wait := wait_s(POSTS, [event.at for event in sent], request.at)):
        return _slower(wait, "more than 1 message a second in this channel")
    if wrong := complaint(arguments):
        return _no(*wrong)
    thread = arguments.get("thread_ts")
    if thread is not None and not any(event.payload.get("ts") == thread for event in sent):
        return _no("thread_not_found", "no message with this thread_ts")
    ts = _timestamp(request.at, sent)
    kept = {"ts": ts, "channel": channel, "name": arguments.get("channel"), **_content(arguments)}
    if thread is not None:
        kept |= {"thread_ts": thread, "reply_broadcast": bool(arguments.get("reply_broadcast"))}
    event = Event(request.at, VENDOR, "reply" if thread else "post", thread or ts, kept)
    return _yes({"channel": channel, "ts": ts, "message": {"type": "message", "ts": ts, **_content(arguments)}}), [
        event
    ]


def _update(request: Request, before: Sequence[Event], arguments: Mapping[str, Any], limited: bool) -> Outcome:
    channel, ts = str(arguments.get("channel", "")), arguments.get("ts")
    if not _ID.fullmatch(channel):
        return _no("channel_not_found", "chat.update needs the channel's id, not its name")
    done = [event.at for event in before if event.kind == "update"]
    if limited and (wait := wait_s(UPDATES, done, request.at)):
        return _slower(wait, "more than 50 updates a minute")
    sent = [event for event in before if event.kind in _SENT and event.payload.get("channel") == channel]
    original = next((event for event in sent if event.payload.get("ts") == ts), None)
    if original is None:
        return _no("message_not_found", "no message with this ts in this channel")
    if wrong := complaint(arguments, MAX_EDITED_TEXT):
        return _no(*wrong)
    kept = {"ts": ts, "channel": channel, **_content(arguments)}
    event = Event(request.at, VENDOR, "update", original.key, kept)
    return _yes({"channel": channel, "ts": ts, "text": arguments.get("text", "")}), [event]


def _test(request: Request, before: Sequence[Event], arguments: Mapping[str, Any], limited: bool) -> Outcome:
    return _yes({"team": "Leadline receiver", "user": "leadline", "team_id": "T0RECEIVER", "user_id": "U0LEADLINE"}), []


METHODS: Final[Mapping[str, Callable[[Request, Sequence[Event], Mapping[str, Any], bool], Outcome]]] = {
    "chat.postMessage": _post,
    "chat.update": _update,
    "auth.test": _test,
}


def _webhook(request: Request, before: Sequence[Event], limited: bool) -> Outcome:
    if not _SERVICE.fullmatch(request.path):
        return _refused(403, "invalid_token", "an address looks like /services/T.../B.../...")
    sent = [event for event in before if event.kind == "post" and event.payload.get("webhook") == request.path]
    if limited and (wait := wait_s(POSTS, [event.at for event in sent], request.at)):
        return _slower(wait, "more than 1 message a second through this webhook")
    try:
        message = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return _refused(400, "invalid_payload", "the body is not JSON")
    if not isinstance(message, dict):
        return _refused(400, "invalid_payload", "the body is not a JSON object")
    if wrong := complaint(message):
        code, where = wrong
        return _refused(400, "no_text" if code == "no_text" else "invalid_payload", where)
    ts = _timestamp(request.at, [event for event in before if event.kind in _SENT])
    kept = {"ts": ts, "channel": "webhook", "webhook": request.path, **_content(message)}
    return Reply(200, b"ok", _TEXT), [Event(request.at, VENDOR, "post", ts, kept)]


def _timestamp(at: datetime, sent: Sequence[Event]) -> str:
    """Slack's name of a message: the time, moved on until it is the only one."""
    taken = {event.payload.get("ts") for event in sent}
    micros = round(epoch(at) * 1_000_000)
    while (ts := f"{micros // 1_000_000}.{micros % 1_000_000:06d}") in taken:
        micros += 1
    return ts


def _content(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: arguments[name] for name in ("text", "blocks", "metadata") if name in arguments}


def _yes(fields: Mapping[str, Any]) -> Reply:
    return Reply(200, orjson.dumps({"ok": True, **fields}), _JSON)


def _no(code: str, why: str) -> Outcome:
    body = {"ok": False, "error": code, "response_metadata": {"messages": [f"[ERROR] {why}"]}}
    return Reply(200, orjson.dumps(body), _JSON, f"{code}: {why}"), []


def _refused(status: int, code: str, why: str) -> Outcome:
    return Reply(status, code.encode(), _TEXT, f"{code}: {why}"), []


def _slower(wait: int, why: str) -> Outcome:
    body = orjson.dumps({"ok": False, "error": "ratelimited"})
    return Reply(429, body, {**_JSON, "retry-after": str(wait)}, f"ratelimited: {why}"), []
