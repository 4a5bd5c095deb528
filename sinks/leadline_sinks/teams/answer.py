"""The failure that a response of a workflow reports. Pure.

A workflow answers 202 when it has taken the request, before it posts: whether the card was posted is not reported. So
cards are kept within the sizes that Teams takes. A connector of Office 365 answered 200 in every case, with the failure
in words (prometheus-msteams/prometheus-msteams issue 29); only 202 is taken for success.
"""

import re
from typing import Final

import orjson

from leadline.logs import escape
from leadline_sinks.http import Response
from leadline_sinks.notify.sink import GiveUp, Reason, Retry

_GONE: Final = ("WorkflowTriggerIsNotEnabled", "WorkflowNotFound", "WorkflowTriggerNotFound", "WorkflowDisabled")
"""Codes of a workflow that was turned off or deleted, or whose owner has left."""
_LEGACY: Final = re.compile(rb"HTTP error (\d{3})")


def failure(response: Response, after_s: float | None) -> Retry | GiveUp | None:
    """The failure; None when the workflow has taken the request."""
    status, code = response.status, _code(response.body)
    detail = f"{status}: {code}" if code else str(status)
    if code in _GONE:
        return Retry(Reason.TARGET_GONE, f"{detail}; turn the workflow on, or create another, and check teams.url")
    match status:
        case 202:
            return None
        case 401 | 403:
            return Retry(Reason.UNAUTHORIZED, f"{detail}; copy teams.url from the workflow again", after_s)
        case 404 | 405 | 410:
            return Retry(Reason.TARGET_GONE, f"{detail}: no workflow at this URL; check teams.url", after_s)
        case 408 | 425:
            return Retry(Reason.UNAVAILABLE, detail, after_s)
        case 429:
            return Retry(Reason.RATE_LIMITED, detail, after_s)
        case 504:  # a gateway timed out: the workflow may have taken the request
            return Retry(Reason.TIMEOUT, detail, after_s)
        case _ if status >= 500:
            return Retry(Reason.UNAVAILABLE, detail, after_s)
        case _ if status >= 400:
            return GiveUp(Reason.REJECTED, detail)
        case _ if status >= 300:
            return Retry(Reason.TARGET_GONE, f"{detail}: redirects are not followed; check teams.url")
    return _unlike(response, detail)


def _unlike(response: Response, detail: str) -> Retry | GiveUp:
    """An answer that no workflow gives, perhaps that of a connector."""
    if (found := _LEGACY.search(response.body)) is not None:
        number = int(found[1])
        if number == 413:
            return GiveUp(Reason.REJECTED, "the card is too large for Teams")
        reason = Reason.RATE_LIMITED if number == 429 else Reason.UNAVAILABLE
        return Retry(reason, f"{detail}, and in words: HTTP error {number}")
    return Retry(Reason.GARBLED, f"{detail} instead of 202; check that teams.url is that of a workflow")


def _code(body: bytes) -> str:
    """The code of an error of Power Automate, such as ``WorkflowNotFound``; empty where there is none."""
    try:
        found = orjson.loads(body)["error"]["code"]
    except (ValueError, LookupError, TypeError):
        return ""
    return escape(found, 60) if isinstance(found, str) and re.fullmatch(r"[A-Za-z]+", found) else ""
