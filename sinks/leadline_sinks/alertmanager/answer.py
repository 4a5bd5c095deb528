"""The failure that a response of Alertmanager reports. Pure.

It answers 200 for alerts that it has taken, 400 with the reason for those that it has not (``api/v2/openapi.yaml`` of
prometheus/alertmanager).
"""

import orjson

from leadline.logs import escape
from leadline.redaction.redact import redact
from leadline_sinks.http import Response
from leadline_sinks.notify.sink import GiveUp, Reason, Retry

_WORDS = 200


def failure(response: Response, after_s: float | None, secrets: tuple[str, ...]) -> Retry | GiveUp | None:
    """The failure; None when the alerts were taken. None of ``secrets`` is in its detail."""
    status = response.status
    match status:
        case 200 if response.body.strip() in (b"", b"{}"):
            return None
        case 401 | 403 | 407:
            return Retry(Reason.UNAUTHORIZED, f"{status}: access denied; check the login or token", after_s)
        case 404 | 405 | 410:
            return Retry(Reason.TARGET_GONE, f"{status}: no Alertmanager with API v2 there; check alertmanager.urls")
        case 408 | 425:
            return Retry(Reason.UNAVAILABLE, f"{status}", after_s)
        case 429:
            return Retry(Reason.RATE_LIMITED, f"{status}", after_s)
        case 504:
            return Retry(Reason.TIMEOUT, f"{status}", after_s)
        case _ if status >= 500:
            return Retry(Reason.UNAVAILABLE, f"{status}", after_s)
        case _ if status >= 400:
            return GiveUp(Reason.REJECTED, f"{status}: {_words(response.body, secrets)}")
        case _ if status >= 300:
            return Retry(Reason.TARGET_GONE, f"{status}: redirects are not followed; set urls to the new address")
    return Retry(Reason.GARBLED, f"{status}, and not in the words of Alertmanager; check alertmanager.urls")


def _words(body: bytes, secrets: tuple[str, ...]) -> str:
    """The reason, a JSON string, on one line."""
    try:
        found = orjson.loads(body)
    except ValueError:
        found = ""
    text = redact(found if isinstance(found, str) else "")
    for secret in secrets:
        text = text.replace(secret, "***")
    return escape(text, _WORDS) or "the alert is rejected"
