"""Requests of Slack: their signature, and the button that was pressed. Pure.

docs.slack.dev/authentication/verifying-requests-from-slack: version 0 of the signature, and five minutes for the clock.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

from leadline.clock import epoch, moment
from leadline.model.ids import IncidentId
from leadline_sinks.inbound.person_action import PersonAction
from leadline_sinks.slack.buttons import KINDS

TOLERANCE_S: Final = 300
MOST_SEEN: Final = 10_000
"""Signatures that are remembered; no workspace presses more buttons in ``TOLERANCE_S``."""


class Signatures:
    """Verifies signatures, and refuses one that was used."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def problem(self, headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime) -> str | None:
        """The reason to refuse a request; None for one that Slack has signed now, with one of the secrets. Names of
        headers in lower case."""
        at_s, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        now_s = epoch(now)
        if not (at_s.isascii() and at_s.isdigit()) or len(at_s) > 12 or abs(int(at_s) - now_s) > TOLERANCE_S:
            return f"the timestamp is not within {TOLERANCE_S} s of the clock of this host"
        signed, given = b"v0:" + at_s.encode() + b":" + body, signature.encode("utf-8", "replace")
        macs = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
        if not any(hmac.compare_digest(f"v0={mac}".encode(), given) for mac in macs):
            return "the signature does not match; check inbound.slack_signing_secret"
        self._seen = {text: at for text, at in self._seen.items() if now_s - at <= 2 * TOLERANCE_S}
        if signature in self._seen or len(self._seen) >= MOST_SEEN:
            return "the request was used before"
        self._seen[signature] = now_s
        return None


def form(body: bytes) -> Any:
    """The payload of a request's form; None where it has none."""
    try:
        (text,) = parse_qs(body.decode(), strict_parsing=True, max_num_fields=10)["payload"]
        return orjson.loads(text)
    except (ValueError, KeyError):
        return None


def pressed(payload: Any, now: datetime) -> tuple[PersonAction, str] | None:
    """The action of a button of ours, and the URL to which an answer goes; None for everything else."""
    match payload:
        case {
            "type": "block_actions",
            "user": {"id": str(person), **user},
            "actions": [{"action_id": str(button), "value": str(value), "action_ts": str(pressed_at)}, *_],
        } if button in KINDS:
            found = _value(value)
        case _:
            return None
    if found is None:
        return None
    incident, generation = found
    team = payload.get("team")
    where = str(team.get("id", "")) if isinstance(team, dict) else ""
    given = PersonAction(
        kind=KINDS[button],
        incident_id=IncidentId(incident),
        vendor="Slack",
        ident="\0".join((where, person, pressed_at, button, incident)),
        person_id=person,
        person=str(user.get("username") or user.get("name") or person),
        at=_time(pressed_at) or now,
        generation=generation,
    )
    url = payload.get("response_url")
    return given, url if isinstance(url, str) else ""


def _value(text: str) -> tuple[str, int | None] | None:
    """The incident and generation in the value of a button."""
    try:
        found = orjson.loads(text)
    except ValueError:
        return None
    match found:
        case {"incident": str(incident), "generation": int(generation)} if incident:
            return incident, generation
    return None


def _time(text: str) -> datetime | None:
    """The time of a press: seconds since 1970 with a fraction."""
    try:
        return moment(float(text))
    except (ValueError, OverflowError, OSError):
        return None
