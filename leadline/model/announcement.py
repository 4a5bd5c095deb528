"""Announcements: what people are sent when silences begin and end."""

from typing import Annotated, Literal

from msgspec import Meta

from leadline.model import Count, Time, Value
from leadline.model.alert import Severity
from leadline.model.ids import ClusterName, IncidentId
from leadline.model.silence import Silence


class HeldIncident(Value, frozen=True, kw_only=True):
    """An incident of which notifications were held back by a silence, as it was when the silence ended."""

    incident_id: IncidentId
    cluster: ClusterName
    title: str
    severity: Severity
    state: Literal["open", "resolved"]
    """``open``: it goes on, and is sent as usual from the end of the silence on."""
    opened_at: Time
    resolved_at: Time | None = None
    cause: str = ""
    """The first cause in words; empty without one."""


class Announcement(Value, frozen=True, kw_only=True):
    """Silences that began together and have the same author, or of which one prolongs another."""

    silences: Annotated[list[Silence], Meta(min_length=1)]
    """As they are now, at most 200."""
    held: list[HeldIncident] = []
    """Filled in at the end: the incidents that go on first, then the others; at most 50."""
    held_count: Count = 0
    """All incidents that were held back."""
    going_on: Count = 0
    """Those of them that go on."""
