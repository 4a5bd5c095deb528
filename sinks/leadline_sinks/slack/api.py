"""One request to Slack and what came of it: the Web API, and incoming webhooks, which answer each in their own way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from leadline.errors import UsageError
from leadline.logs import escape
from leadline.settings.secret import Secret, redact
from leadline_sinks.http import Answer, Http
from leadline_sinks.notify.sink import GiveUp, Reason, Retry
from leadline_sinks.slack.errors import Kind, kind

_JSON: Final = "application/json; charset=utf-8"
_QUOTA_S: Final = 600.0
"""Wait after ``message_limit_exceeded``, the quota of a whole workspace, which comes without a Retry-After."""
_REASONS: Final = {
    Kind.RATE: Reason.RATE_LIMITED,
    Kind.TRANSIENT: Reason.UNAVAILABLE,
    Kind.AUTH: Reason.UNAUTHORIZED,
    Kind.TARGET: Reason.TARGET_GONE,
}
_ADVICE: Final = {
    Kind.AUTH: "check the token or webhook, and the app's rights",
    Kind.TARGET: "check the channel, and invite the app",
}
_STATUSES: Final = {400: Kind.PAYLOAD, 401: Kind.AUTH, 403: Kind.AUTH, 413: Kind.PAYLOAD}
"""Of webhooks, where the body says nothing we know. Any other is an address where no Slack is."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Slack has it."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack refuses this very message: ``kind`` is PAYLOAD, MARK, LOST or UNKNOWN."""

    kind: Kind
    detail: str

    def outcome(self) -> Retry | GiveUp:
        """When no other form of it helped."""
        if self.kind is Kind.PAYLOAD:
            return GiveUp(Reason.REJECTED, self.detail)
        return Retry(Reason.UNAVAILABLE, self.detail)


Result = Taken | Refused | Retry


async def call(http: Http, api_url: str, token: Secret, method: str, arguments: Mapping[str, Any]) -> Result:
    """Call a method of the Web API."""
    revealed = _reveal(token)
    if isinstance(revealed, Retry):
        return revealed
    headers = {"content-type": _JSON, "authorization": f"Bearer {revealed}"}
    answer = await http.post(f"{api_url.rstrip('/')}/{method}", orjson.dumps(arguments), headers)
    return answer if isinstance(answer, Retry) else of_web(answer, http.retry_after(answer))


async def post(http: Http, webhook: Secret, message: Mapping[str, Any]) -> Result:
    """Post to an incoming webhook."""
    revealed = _reveal(webhook)
    if isinstance(revealed, Retry):
        return revealed
    answer = await http.post(revealed, orjson.dumps(message), {"content-type": _JSON})
    return answer if isinstance(answer, Retry) else of_webhook(answer, http.retry_after(answer))


def of_web(answer: Answer, after_s: float | None) -> Result:
    """What an answer of the Web API means. Slack's own refusals have status 200."""
    if retry := _later(answer, after_s):
        return retry
    if answer.status in (401, 403, 413):
        return _refusal(_STATUSES[answer.status], f"status {answer.status}", None)
    if not 200 <= answer.status < 300:
        return Retry(Reason.TARGET_GONE, f"it answers with status {answer.status}; check slack.api_url")
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return Retry(Reason.GARBLED, "its answer is no JSON")
    if isinstance(body, dict) and body.get("ok") is True:
        return Taken(body)
    if not isinstance(body, dict) or body.get("ok") is not False or not isinstance(body.get("error"), str):
        return Retry(Reason.GARBLED, "its answer is not one of Slack's")
    return _refusal(kind(body["error"]), body["error"], after_s, _more(body))


def of_webhook(answer: Answer, after_s: float | None) -> Result:
    """What an answer of an incoming webhook means: ``ok``, or a status and a word."""
    if retry := _later(answer, after_s):
        return retry
    said = answer.body[:200].decode("utf-8", "replace").strip()
    if 200 <= answer.status < 300:
        return Taken({}) if said == "ok" else Retry(Reason.GARBLED, "its answer is not one of Slack's")
    known = kind(said)
    if known is Kind.UNKNOWN:
        return _refusal(_STATUSES.get(answer.status, Kind.TARGET), f"status {answer.status}", after_s)
    return _refusal(known, said, after_s)


def _later(answer: Answer, after_s: float | None) -> Retry | None:
    if answer.status == 429:
        return Retry(Reason.RATE_LIMITED, "too many messages", after_s)
    if answer.status == 408 or answer.status >= 500:
        return Retry(Reason.UNAVAILABLE, f"it answers with status {answer.status}", after_s)
    return None


def _refusal(what: Kind, code: str, after_s: float | None, more: str = "") -> Refused | Retry:
    detail = f"Slack says {escape(redact(code), 100)}"
    if what not in _REASONS:
        return Refused(what, f"{detail}{more}")
    wait = after_s if what is Kind.RATE and after_s is not None else _QUOTA_S if "limit_exceeded" in code else None
    advice = f"; {_ADVICE[what]}" if what in _ADVICE else ""
    return Retry(_REASONS[what], f"{detail}{more}{advice}", wait)


def _more(body: Mapping[str, Any]) -> str:
    """What it says of the place that is wrong, or of the right that is missing."""
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    said = [text for text in messages if isinstance(text, str)] if isinstance(messages, list) else []
    if isinstance(body.get("needed"), str):
        said.append(f"needed: {body['needed']}")
    return f" ({escape(redact('; '.join(said[:3])), 200)})" if said else ""


def _reveal(secret: Secret) -> str | Retry:
    """The secret, if it is one that can be sent at all."""
    try:
        value = secret.reveal()
    except UsageError as error:
        return Retry(Reason.UNAUTHORIZED, escape(str(error), 400))
    if not value.isascii() or not value.isprintable() or " " in value:
        return Retry(Reason.UNAUTHORIZED, "the token or webhook has characters that none of Slack's has; check it")
    return value
