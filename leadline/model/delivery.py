"""Deliveries: what a target was told last of an incident."""

from typing import Literal

from leadline.model import Int64, Time, Value
from leadline.model.alert import Severity
from leadline.model.ids import IncidentId

Occasion = Literal["opened", "updated", "escalated", "acknowledged", "noted", "repeated", "resolved"]
"""Why somebody is told now."""


class Delivery(Value, frozen=True, kw_only=True):
    """The last word to one target about one incident; a later record replaces it.

    ``attempted``: the first word is on its way, or nobody knows what became of it. ``sent``: the target has it.
    ``partial``: some of it, and the rest will follow. ``suppressed``: a silence kept it back. ``given_up``: the target
    will not have it.
    """

    incident_id: IncidentId
    target: str
    sink: str
    """What kind of target it is: ``slack``, ``pagerduty``, …"""
    outcome: Literal["attempted", "sent", "partial", "suppressed", "given_up"]
    at: Time
    seq: Int64
    """Of the incident's record that was told last; 0 when none was."""
    occasion: Occasion
    severity: Severity
    """That was told last."""
    state: Literal["open", "resolved"]
    first_at: Time | None = None
    """When the target had the first word."""
    told_until: Time | None = None
    """Time of the newest entry of the incident's timeline that was told."""
    actions: list[str] = []
    """Identities of the actions that were told."""
    reason: str | None = None
    """Why it was given up, or the identity of the silence."""
    receipt: dict[str, str] = {}
    """What the target gave us to come back to: a channel, a message's timestamp, a deduplication key."""
