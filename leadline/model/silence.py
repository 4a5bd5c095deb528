"""Silences: what nobody is to be told about for a while."""

from typing import Annotated

from msgspec import Meta

from leadline.model import Time, Value
from leadline.model.action import Person

Matchers = Annotated[dict[str, Annotated[str, Meta(min_length=1, max_length=255)]], Meta(min_length=1)]
"""Patterns with ``*`` and ``?`` by what they are held against: ``cluster``, ``datacenter``, ``severity``, ``rule``,
``cause``, ``incident``, or ``label.NAME``. All must match."""


class Silence(Value, frozen=True, kw_only=True):
    """From ``starts_at`` until ``ends_at`` nobody is told about incidents that match; the incident log still is."""

    silence_id: str
    matchers: Matchers
    starts_at: Time
    ends_at: Time
    created_by: Person
    comment: Annotated[str, Meta(max_length=1000)] = ""
