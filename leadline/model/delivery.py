"""Deliveries: the last notification of each incident to each target."""

from typing import Literal

from leadline.model import Int64, Time, Value
from leadline.model.alert import Severity
from leadline.model.ids import IncidentId

Occasion = Literal["opened", "updated", "escalated", "acknowledged", "noted", "repeated", "resolved"]
"""The reason for a notification."""


class Delivery(Value, frozen=True, kw_only=True):
    """The last notification of one incident to one target. A later record replaces it.

    ``attempted``: the first notification is being sent, or its outcome is unknown. ``sent``: the target accepted it.
    ``partial``: the target accepted a part; the rest follows. ``suppressed``: a silence holds it back.
    ``given_up``: the target rejects it.
    """

    incident_id: IncidentId
    target: str
    sink: str
    """The kind of the target: ``slack``, ``pagerduty``, …"""
    outcome: Literal["attempted", "sent", "partial", "suppressed", "given_up"]
    at: Time
    seq: Int64
    """The ``seq`` of the incident record that was sent last; 0 when none was."""
    occasion: Occasion
    severity: Severity
    """The severity that was sent last."""
    state: Literal["open", "resolved"]
    first_at: Time | None = None
    """Time of the first notification that the target accepted."""
    told_until: Time | None = None
    """Time of the newest entry of the incident's timeline that was sent."""
    actions: list[str] = []
    """Identities of the actions that were sent."""
    reason: str | None = None
    """The reason for giving up, or the identity of the silence."""
    receipt: dict[str, str] = {}
    """Identifiers that the target returned: a channel, a message's timestamp, a deduplication key."""
