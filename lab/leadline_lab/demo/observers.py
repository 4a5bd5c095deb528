"""What the receiver and the incident log hold, as anybody could ask them. Nothing yet is nothing, not an error."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

import msgspec
import psycopg

from leadline_lab.demo.observed import Arrival
from leadline_lab.sandbox.port import HOST

TIMEOUT_S: Final = 5.0


class _Event(msgspec.Struct):
    vendor: str
    kind: str
    key: str
    payload: Any


class _Inbox(msgspec.Struct):
    events: list[_Event]


def inbox(port: int) -> list[Arrival]:
    """Everything that the receiver's vendors took in, in order."""
    connection = HTTPConnection(HOST, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/inbox")
        held = msgspec.json.decode(connection.getresponse().read(), type=_Inbox)
    except (OSError, HTTPException, msgspec.DecodeError):
        return []
    finally:
        connection.close()
    return [
        Arrival(it.vendor, it.kind, it.key, _headline(it.payload), "\n".join(_texts(it.payload))) for it in held.events
    ]


def logged(dsn: str) -> dict[str, str]:
    """The state of each incident in the incident log."""
    try:
        with psycopg.connect(dsn, connect_timeout=int(TIMEOUT_S)) as connection:
            return dict(connection.execute("SELECT incident_id, state FROM leadline.incident").fetchall())
    except psycopg.Error:
        return {}


def _headline(payload: Any) -> str:
    """Slack's text, PagerDuty's summary: the first line of it."""
    if not isinstance(payload, dict):
        return ""
    event = payload.get("payload")
    said = event.get("summary") if isinstance(event, dict) else payload.get("text")
    return said.partition("\n")[0] if isinstance(said, str) else ""


def _texts(payload: Any) -> Iterator[str]:
    """Every text in it, in order: what people read, and a few words of the vendor's own."""
    if isinstance(payload, str):
        yield payload
    elif isinstance(payload, dict):
        for value in payload.values():
            yield from _texts(value)
    elif isinstance(payload, list):
        for value in payload:
            yield from _texts(value)
