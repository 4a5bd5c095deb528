"""Read the receiver's inbox and the incident log, as any client can. What is not there yet is empty, not an error."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

import msgspec
import psycopg

from leadline_lab.demo.observed import VendorEvent
from leadline_lab.sandbox.port import HOST

TIMEOUT_S: Final = 5.0
_LOGGED: Final = "SELECT incident_id, state FROM leadline.incident WHERE cause IS DISTINCT FROM 'set_up_wrong'"


class _InboxEvent(msgspec.Struct):
    vendor: str
    kind: str
    key: str
    payload: Any


class _InboxBody(msgspec.Struct):
    events: list[_InboxEvent]


def inbox(port: int) -> list[VendorEvent]:
    """Everything that the receiver's vendors accepted, in order."""
    connection = HTTPConnection(HOST, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/inbox")
        body = msgspec.json.decode(connection.getresponse().read(), type=_InboxBody)
    except (OSError, HTTPException, msgspec.DecodeError):
        return []
    finally:
        connection.close()
    return [
        VendorEvent(event.vendor, event.kind, event.key, _headline(event.payload), "\n".join(_texts(event.payload)))
        for event in body.events
    ]


def logged(dsn: str) -> dict[str, str]:
    """The state of each incident in the incident log; without notices of an audit."""
    try:
        with psycopg.connect(dsn, connect_timeout=int(TIMEOUT_S)) as connection:
            return dict(connection.execute(_LOGGED).fetchall())
    except psycopg.Error:
        return {}


def _headline(payload: Any) -> str:
    """The first line of Slack's text or PagerDuty's summary."""
    if not isinstance(payload, dict):
        return ""
    event = payload.get("payload")
    text = event.get("summary") if isinstance(event, dict) else payload.get("text")
    return text.partition("\n")[0] if isinstance(text, str) else ""


def _texts(payload: Any) -> Iterator[str]:
    """Every text in it, in order: what people read, and a few of the vendor's own terms."""
    if isinstance(payload, str):
        yield payload
    elif isinstance(payload, dict):
        for value in payload.values():
            yield from _texts(value)
    elif isinstance(payload, list):
        for value in payload:
            yield from _texts(value)
