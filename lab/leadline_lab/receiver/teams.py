"""A workflow of Microsoft Teams that posts the cards that it gets.

As the vendor's, it answers 202 as soon as it has a request that is JSON, and posts after that: a card that cannot be
posted is refused where only the owner of the workflow sees it. Here that is the problem of the request.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import orjson

from leadline.wire import encode
from leadline_lab.receiver.exchange import Event, Reply, Request
from leadline_sinks.teams import limits
from leadline_sinks.teams.card import counted_bytes

VENDOR = "teams"
CARD: Final = "application/vnd.microsoft.card.adaptive"
PER_SECOND: Final = 4
"""Requests that a webhook of Teams takes in a second (Microsoft Learn, "Create and send messages", rate limiting)."""
VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5")
ELEMENTS: Final = frozenset({"Container", "TextBlock", "RichTextBlock", "FactSet", "ColumnSet", "Image", "ActionSet"})
ACTIONS: Final = frozenset({"Action.OpenUrl", "Action.ShowCard", "Action.ToggleVisibility"})
"""A workflow has nobody to whom another action could be reported."""


def answer(request: Request, before: Sequence[Event]) -> tuple[Reply, list[Event]]:
    """202 for JSON; the problem is what keeps the workflow from posting it."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        return _refuse(415, "UnsupportedMediaType"), []
    second = request.at - timedelta(seconds=1)
    if sum(event.vendor == VENDOR and event.at > second for event in before) >= PER_SECOND:
        return _refuse(429, "TooManyRequests"), []
    try:
        given = orjson.loads(request.body)
    except (ValueError, RecursionError):
        return _refuse(400, "InvalidRequestContent"), []
    cards, problem = _cards(given)
    problem = problem or next((why for card in cards if (why := _problem(card))), None)
    if problem is not None:
        return Reply(202, b"", problem=problem), []
    return Reply(202, b""), [
        Event(request.at, VENDOR, "card", str(card.get("fallbackText", "")), card) for card in cards
    ]


def texts(card: Mapping[str, Any]) -> list[str]:
    """Every text that a reader of a card sees, in order."""
    found = []
    for element in card.get("body", ()):
        found += texts({"body": element.get("items", ())})
        found += [run["text"] for run in element.get("inlines", ())]
        found += [element["text"]] if "text" in element else []
    return found


def _cards(given: Any) -> tuple[list[Mapping[str, Any]], str | None]:
    """The cards of a message; or the words of the step that cannot find them."""
    attachments = given.get("attachments") if isinstance(given, dict) else None
    if not isinstance(attachments, list):
        return [], (
            "The execution of template action 'Send_each_adaptive_card' failed: the result of the evaluation of "
            "'foreach' expression is of type 'Null'. The result must be a valid array."
        )
    if given.get("type") != "message" or not all(
        isinstance(each, dict) and each.get("contentType") == CARD and isinstance(each.get("content"), dict)
        for each in attachments
    ):
        return [], f"not a message whose attachments are of type {CARD}"
    return [each["content"] for each in attachments], None


def _problem(card: Mapping[str, Any]) -> str | None:
    """The first problem for which Teams does not post a card."""
    if card.get("type") != "AdaptiveCard":
        return "Property 'type' must be 'AdaptiveCard'"
    if card.get("version") not in VERSIONS:
        return f"version {card.get('version')} is not shown"
    if (size := counted_bytes(dict(card))) > limits.MESSAGE_BYTES:
        return (
            f"MessageSizeExceeded-Message properties size exceeded. Actual message properties size: {size} bytes, "
            f"whereas max allowed size is {limits.MESSAGE_BYTES} bytes"
        )
    unknown = [each.get("type") for each in card.get("body", ()) if each.get("type") not in ELEMENTS]
    unknown += [each.get("type") for each in card.get("actions", ()) if each.get("type") not in ACTIONS]
    return f"{unknown[0]} is not supported" if unknown else None


def _refuse(status: int, code: str) -> Reply:
    body = encode({"error": {"code": code, "message": code}})
    return Reply(status, body, {"content-type": "application/json"}, problem=code)
