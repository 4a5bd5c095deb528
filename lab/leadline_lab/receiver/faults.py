"""Failing on purpose, as each vendor does it: for the next requests, or for a while."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
import orjson

from leadline.errors import UsageError
from leadline_lab.receiver.exchange import Reply


class Kind(StrEnum):
    """The way in which requests fail."""

    RATE_LIMITED = "rate_limited"
    """429 with Retry-After."""
    UNAVAILABLE = "unavailable"
    """503."""
    TIMEOUT = "timeout"
    """The request is accepted and never answered."""
    HALF = "half"
    """The request is accepted, and the connection closed in the middle of the answer."""
    GARBLED = "garbled"
    """The request is accepted, and answered with a page of HTML."""
    SLOW = "slow"
    """The request is accepted after ``delay_s``, and answered then."""
    CLOSED = "closed"
    """The connection is closed, and the request not accepted."""
    UNAUTHORIZED = "unauthorized"
    """The token, webhook or key is refused."""
    GONE = "gone"
    """The channel, service or address no longer exists."""
    NONE = "none"
    """No fault: requests are answered as usual."""


TAKES: Final = frozenset({Kind.TIMEOUT, Kind.HALF, Kind.GARBLED, Kind.SLOW})
"""Faults in which the vendor accepts the request, and the sender cannot see that, or not yet."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault of one vendor. Without ``requests`` and ``for_s`` it stays until another is set."""

    vendor: str
    kind: Kind
    requests: int | None = None
    for_s: float | None = None
    retry_after_s: int = 1
    delay_s: float = 8.0


@dataclass(frozen=True, slots=True)
class _Set:
    fault: Fault
    left: int | None
    until: datetime | None


class Faults:
    """The fault of each vendor."""

    def __init__(self) -> None:
        self._set: dict[str, _Set] = {}

    def set(self, fault: Fault, now: datetime) -> None:
        """From now on, in place of what was set for this vendor."""
        if fault.kind is Kind.NONE:
            self._set.pop(fault.vendor, None)
            return
        until = None if fault.for_s is None else now + timedelta(seconds=fault.for_s)
        self._set[fault.vendor] = _Set(fault, fault.requests, until)

    def is_used(self, vendor: str) -> bool:
        """Whether all requests of a vendor that are to fail have arrived."""
        return (active := self._set.get(vendor)) is not None and active.left == 0

    def next(self, vendor: str, now: datetime) -> Fault | None:
        """The fault of this request, or None. The request is counted."""
        active = self._set.get(vendor)
        if active is None:
            return None
        if active.left == 0 or (active.until is not None and now >= active.until):
            del self._set[vendor]
            return None
        if active.left is not None:
            self._set[vendor] = replace(active, left=active.left - 1)
        return active.fault


def parse(text: str) -> Fault:
    """``VENDOR:KIND``, then ``:N`` for the next N requests or ``:Ns`` for N seconds. Raises UsageError."""
    vendor, _, rest = text.partition(":")
    kind, _, amount = rest.partition(":")
    seconds = amount.removesuffix("s") if amount.endswith("s") else ""
    try:
        return Fault(
            vendor,
            Kind(kind),
            requests=int(amount) if amount and not seconds else None,
            for_s=float(seconds) if seconds else None,
        )
    except ValueError:
        raise UsageError(
            f"--fail {text}: give VENDOR:KIND, VENDOR:KIND:3 or VENDOR:KIND:60s, where KIND is one of {', '.join(Kind)}"
        ) from None


_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}
_JSON: Final = {"content-type": "application/json"}
_HTML: Final = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
_SLACK: Final = {Kind.UNAUTHORIZED: "invalid_auth", Kind.GONE: "is_archived"}
_WEBHOOK: Final = {Kind.UNAUTHORIZED: (403, "invalid_token"), Kind.GONE: (410, "channel_is_archived")}
_PAGERDUTY: Final = {
    Kind.UNAUTHORIZED: (400, '{"status":"invalid event","errors":["Invalid routing key"]}'),
    Kind.GONE: (404, '{"status":"not found"}'),
}
_OTHERS: Final = {Kind.UNAUTHORIZED: (401, "unauthorized"), Kind.GONE: (410, "gone")}


def reply(fault: Fault, path: str) -> Reply:
    """The answer of a fault that has one."""
    problem = f"on purpose: {fault.kind}"
    match fault.kind:
        case Kind.RATE_LIMITED:
            headers: Mapping[str, str] = {**_JSON, "retry-after": str(fault.retry_after_s)}
            return Reply(429, orjson.dumps({"ok": False, "error": "ratelimited"}), headers, problem)
        case Kind.UNAVAILABLE:
            return Reply(503, b"service unavailable", _TEXT, problem)
        case Kind.GARBLED:
            return Reply(200, _HTML, {"content-type": "text/html"}, problem)
    if path.startswith("/api/"):
        return Reply(200, orjson.dumps({"ok": False, "error": _SLACK[fault.kind]}), _JSON, problem)
    words = _WEBHOOK if path.startswith("/services/") else _PAGERDUTY if path.startswith("/v2/") else _OTHERS
    status, word = words[fault.kind]
    return Reply(status, word.encode(), _TEXT, problem)
