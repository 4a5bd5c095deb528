"""One request to Slack and its result: the Web API and incoming webhooks, whose responses differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from leadline.errors import UsageError
from leadline.logs import escape
from leadline.redaction.redact import redact
from leadline.settings.secret import Secret
from leadline_sinks.http import Http, Response
from leadline_sinks.notify.sink import GiveUp, Reason, Retry
from leadline_sinks.slack.errors import ErrorKind, classify

_JSON: Final = "application/json; charset=utf-8"
_QUOTA_S: Final = 600.0
"""Wait after ``message_limit_exceeded``, the quota of a workspace, which has no Retry-After."""
_REASONS: Final = {
    ErrorKind.RATE: Reason.RATE_LIMITED,
    ErrorKind.TRANSIENT: Reason.UNAVAILABLE,
    ErrorKind.AUTH: Reason.UNAUTHORIZED,
    ErrorKind.TARGET: Reason.TARGET_GONE,
}
_ADVICE: Final = {
    ErrorKind.AUTH: "check the token or webhook and the scopes of the app",
    ErrorKind.TARGET: "check the channel and invite the app",
}
_STATUSES: Final = {400: ErrorKind.PAYLOAD, 401: ErrorKind.AUTH, 403: ErrorKind.AUTH, 413: ErrorKind.PAYLOAD}
"""For webhook responses without a known error code. With any other status, the URL is not one of Slack's."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Slack has accepted the request."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack rejects this message: ``kind`` is PAYLOAD, METADATA, GONE or UNKNOWN."""

    kind: ErrorKind
    detail: str

    def outcome(self) -> Retry | GiveUp:
        """The outcome when no simpler form of the message was accepted."""
        if self.kind is ErrorKind.PAYLOAD:
            return GiveUp(Reason.REJECTED, self.detail)
        return Retry(Reason.UNAVAILABLE, self.detail)


Result = Accepted | Refused | Retry


async def call(http: Http, api_url: str, token: Secret, method: str, arguments: Mapping[str, Any]) -> Result:
    """Call a method of the Web API."""
    revealed = _reveal(token)
    if isinstance(revealed, Retry):
        return revealed
    headers = {"content-type": _JSON, "authorization": f"Bearer {revealed}"}
    response = await http.post(f"{api_url.rstrip('/')}/{method}", orjson.dumps(arguments), headers)
    return response if isinstance(response, Retry) else web_result(response, http.retry_after(response))


async def post(http: Http, webhook: Secret, message: Mapping[str, Any]) -> Result:
    """Post to an incoming webhook."""
    revealed = _reveal(webhook)
    if isinstance(revealed, Retry):
        return revealed
    response = await http.post(revealed, orjson.dumps(message), {"content-type": _JSON})
    return response if isinstance(response, Retry) else webhook_result(response, http.retry_after(response))


def web_result(response: Response, after_s: float | None) -> Result:
    """The result that a response of the Web API reports. Slack reports its errors with status 200."""
    if retry := _temporary(response, after_s):
        return retry
    if response.status in (401, 403, 413):
        return _refusal(_STATUSES[response.status], f"status {response.status}", None)
    if not 200 <= response.status < 300:
        return Retry(Reason.TARGET_GONE, f"status {response.status}; check slack.api_url")
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return Retry(Reason.GARBLED, "the response is not JSON")
    if isinstance(body, dict) and body.get("ok") is True:
        return Accepted(body)
    if not isinstance(body, dict) or body.get("ok") is not False or not isinstance(body.get("error"), str):
        return Retry(Reason.GARBLED, "the response is not one of Slack's")
    return _refusal(classify(body["error"]), body["error"], after_s, _more(body))


def webhook_result(response: Response, after_s: float | None) -> Result:
    """The result that a response of an incoming webhook reports: ``ok``, or a status and an error code."""
    if retry := _temporary(response, after_s):
        return retry
    code = response.body[:200].decode("utf-8", "replace").strip()
    if 200 <= response.status < 300:
        return Accepted({}) if code == "ok" else Retry(Reason.GARBLED, "the response is not one of Slack's")
    known = classify(code)
    if known is ErrorKind.UNKNOWN:
        return _refusal(_STATUSES.get(response.status, ErrorKind.TARGET), f"status {response.status}", after_s)
    return _refusal(known, code, after_s)


def _temporary(response: Response, after_s: float | None) -> Retry | None:
    if response.status == 429:
        return Retry(Reason.RATE_LIMITED, "too many messages", after_s)
    if response.status == 408 or response.status >= 500:
        return Retry(Reason.UNAVAILABLE, f"status {response.status}", after_s)
    return None


def _refusal(kind: ErrorKind, code: str, after_s: float | None, more: str = "") -> Refused | Retry:
    detail = f"Slack reports {escape(redact(code), 100)}"
    if kind not in _REASONS:
        return Refused(kind, f"{detail}{more}")
    wait = after_s if kind is ErrorKind.RATE and after_s is not None else _QUOTA_S if "limit_exceeded" in code else None
    advice = f"; {_ADVICE[kind]}" if kind in _ADVICE else ""
    return Retry(_REASONS[kind], f"{detail}{more}{advice}", wait)


def _more(body: Mapping[str, Any]) -> str:
    """The details of an error: the place in the message that is wrong, or the scope that is missing."""
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    details = [text for text in messages if isinstance(text, str)] if isinstance(messages, list) else []
    if isinstance(body.get("needed"), str):
        details.append(f"needed: {body['needed']}")
    return f" ({escape(redact('; '.join(details[:3])), 200)})" if details else ""


def _reveal(secret: Secret) -> str | Retry:
    """The secret; a ``Retry`` where it cannot be read or cannot be sent."""
    try:
        value = secret.reveal()
    except UsageError as error:
        return Retry(Reason.UNAUTHORIZED, escape(str(error), 400))
    if not value.isascii() or not value.isprintable() or " " in value:
        return Retry(Reason.UNAUTHORIZED, "the token or webhook holds characters that no valid one has; check it")
    return value
