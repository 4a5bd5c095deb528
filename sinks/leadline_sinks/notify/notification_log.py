"""What is written down of an attempt to tell: the delivery that replaces the last one of an incident and a target."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from leadline.model.delivery import Delivery, Occasion
from leadline.model.incident import Incident
from leadline_sinks.notify.sink import Notice, Reason


@dataclass(frozen=True, slots=True)
class Teller:
    """A target by name, and what kind of sink speaks to it."""

    target: str
    kind: str

    def sent(self, notice: Notice, last: Delivery | None, receipt: Mapping[str, str], now: datetime) -> Delivery:
        """The target has it."""
        incident = notice.incident
        times = [*(entry.at for entry in incident.timeline), *(change.at for change in incident.changes)]
        return msgspec.structs.replace(
            self._from(incident, notice.occasion, last, now),
            outcome="sent",
            seq=incident.seq,
            severity=incident.severity,
            state=incident.state,
            first_at=last.first_at if last is not None and last.first_at is not None else now,
            told_until=max(times, default=None),
            actions=_actions(notice, last),
            reason=None,
            receipt=dict(receipt),
        )

    def attempted(self, incident: Incident, occasion: Occasion, last: Delivery | None, now: datetime) -> Delivery:
        """Written before the first word: killed during the attempt, nobody knows whether the target has it."""
        return msgspec.structs.replace(self._from(incident, occasion, last, now), outcome="attempted", reason=None)

    def partial(self, notice: Notice, last: Delivery | None, receipt: Mapping[str, str], now: datetime) -> Delivery:
        """The target has some of it, or may have: the receipt says what; all of it is told again."""
        before = self._from(notice.incident, notice.occasion, last, now)
        return msgspec.structs.replace(
            before, outcome="partial", first_at=before.first_at or now, reason=None, receipt=dict(receipt)
        )

    def given_up(self, notice: Notice, last: Delivery | None, reason: Reason, now: datetime) -> Delivery:
        """The target will not have it: it is not tried again, and what follows is told as if it had been."""
        return msgspec.structs.replace(
            self._from(notice.incident, notice.occasion, last, now),
            outcome="given_up",
            seq=notice.incident.seq,
            actions=_actions(notice, last),
            reason=str(reason),
        )

    def suppressed(
        self, incident: Incident, occasion: Occasion, last: Delivery | None, silence_id: str, now: datetime
    ) -> Delivery:
        """A silence kept it back: what the target was told before still holds."""
        first_at = last.at if last is not None and last.outcome in ("attempted", "partial") else None
        before = self._from(incident, occasion, last, now)
        return msgspec.structs.replace(
            before, outcome="suppressed", first_at=before.first_at or first_at, reason=silence_id
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


def _actions(notice: Notice, last: Delivery | None) -> list[str]:
    before = last.actions if last is not None else []
    return list(dict.fromkeys([*before, *(action.action_id for action in notice.actions)]))
