"""Webhooks of PagerDuty, version 3: an event for each change of an alert, whoever made it. Pure.

Written from developer.pagerduty.com ("Webhooks Overview", "Verifying Signatures"). An incident has the key of its first
alert; what a person did has a user as agent, and what an event of the Events API did has its integration.
"""

import hashlib
import hmac
from typing import Any, Final

from leadline.wire import encode, timestamp
from leadline_lab.receiver.exchange import Event
from leadline_lab.receiver.pagerduty import HANDS, VENDOR

TYPES: Final = {
    "trigger": "incident.triggered",
    "acknowledge": "incident.acknowledged",
    "resolve": "incident.resolved",
    HANDS["acknowledge"]: "incident.acknowledged",
    HANDS["resolve"]: "incident.resolved",
}
ATTEMPTS: Final = 3
"""PagerDuty sends an event again that was not answered with 2xx; it does so more often, and over a longer time."""


def body(event: Event, assignees: tuple[str, ...] = (), kind: str | None = None) -> bytes | None:
    """The body of the webhook about an event that PagerDuty took; None where there is none.

    ``kind`` is the type where the event itself does not say it, such as ``incident.reassigned``.
    """
    found = kind or TYPES.get(event.kind)
    if event.vendor != VENDOR or found is None:
        return None
    by = event.payload.get("by")
    user = {
        "type": "user_reference",
        "id": f"P{hashlib.sha256(str(by).encode()).hexdigest()[:6].upper()}",
        "summary": by,
    }
    integration = {"type": "events_api_v2_inbound_integration_reference", "id": "PINTEGR", "summary": "Leadline"}
    ident = hashlib.sha256(f"{found}{event.key}{timestamp(event.at)}{event.kind}".encode()).hexdigest()[:26].upper()
    data: dict[str, Any] = {
        "id": f"Q{hashlib.sha256(event.key.encode()).hexdigest()[:13].upper()}",
        "type": "incident",
        "number": 1,
        "status": found.removeprefix("incident."),
        "incident_key": event.key,
        "title": "an incident",
        "assignees": [{"type": "user_reference", "summary": name} for name in assignees],
    }
    if found == "incident.annotated":
        about = {"id": data["id"], "type": "incident_reference", "summary": data["title"]}
        note = {"id": f"N{ident[:13]}", "type": "incident_note", "content": event.payload["content"], "trimmed": False}
        data = {"incident": about, **note}
    return encode(
        {
            "event": {
                "id": ident,
                "event_type": found,
                "resource_type": "incident",
                "occurred_at": timestamp(event.at),
                "agent": user if by is not None else integration,
                "client": None,
                "data": data,
            }
        }
    )


def headers(given: bytes, secret: str) -> dict[str, str]:
    """The headers, signed in version 1, with a second signature as while a secret is replaced."""
    other = hmac.new(b"an-earlier-secret", given, hashlib.sha256).hexdigest()
    mac = hmac.new(secret.encode(), given, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-pagerduty-signature": f"v1={other},v1={mac}"}
