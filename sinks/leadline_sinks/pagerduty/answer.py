"""The failure that a response of PagerDuty reports. Pure.

The statuses are those of its guide (PagerDuty/developer-docs, docs/events-API-v2/01-Overview). 408 is temporary in its
own client (PagerDuty/go-pagerduty, event_v2.go).
"""

import msgspec

from leadline.logs import escape
from leadline.settings.secret import MASK
from leadline_sinks.http import Response
from leadline_sinks.notify.sink import GiveUp, Reason, Retry

_MESSAGE_CHARACTERS = 300


class _Refusal(msgspec.Struct):
    """The body of a response that is not 202."""

    message: str = ""
    errors: list[str] | str = []


def failure(response: Response, after_s: float | None, key: str) -> Retry | GiveUp | None:
    """The failure; None when PagerDuty has accepted the event. ``key`` is in no detail."""
    status = response.status
    words = _message(response.body, key)
    detail = f"{status}: {words}" if words else str(status)
    match status:
        case 202:
            return None
        case 429:
            return Retry(Reason.RATE_LIMITED, detail, after_s)
        case 408 | 425:
            return Retry(Reason.UNAVAILABLE, detail, after_s)
        case 401 | 403:
            return Retry(
                Reason.UNAUTHORIZED, f"{detail}; check the routing key and the region of pagerduty.url", after_s
            )
        case 404 | 405 | 410:
            return Retry(Reason.TARGET_GONE, f"{detail}; check pagerduty.url", after_s)
        case 504:  # a gateway timed out: PagerDuty may have accepted the event
            return Retry(Reason.TIMEOUT, detail, after_s)
        case _ if status >= 500:
            return Retry(Reason.UNAVAILABLE, detail, after_s)
        case _ if status >= 400:
            if "routing key" in words.lower().replace("_", " "):
                return Retry(Reason.UNAUTHORIZED, f"{detail}; check the routing key")
            return GiveUp(Reason.REJECTED, detail)
        case _ if status >= 300:
            return Retry(Reason.TARGET_GONE, f"{detail}: redirects are not followed; check pagerduty.url")
    return Retry(Reason.GARBLED, f"{detail} instead of 202; check that pagerduty.url is an address of PagerDuty")


def _message(body: bytes, key: str) -> str:
    """The message of the response in one line, safe to show."""
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        return ""
    errors = [refusal.errors] if isinstance(refusal.errors, str) else refusal.errors
    words = ": ".join(part for part in (refusal.message, "; ".join(errors)) if part)
    return escape(words.replace(key, MASK), _MESSAGE_CHARACTERS)
