"""A person's press of a button in Slack, as Slack reports it: by a signed request, or in an envelope of Socket Mode.

Written from docs.slack.dev (interactivity, verifying requests, Socket Mode), not from our side, so that one can find
the other wrong. Pure.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from leadline.clock import epoch
from leadline.errors import UsageError
from leadline_lab.receiver.exchange import Event
from leadline_lab.receiver.slack_page import channels

ANSWER_S: Final = 3.0
"""Whoever gets a press has so long to answer; then the person is shown an error."""


def payload(events: Sequence[Event], button: str, user: tuple[str, str], at: datetime, respond: str) -> dict[str, Any]:
    """The payload of a press of the button with this text, in the newest message that has one now.

    ``user`` is the id and the name of the person; ``respond`` the URL for an answer. Raises UsageError when no message
    has such a button.
    """
    for channel, ts, block, element in _buttons(events):
        if element["text"]["text"] == button:
            return {
                "type": "block_actions",
                "team": {"id": "T0RECEIVER", "domain": "receiver"},
                "user": {"id": user[0], "username": user[1], "name": user[1], "team_id": "T0RECEIVER"},
                "api_app_id": "A0RECEIVER",
                "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False},
                "trigger_id": f"{epoch(at):.0f}.0.{hashlib.sha256(ts.encode()).hexdigest()[:32]}",
                "response_url": respond,
                "actions": [
                    {
                        "type": "button",
                        "action_id": element["action_id"],
                        "block_id": block,
                        "text": element["text"],
                        "value": element.get("value", ""),
                        "action_ts": f"{epoch(at):.6f}",
                    }
                ],
            }
    raise UsageError(f"no message has a button {button!r}")


def request(given: Mapping[str, Any], secret: str, at: datetime) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a request with a payload, signed in version 0."""
    body = urlencode({"payload": orjson.dumps(given).decode()}).encode()
    at_s = str(int(epoch(at)))
    mac = hmac.new(secret.encode(), f"v0:{at_s}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": at_s,
        "x-slack-signature": f"v0={mac}",
    }
    return body, headers


def envelope(given: Mapping[str, Any], ident: str) -> str:
    """The same as a message of Socket Mode."""
    body = {"envelope_id": ident, "type": "interactive", "accepts_response_payload": True, "payload": given}
    return orjson.dumps(body).decode()


def _buttons(events: Sequence[Event]) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    """Channel, message, block and button of each that people see now, of the newest message first."""
    for messages in channels(events).values():
        for message in reversed(messages):
            for block in message.content.get("blocks") or []:
                if block.get("type") == "actions":
                    for element in block["elements"]:
                        yield str(message.content.get("channel")), message.ts, str(block.get("block_id", "")), element
