"""A request, the reply to it, and what the receiver remembers of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """A request that a client posted."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply of a vendor. ``problem`` states, for the receiver's own page, why a request was refused."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a vendor took in: a message posted or edited, an alert triggered."""

    at: datetime
    vendor: str
    kind: str
    """In the vendor's words: ``post``, ``update``, ``reply``, ``trigger``, ``acknowledge``, ``resolve``, ``change``…"""
    key: str
    """The same for events that belong together: the timestamp of the parent message, the deduplication key."""
    payload: Mapping[str, Any]
