"""The PagerDuty sink. Retries are safe: a trigger is idempotent under its key while its alert is open."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.logs import escape
from leadline.model.change_record import ChangeRecord
from leadline.model.incident import Incident
from leadline.settings.routing import NotifySettings
from leadline.settings.targets import PagerDutySettings
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import (
    DeliveryOutcome,
    GiveUp,
    NothingNew,
    Notification,
    Outcome,
    Rate,
    Reason,
    Retry,
    Sent,
)
from leadline_sinks.pagerduty import event, limits
from leadline_sinks.pagerduty.answer import failure
from leadline_sinks.pagerduty.event import Event
from leadline_sinks.pagerduty.receipt import EventAction, Receipt, changes_due, events_due

log = logging.getLogger(__name__)
_ENQUEUE = "/v2/enqueue"
_CHANGE = "/v2/change/enqueue"
_CHANGES_S = 10.0
"""No change event is begun after this time, however slow PagerDuty is, since other incidents wait."""
_HEADERS = {"content-type": "application/json", "accept": "application/json"}


class PagerDutySink:
    """One service of PagerDuty, or one orchestration."""

    kind = "pagerduty"
    rate = Rate(per_s=5.0, burst=5)
    """Of notifications, most of which are one request. PagerDuty's own limit is dynamic, see ``limits``."""
    takes_notices = False
    resend_s = 0.0
    shows_silences = False
    unseen_actions = True
    """Its Events API reports nothing of what people do in PagerDuty."""

    def __init__(self, settings: PagerDutySettings, notify: NotifySettings, http: Http, clock: Clock) -> None:
        assert settings.routing_key is not None
        self._key = settings.routing_key
        self._change_events = settings.change_events
        self._url = settings.url.rstrip("/")
        self._notify = notify
        self._http = http
        self._clock = clock

    async def deliver(self, notification: Notification) -> DeliveryOutcome:
        """Send the events that are due; none when PagerDuty is up to date.

        Change events follow the alert and never fail the delivery: those that PagerDuty did not accept are sent with
        the next notification.
        """
        try:
            key = self._key.reveal()
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        incident = notification.incident
        before = receipt = Receipt.read(notification.receipt, notification.rang)
        accepted = 0
        for action, generation in events_due(notification, before):
            body = self._event(action, notification, key, generation)
            failed = await self._post(_ENQUEUE, body, key)
            if isinstance(failed, GiveUp) and action != "acknowledge":
                failed = await self._post(_ENQUEUE, event.shorter(body), key)
            if isinstance(failed, Retry):
                return replace(failed, receipt=receipt.encode(incident)) if accepted else failed
            if failed is not None:
                return failed
            accepted += 1
            receipt = receipt.after(action, generation, incident)
        if not key.startswith(limits.NO_CHANGES_PREFIX) and self._change_events != "never":
            if notification.occasion == "recurrence":
                failed = await self._post(_CHANGE, event.recurrence(incident, key), key)
                if failed is not None:
                    return failed
                accepted += 1
            if self._change_events == "incidents":
                receipt, changes = await self._send_changes(incident, receipt, key)
                accepted += changes
        return Sent(receipt.encode(incident)) if accepted else NothingNew(receipt.encode(incident))

    async def announce(self, changes: Sequence[ChangeRecord]) -> Outcome:
        """Send changes of one server, seen at one time, as a change event. After a crash it may be sent twice."""
        try:
            key = self._key.reveal()
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        if key.startswith(limits.NO_CHANGES_PREFIX):
            return GiveUp(Reason.REJECTED, "the key of a ruleset takes no change events; set change_events to never")
        body = event.change([each.change for each in changes], key, changes[0].cluster)
        return await self._post(_CHANGE, body, key) or Sent()

    async def test(self) -> Outcome:
        """Send a change event, which notifies nobody, or, where the key accepts none, resolve a nonexistent alert."""
        try:
            key = self._key.reveal()
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        if key.startswith(limits.NO_CHANGES_PREFIX):
            path, body = _ENQUEUE, event.resolve_test(key)
        else:
            path, body = _CHANGE, event.test(key, self._clock.now())
        return await self._post(path, body, key) or Sent()

    async def close(self) -> None:
        """Release connections."""
        await self._http.close()

    def _event(self, action: EventAction, notification: Notification, key: str, generation: int) -> Event:
        match action:
            case "trigger":
                return event.trigger(notification, key, self._notify)
            case "acknowledge":
                return event.acknowledge(notification.incident, key, generation)
            case "resolve":
                return event.resolve(notification.incident, key, generation)

    async def _send_changes(self, incident: Incident, receipt: Receipt, key: str) -> tuple[Receipt, int]:
        """Send the change events that are due. Returns how many were accepted."""
        accepted = 0
        until = self._clock.monotonic() + _CHANGES_S
        for changes in changes_due(incident, receipt):
            if self._clock.monotonic() >= until:
                break
            await self._clock.sleep(1 / self.rate.per_s)
            failed = await self._post(_CHANGE, event.change(changes, key, incident.cluster), key)
            if failed is not None:
                log.warning("PagerDuty did not accept a change event", extra={"why": failed.detail})
            if isinstance(failed, Retry):
                break
            accepted += failed is None
            receipt = receipt.with_changes(changes)
        return receipt, accepted

    async def _post(self, path: str, body: Event, key: str) -> Retry | GiveUp | None:
        """Send an event; None when PagerDuty has accepted it."""
        response = await self._http.post(self._url + path, event.body(body), _HEADERS)
        if isinstance(response, Retry):
            return response
        return failure(response, self._http.retry_after(response), key)
