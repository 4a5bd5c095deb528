"""The record of an attempt: the delivery that replaces the last one of an incident and a target."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from leadline.model.delivery import EDITS, Delivery, Occasion
from leadline.model.incident import Incident
from leadline.steps import discarding
from leadline_sinks.notify.acknowledgements import covered
from leadline_sinks.notify.shown_silence import mark
from leadline_sinks.notify.sink import Notification, Reason

RINGS = frozenset[Occasion]({"opened", "escalated", "cause_changed", "reopened", "repeated", "kept_open"})
"""Occasions of notifications that are more than an update of an earlier one."""


@dataclass(frozen=True, slots=True)
class DeliveryRecords:
    """Makes the delivery records of one target. ``last`` is the previous record of the same incident."""

    target: str
    kind: str
    """The kind of its sink."""

    def sent(
        self, notification: Notification, last: Delivery | None, receipt: Mapping[str, str], now: datetime
    ) -> Delivery:
        """The target has accepted the notification.

        What is sent in a silence so that the target keeps the incident leaves due what the silence holds back.
        """
        if last is not None and notification.occasion in EDITS:
            return self._shown(notification, last, receipt, now)
        if last is not None and notification.occasion == "kept_open" and notification.incident.silenced_by is not None:
            kept = self._from(notification.incident, notification.occasion, last, now)
            return msgspec.structs.replace(kept, outcome="sent", reason=None, rang_at=now, receipt=dict(receipt))
        first_at = last.first_at if last is not None and last.first_at is not None else now
        return msgspec.structs.replace(
            self._delivered(notification, last, receipt, now), outcome="sent", first_at=first_at
        )

    def nothing_new(
        self, notification: Notification, last: Delivery | None, receipt: Mapping[str, str], now: datetime
    ) -> Delivery:
        """The target has everything already, and nothing was sent."""
        if last is not None and notification.occasion in EDITS:
            return self._shown(notification, last, receipt, now, outcome="nothing_new")
        return msgspec.structs.replace(self._delivered(notification, last, receipt, now), outcome="nothing_new")

    def attempted(self, notification: Notification, last: Delivery | None, now: datetime) -> Delivery:
        """Written before an attempt that opens something at the target: if the process is killed, the target may or
        may not have received it.
        """
        before = self._from(notification.incident, notification.occasion, last, now)
        return msgspec.structs.replace(before, outcome="attempted", rang=list(notification.rang), reason=None)

    def partial(
        self, notification: Notification, last: Delivery | None, receipt: Mapping[str, str], now: datetime
    ) -> Delivery:
        """The target has received a part, which the receipt describes. The whole notification is sent again."""
        before = self._from(notification.incident, notification.occasion, last, now)
        return msgspec.structs.replace(
            before,
            outcome="partial",
            first_at=before.first_at or now,
            rang=list(notification.rang),
            reason=None,
            receipt=dict(receipt),
        )

    def given_up(self, notification: Notification, last: Delivery | None, reason: Reason, now: datetime) -> Delivery:
        """The target rejects the notification, which is not repeated. Later ones are sent as if it was accepted."""
        if last is not None and notification.occasion in EDITS:
            return self._shown(notification, last, last.receipt, now, outcome="nothing_new")
        return msgspec.structs.replace(
            self._from(notification.incident, notification.occasion, last, now),
            outcome="given_up",
            seq=notification.incident.seq,
            generation=notification.incident.generation,
            actions=_actions(notification, last),
            acknowledged=covered(notification.actions, last),
            reason=str(reason),
        )

    def suppressed(
        self, incident: Incident, occasion: Occasion, last: Delivery | None, by: str, now: datetime
    ) -> Delivery:
        """A silence or another incident holds the notification back. What the target received before still counts."""
        first_at = last.at if last is not None and last.outcome in ("attempted", "partial") else None
        before = self._from(incident, occasion, last, now)
        return msgspec.structs.replace(before, outcome="suppressed", first_at=before.first_at or first_at, reason=by)

    def _shown(
        self,
        notification: Notification,
        last: Delivery,
        receipt: Mapping[str, str],
        now: datetime,
        outcome: Literal["sent", "nothing_new"] = "sent",
    ) -> Delivery:
        """The message shows the silence, or no longer. What is held back stays due, and on record as held back."""
        silence = notification.silence
        kept = msgspec.structs.replace(last, silence=mark(silence), receipt=dict(receipt))
        if silence is not None and last.outcome == "suppressed" and last.reason == silence.silence_id:
            return kept
        kept = self._from(notification.incident, notification.occasion, kept, now)
        return msgspec.structs.replace(kept, outcome=outcome, reason=None)

    def _delivered(
        self, notification: Notification, last: Delivery | None, receipt: Mapping[str, str], now: datetime
    ) -> Delivery:
        """The target has the notification."""
        incident = notification.incident
        times = [*(entry.at for entry in incident.timeline), *(change.at for change in incident.changes)]
        before = self._from(incident, notification.occasion, last, now)
        acknowledged = covered(notification.actions, last)
        if incident.acknowledged_by is not None:
            acknowledged = max(acknowledged, incident.generation)
        return msgspec.structs.replace(
            before,
            seq=incident.seq,
            severity=incident.severity,
            state=incident.state,
            told_until=max(times, default=None),
            sent_last=[entry.what for entry in incident.timeline if entry.at == max(times)],
            generation=incident.generation,
            cause=incident.causes[0].code if incident.causes else "",
            actions=_actions(notification, last),
            acknowledged=acknowledged,
            rang=list(notification.rang) if incident.state == "open" else [],
            rang_at=now if notification.occasion in RINGS else before.rang_at,
            reason=None,
            discards=discarding(incident),
            silence=mark(notification.silence) if incident.state == "open" else "",
            receipt=dict(receipt),
        )

    def _from(self, incident: Incident, occasion: Occasion, last: Delivery | None, now: datetime) -> Delivery:
        if last is not None:
            return msgspec.structs.replace(last, at=now, occasion=occasion, sink=self.kind)
        return Delivery(
            incident_id=incident.incident_id,
            target=self.target,
            sink=self.kind,
            outcome="suppressed",
            at=now,
            seq=0,
            occasion=occasion,
            severity=incident.severity,
            state="open",
        )


def _actions(notification: Notification, last: Delivery | None) -> list[str]:
    before = last.actions if last is not None else []
    return list(dict.fromkeys([*before, *(action.action_id for action in notification.actions)]))
