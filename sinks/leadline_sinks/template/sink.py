"""The template sink."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from msgspec import structs

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.logs import escape
from leadline.settings.routing import NotifySettings
from leadline.settings.template_target import TemplateSettings
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
from leadline_sinks.template.render import body
from leadline_sinks.template.samples import samples
from leadline_sinks.webhook import failure

_TESTED = "opened"


class TemplateSink:
    """One receiver."""

    kind = "template"
    rate = Rate(per_s=1.0, burst=5)
    unseen_actions = False
    takes_notices = True
    resend_s = 0.0
    shows_silences = False

    def __init__(self, settings: TemplateSettings, notify: NotifySettings, http: Http, clock: Clock) -> None:
        assert settings.url is not None
        self._settings = settings
        self._url = settings.url
        self._notify = notify
        self._http = http

    async def deliver(self, notification: Notification) -> DeliveryOutcome:
        """Post what the template makes of a notification, unless it is empty, or the same as the last one."""
        try:
            url, headers = self._target()
            made = body(self._settings, notification, self._notify)
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error), 400))
        digest = hashlib.sha256(made).hexdigest()[:16]
        is_repeated = notification.occasion == "repeated"
        if not made or (digest == notification.receipt.get("body") and not is_repeated):
            return NothingNew(notification.receipt)
        return await self._post(url, headers, made) or Sent({"body": digest})

    async def test(self) -> Outcome:
        """Post what the template makes of a sample, whose title says that it is a test."""
        about = samples()[_TESTED]
        title = "orders: this is a test of Leadline, no action is needed"
        try:
            url, headers = self._target()
            made = body(self._settings, _titled(about, title), self._notify)
        except UsageError as error:
            return Retry(Reason.UNAUTHORIZED, escape(str(error), 400))
        if not made:
            return Retry(Reason.UNAUTHORIZED, f"the template {self._settings.file} gives nothing for a new incident")
        return await self._post(url, headers, made) or Sent()

    async def close(self) -> None:
        """Release connections."""
        await self._http.close()

    def _target(self) -> tuple[str, dict[str, str]]:
        """The URL and the headers of a request. Raises UsageError where a secret cannot be read or sent."""
        headers = {"content-type": self._settings.content_type}
        if self._settings.authorization is not None:
            headers["authorization"] = self._settings.authorization.reveal()
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise UsageError("template.authorization holds characters that no header can have")
        return self._url.reveal(), headers

    async def _post(self, url: str, headers: Mapping[str, str], made: bytes) -> Retry | GiveUp | None:
        response = await self._http.post(url, made, headers)
        if isinstance(response, Retry):
            return response
        return failure(response, self._http.retry_after(response), "template", "template.authorization")


def _titled(notification: Notification, title: str) -> Notification:
    return replace(notification, incident=structs.replace(notification.incident, title=title))
