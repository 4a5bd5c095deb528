"""What an answer of PagerDuty means. Pure.

Statuses are those of its guide (PagerDuty/developer-docs, docs/events-API-v2/01-Overview); 408 is temporary in its own
client (PagerDuty/go-pagerduty, event_v2.go).
"""

import msgspec

from leadline.logs import escape
from leadline.settings.secret import MASK
from leadline_sinks.http import Answer
from leadline_sinks.notify.sink import GiveUp, Reason, Retry

_WORDS = 300


class _Refusal(msgspec.Struct):
    """The body of an answer that is not 202."""

    message: str = ""
    errors: list[str] | str = []


def failure(answer: Answer, after_s: float | None, key: str) -> Retry | GiveUp | None:
    """Why PagerDuty did not take an event; None when it did. ``key`` is in no detail."""
    status = answer.status
    words = _words(answer.body, key)
    said = f"{status}: {words}" if words else str(status)
    match status:
        case 202:
            return None
        case 429:
            return Retry(Reason.RATE_LIMITED, said, after_s)
        case 408 | 425:
            return Retry(Reason.UNAVAILABLE, said, after_s)
        case 401 | 403:
            return Retry(Reason.UNAUTHORIZED, f"{said}; check the routing key and the region of pagerduty.url", after_s)
        case 404 | 405 | 410:
            return Retry(Reason.TARGET_GONE, f"{said}; check pagerduty.url", after_s)
        case 504:  # a gateway gave up waiting: behind it, the event may have been taken
            return Retry(Reason.TIMEOUT, said, after_s)
        case _ if status >= 500:
            return Retry(Reason.UNAVAILABLE, said, after_s)
        case _ if status >= 400:
            if "routing key" in words.lower().replace("_", " "):
                return Retry(Reason.UNAUTHORIZED, f"{said}; check the routing key")
            return GiveUp(Reason.REJECTED, said)
        case _ if status >= 300:
            return Retry(Reason.TARGET_GONE, f"{said}: it sends us elsewhere; check pagerduty.url")
    return Retry(Reason.GARBLED, f"{said} in place of 202; is pagerduty.url the address of PagerDuty?")


def _words(body: bytes, key: str) -> str:
    """Its own words in one line, safe to show."""
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        return ""
    errors = [refusal.errors] if isinstance(refusal.errors, str) else refusal.errors
    words = ": ".join(part for part in (refusal.message, "; ".join(errors)) if part)
    return escape(words.replace(key, MASK), _WORDS)
