"""One line of the story as it happens: what was done, seen, judged and said to whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline_lab.demo.observed import Arrival

Kind = Literal["setup", "step", "did", "saw", "missed", "alert", "incident", "cause", "told"]
VENDORS = {"slack": "Slack", "pagerduty": "PagerDuty"}
TOLD = {
    "post": "a message",
    "update": "an edit of its message",
    "trigger": "a page",
    "change": "a change event",
    "acknowledge": "word that somebody took it",
    "resolve": "the end of the page",
}
"""What a vendor's word means to people."""
ENDS = frozenset({"sent", "suppressed", "given_up"})
"""Outcomes after which nothing follows of that word."""
SPOKEN_OF = frozenset({"opened", "escalated", "resolved"})
"""Words to the real ones that are worth a line."""


@dataclass(frozen=True, slots=True)
class Beat:
    """``since_s`` counts from the injection; None before it."""

    kind: Kind
    text: str
    at: datetime
    since_s: float | None = None


class Newsreader:
    """Says of each value only what is new in it."""

    def __init__(self) -> None:
        self._incidents: dict[str, tuple[object, ...]] = {}
        self._headlines: dict[tuple[str, str], str] = {}

    def read(self, news: object) -> Iterator[tuple[Kind, str]]:
        """Lines about a value of a topic, or about something that a vendor got."""
        if isinstance(news, Transition):
            if news.to == "firing" and news.from_ in ("pending", "ok"):
                yield "alert", f"{news.rule} fires: {news.summary}"
            elif news.to == "resolved":
                yield "alert", f"{news.rule} resolved: {news.subject.id}"
        elif isinstance(news, Incident):
            yield from self._incident(news)
        elif isinstance(news, Arrival):
            yield from self._arrival(news)
        elif isinstance(news, Delivery) and news.outcome in ENDS and news.occasion in SPOKEN_OF:
            yield "told", f"{news.target}: {news.outcome}, {news.occasion}"

    def _incident(self, news: Incident) -> Iterator[tuple[Kind, str]]:
        first = news.causes[0] if news.causes else None
        before = self._incidents.get(news.incident_id, (None, None, None))
        now = (news.state, news.severity, first.code if first is not None else None)
        self._incidents[news.incident_id] = now
        if now[:2] != before[:2]:
            yield "incident", f"incident {news.state}, {news.severity}: {news.title}"
        if news.state == "open" and first is not None and now[2] != before[2]:
            yield "cause", f"{first.code} ({first.confidence:.2f}): {first.summary}"

    def _arrival(self, news: Arrival) -> Iterator[tuple[Kind, str]]:
        """An edit is told when it changes the headline; replies come with edits and are not told."""
        if news.kind == "reply":
            return
        what, about = TOLD.get(news.kind, news.kind), (news.vendor, news.key)
        before = self._headlines.get(about)
        if news.kind != "change":
            self._headlines[about] = news.headline
        if news.kind == "update" and before == news.headline:
            return
        if news.kind == "trigger" and before is not None:
            what = "an update of the page"
        said = f": {news.headline}" if news.headline else ""
        yield "told", f"{VENDORS.get(news.vendor, news.vendor)} got {what}{said}"
