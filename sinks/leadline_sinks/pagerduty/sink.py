"""Posts to PagerDuty what is due. Retries are safe: a trigger is idempotent under its key while its alert is open."""

import logging
from dataclasses import replace

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.logs import escape
from leadline.settings.sink import NotifySettings, PagerDutySettings
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, Notice, Outcome, Rate, Reason, Retry, Sent
from leadline_sinks.pagerduty import event, limits
from leadline_sinks.pagerduty.answer import failure
from leadline_sinks.pagerduty.event import Event
from leadline_sinks.pagerduty.receipt import Told, due, untold

log = logging.getLogger(__name__)
_ENQUEUE = "/v2/enqueue"
_CHANGE = "/v2/change/enqueue"
_CHANGES_S = 10.0
"""No change event is begun later than this, however slow PagerDuty is: other incidents wait."""
_HEADERS = {"content-type": "application/json", "accept": "application/json"}


class PagerDutySink:
    """One service of PagerDuty, or one orchestration."""

    kind = "pagerduty"
    rate = Rate(per_s=5.0, burst=5)
    """Of words, most of which are one request. PagerDuty's own limit is dynamic, see ``limits``."""

    def __init__(self, settings: PagerDutySettings, notify: NotifySettings, http: Http, clock: Clock) -> None:
        assert settings.routing_key is not None
        self._key = settings.routing_key
        self._url = settings.url.rstrip("/")
        self._notify = notify
        self._http = http
        self._clock = clock

    async def deliver(self, notice: Notice) -> Outcome:
        """Tell what PagerDuty does not know yet; nothing is asked of it when it knows all.

        Change events come after the alert and never fail the word: what PagerDuty could not take now goes with the
        next one.
        """
        try:
            key = self._key.reveal()
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        incident = notice.incident
        before = told = Told.read(notice.receipt)
        for step in due(notice, before):
            trigger = step == "trigger"
            what = event.trigger(incident, key, self._notify) if trigger else event.follow(step, incident, key)
            problem = await self._post(_ENQUEUE, what, key)
            if isinstance(problem, GiveUp) and trigger:
                problem = await self._post(_ENQUEUE, event.shorter(what), key)
            if isinstance(problem, Retry):
                return replace(problem, receipt=told.receipt(incident)) if told != before else problem
            if problem is not None:
                return problem
            told = told.after(step, incident)
        if not key.startswith(limits.NO_CHANGES_PREFIX):
            told = await self._tell_changes(notice, told, key)
        return Sent(told.receipt(incident))

    async def test(self) -> Outcome:
        """A change event, which notifies nobody. Keys that take none are tried with the end of what never began."""
        try:
            key = self._key.reveal()
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        if key.startswith(limits.NO_CHANGES_PREFIX):
            path, what = _ENQUEUE, event.nothing(key)
        else:
            path, what = _CHANGE, event.test(key, self._clock.now())
        return await self._post(path, what, key) or Sent()

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def _tell_changes(self, notice: Notice, told: Told, key: str) -> Told:
        until = self._clock.monotonic() + _CHANGES_S
        for changes in untold(notice.incident, told):
            if self._clock.monotonic() >= until:
                break
            await self._clock.sleep(1 / self.rate.per_s)
            problem = await self._post(_CHANGE, event.change(changes, key, notice.incident.cluster), key)
            if problem is not None:
                log.warning("PagerDuty did not take a change event", extra={"why": problem.detail})
            if isinstance(problem, Retry):
                break
            told = told.with_changes(changes)
        return told

    async def _post(self, path: str, what: Event, key: str) -> Retry | GiveUp | None:
        """None when PagerDuty took it."""
        answer = await self._http.post(self._url + path, event.body(what), _HEADERS)
        if isinstance(answer, Retry):
            return answer
        return failure(answer, self._http.retry_after(answer), key)
