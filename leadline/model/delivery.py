"""Deliveries: the last notification of each incident to each target."""

from typing import Final, Literal

from leadline.model import Int64, Time, Value
from leadline.model.alert import Severity
from leadline.model.ids import IncidentId

Occasion = Literal[
    "opened",
    "updated",
    "escalated",
    "cause_changed",
    "reopened",
    "withdrawn",
    "acknowledged",
    "noted",
    "repeated",
    "kept_open",
    "merged",
    "resolved",
    "recurrence",
    "silenced",
    "unsilenced",
]
"""The reason for a notification. ``cause_changed``: another cause is ranked first, and people are notified as at the
beginning. ``withdrawn``: a step that discards something is not proposed any more. ``kept_open``: an alert that may have
been resolved by hand is opened again. ``merged``: the incident is part of an older one.
``silenced`` and ``unsilenced``: the message is edited, since a silence holds the incident back, or no longer does.
``recurrence``: it is over, and an audit found again what a measure against it was to prevent."""
EDITS: Final = frozenset[Occasion]({"silenced", "unsilenced"})
"""Occasions of edits that notify nobody and change nothing but the silence that a message shows: whatever else is new
stays due."""


class Delivery(Value, frozen=True, kw_only=True):
    """The last notification of one incident to one target. A later record replaces it.

    ``attempted``: a notification that opens something at the target is being sent, or its outcome is unknown.
    ``sent``: the target accepted a request. ``nothing_new``: the target has everything already, so no request was made.
    ``partial``: the target accepted a part; the rest follows. ``suppressed``: a silence, or the incident of a lost
    datacenter, holds it back.
    ``given_up``: the target rejects it.
    """

    incident_id: IncidentId
    target: str
    sink: str
    """The kind of the target: ``slack``, ``pagerduty``, …"""
    outcome: Literal["attempted", "sent", "nothing_new", "partial", "suppressed", "given_up"]
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
    sent_last: list[str] = []
    """The entries of that time that were sent: another of the same instant may follow in a later record."""
    actions: list[str] = []
    """Identities of the actions that were sent."""
    reason: str | None = None
    """The reason for giving up, or the identity of what holds it back: a silence, or the incident of a datacenter."""
    generation: Int64 = 1
    """The generation of the incident that was sent last."""
    cause: str = ""
    """The code of the first cause that was sent last; empty for none."""
    acknowledged: Int64 = 0
    """The highest generation that the acknowledgements in ``actions`` cover; 0 without one. A return of the problem
    that ended so briefly that its end was not sent does not end an acknowledgement.
    """
    rang: list[Int64] = []
    """The generations under which the target was notified anew, or may have been, since the incident was opened or
    reopened; 1 stands for the first notification. PagerDuty has an alert for each."""
    rang_at: Time | None = None
    """Time of the last notification that is more than an update of an earlier one."""
    discards: list[str] = []
    """The steps of the first cause that discard something, as they were sent last."""
    silence: str = ""
    """The silence that the message shows, with its end, at a target whose messages can be edited; empty for none."""
    log_head: str = ""
    """Number and hash of the last row of the incident log at that time, as ``leadline incidents verify`` prints them;
    empty where the process that notifies writes no incident log. It proves later what the incident log held."""
    receipt: dict[str, str] = {}
    """Identifiers that the target returned: a channel, a message's timestamp, a deduplication key."""
