"""The Alertmanager sink. Sending the same alert again is harmless, so after a crash nothing needs to be known."""

import asyncio
import base64
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.logs import escape
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.routing import NotifySettings
from leadline.wire import timestamp
from leadline_sinks.alertmanager.alert import Labels, alert, annotations, labels
from leadline_sinks.alertmanager.answer import failure
from leadline_sinks.console_links import incident_url
from leadline_sinks.http import Http
from leadline_sinks.message_parts import parts
from leadline_sinks.notify.sink import (
    NEEDS_OPERATOR,
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

log = logging.getLogger(__name__)
_PATH = "/api/v2/alerts"
ENDS = 1000
"""Ends that are kept for an instance that missed them."""
AWAY_S = 30.0
"""An instance to which there was no connection is left out for so long while another one takes alerts: each alert would
wait for it (prometheus/prometheus issue 7676)."""


class AlertmanagerSink:
    """All instances of one Alertmanager."""

    kind = "alertmanager"
    rate = Rate(per_s=20.0, burst=50)
    unseen_actions = False
    shows_silences = False
    takes_notices = False
    """Its routes notify people of whatever it has."""

    def __init__(self, settings: AlertmanagerSettings, notify: NotifySettings, http: Http, clock: Clock) -> None:
        self._settings = settings
        self._notify = notify
        self._http = http
        self._clock = clock
        self.resend_s = settings.resend_s
        self._away_until: dict[str, float] = {}
        self._missed: dict[str, dict[bytes, Mapping[str, Any]]] = {url: {} for url in settings.urls}
        """The alerts that are over and that an instance has not got, by their labels."""

    async def deliver(self, notification: Notification) -> DeliveryOutcome:
        """Send the alert of the incident, and end the one before it if the labels are others.

        While a silence holds news back, an alert that is sent again keeps its labels.
        """
        incident = notification.incident
        before = _labels(notification.receipt)
        if notification.occasion == "recurrence" and before:
            return NothingNew(notification.receipt)  # it is over
        held = notification.occasion == "kept_open" and incident.silenced_by is not None
        now, new = self._clock.now(), before if held and before else labels(incident)
        over = incident.state == "resolved"
        about = annotations(incident, parts(notification, self._notify), self._notify)
        ends_at = now if over else now + timedelta(seconds=self._settings.expire_s)
        alerts = [alert(new, about, incident.opened_at, ends_at, incident_url(incident, self._notify))]
        if before and before != new:
            alerts.append(alert(before, {}, incident.opened_at, now))
        failed = await self._post(alerts)
        return failed or Sent({"labels": orjson.dumps(new, option=orjson.OPT_SORT_KEYS).decode()})

    async def test(self) -> Outcome:
        """Send an alert that is marked as a test and is over already: Alertmanager notifies nobody of it."""
        now = self._clock.now()
        given = {"alertname": "leadline_test", "severity": "info", "source": "leadline"}
        about = {"summary": "This is a test of Leadline. No action is needed."}
        return await self._post([alert(given, about, now, now)]) or Sent()

    async def close(self) -> None:
        """Release connections."""
        await self._http.close()

    async def _post(self, alerts: Sequence[Mapping[str, Any]]) -> Retry | GiveUp | None:
        """Send alerts to every instance; None when one has taken them. The others get them when they are sent again,
        and ends with the next alert."""
        try:
            headers, secrets = self._login()
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        self._note_ends(alerts)
        now = self._clock.monotonic()
        near = [url for url in self._settings.urls if self._away_until.get(url, now) <= now]
        failed = await self._post_to_each(near, alerts, headers, secrets)
        if len(failed) == len(near) < len(self._settings.urls):
            others = [url for url in self._settings.urls if url not in near]
            failed += await self._post_to_each(others, alerts, headers, secrets)
        if len(failed) < len(self._settings.urls):
            for each in failed:
                log.warning("an instance of alertmanager.urls did not take an alert", extra={"why": each.detail})
            return None
        # Of several failures, one that persists until an operator acts says most. While one may still take the alert,
        # it is not given up: what rejects it may be a proxy before another.
        return min(failed, key=lambda each: (isinstance(each, GiveUp), each.reason not in NEEDS_OPERATOR))

    async def _post_to_each(
        self,
        urls: Sequence[str],
        alerts: Sequence[Mapping[str, Any]],
        headers: Mapping[str, str],
        secrets: tuple[str, ...],
    ) -> list[Retry | GiveUp]:
        """The failures of instances. Each is sent the ends that it has missed, too."""
        bodies = [orjson.dumps([*alerts, *_others(self._missed[url], alerts)]) for url in urls]
        posting = (self._post_to(url, body, headers, secrets) for url, body in zip(urls, bodies, strict=True))
        found = await asyncio.gather(*posting)
        for url, each in zip(urls, found, strict=True):
            if each is None or isinstance(each, GiveUp):  # one that is rejected must not make it reject every later one
                self._missed[url].clear()
            away = each is not None and each.reason in (Reason.UNREACHABLE, Reason.TIMEOUT)
            self._away_until[url] = self._clock.monotonic() + AWAY_S if away else 0.0
        return [each for each in found if each is not None]

    def _note_ends(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Keep what is over until each instance has it: one that has not would notify people of it again, since the
        others have reported its end. What fires again is not over."""
        for each in alerts:
            labels, over = _identity(each), each["endsAt"] <= timestamp(self._clock.now())
            for missed in self._missed.values():
                missed.pop(labels, None)
                if over:
                    missed[labels] = each
                if len(missed) > ENDS:
                    del missed[next(iter(missed))]

    async def _post_to(
        self, url: str, body: bytes, headers: Mapping[str, str], secrets: tuple[str, ...]
    ) -> Retry | GiveUp | None:
        response = await self._http.post(url.rstrip("/") + _PATH, body, headers)
        if isinstance(response, Retry):
            return response
        return failure(response, self._http.retry_after(response), secrets)

    def _login(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """The headers of a request, and the secrets in them."""
        headers, settings = {"content-type": "application/json"}, self._settings
        if settings.token is not None:
            token = settings.token.reveal()
            return headers | {"authorization": f"Bearer {token}"}, (token,)
        if settings.username is not None and settings.password is not None:
            password = settings.password.reveal()
            basic = base64.b64encode(f"{settings.username}:{password}".encode()).decode()
            return headers | {"authorization": f"Basic {basic}"}, (password, basic)
        return headers, ()


def _identity(alert: Mapping[str, Any]) -> bytes:
    return orjson.dumps(alert["labels"], option=orjson.OPT_SORT_KEYS)


def _others(missed: Mapping[bytes, Mapping[str, Any]], alerts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The ends that were missed of other alerts."""
    sent = {_identity(each) for each in alerts}
    return [each for ident, each in missed.items() if ident not in sent]


def _labels(receipt: Mapping[str, str]) -> Labels:
    """The labels of the alert that was sent last; empty without one."""
    try:
        found = orjson.loads(receipt.get("labels", ""))
    except ValueError:
        return {}
    if not isinstance(found, dict) or not all(isinstance(each, str) for pair in found.items() for each in pair):
        return {}
    return found
