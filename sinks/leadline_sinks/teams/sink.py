"""The Teams sink."""

from collections.abc import Sequence

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.logs import escape
from leadline.settings.routing import NotifySettings
from leadline.settings.teams_target import TeamsSettings
from leadline_sinks.http import Http
from leadline_sinks.message_due import content, is_due
from leadline_sinks.message_parts import MessagePart, lead, parts, status
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
from leadline_sinks.teams import card
from leadline_sinks.teams.answer import failure
from leadline_sinks.teams.card import Card

_HEADERS = {"content-type": "application/json"}
_SHORT = 2
"""Parts of the card that is sent when the whole one was rejected."""


class TeamsSink:
    """One workflow."""

    kind = "teams"
    rate = Rate(per_s=0.5, burst=4)
    """Teams takes four requests in a second from a webhook, and a workflow's connection fewer in the long run."""
    unseen_actions = False
    takes_notices = True
    resend_s = 0.0
    shows_silences = False

    def __init__(self, settings: TeamsSettings, notify: NotifySettings, http: Http, clock: Clock) -> None:
        assert settings.url is not None
        self._url = settings.url
        self._notify = notify
        self._http = http
        self._clock = clock

    async def deliver(self, notification: Notification) -> DeliveryOutcome:
        """Send a card, if there is something that people must know."""
        incident = notification.incident
        if not is_due(notification, notification.receipt.get("said", "")):
            return NothingNew(notification.receipt)
        below = parts(notification, self._notify)
        failed = await self._post(self._card(notification, below))
        if isinstance(failed, GiveUp):
            failed = await self._post(self._card(notification, below[:_SHORT]))
        return failed or Sent({"said": content(incident)})

    async def test(self) -> Outcome:
        """Send a card that is marked as a test."""
        return await self._post(card.test()) or Sent()

    async def close(self) -> None:
        """Release connections."""
        await self._http.close()

    def _card(self, notification: Notification, below: Sequence[MessagePart]) -> Card:
        incident = notification.incident
        style = "ended" if incident.state == "resolved" else incident.severity
        ident = escape(incident.incident_id, 255)
        return card.card(lead(notification, self._clock.now()), status(incident), below, style, ident)

    async def _post(self, made: Card) -> Retry | GiveUp | None:
        try:
            url = self._url.reveal()
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error)))
        response = await self._http.post(url, card.request(made), _HEADERS)
        if isinstance(response, Retry):
            return response
        return failure(response, self._http.retry_after(response))
