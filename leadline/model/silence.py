"""Silences: incidents of which no notification is sent for a while."""

from typing import Annotated

from msgspec import Meta

from leadline.model import Time, Value
from leadline.model.action import Person

Matchers = Annotated[dict[str, Annotated[str, Meta(min_length=1, max_length=255)]], Meta(min_length=1)]
"""Patterns with ``*`` and ``?`` by field: ``cluster``, ``datacenter``, ``severity``, ``rule``, ``cause``, ``incident``
or ``label.NAME``. All must match."""


class Silence(Value, frozen=True, kw_only=True):
    """From ``starts_at`` until ``ends_at``, matching incidents are not sent. The incident log still records them."""

    silence_id: str
    matchers: Matchers
    starts_at: Time
    ends_at: Time
    created_by: Person
    comment: Annotated[str, Meta(max_length=1000)] = ""
    ended_by: Person | None = None
    """The person who ended it before its time; None for one that ends by itself."""
