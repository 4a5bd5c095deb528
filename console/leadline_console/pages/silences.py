"""Silences: those that hold and those to come; and a new one, with what it would match now. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Final

import msgspec

from leadline.errors import UsageError
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline_console.page import Asked, Page
from leadline_console.pages.announced import announcements
from leadline_console.pages.incidents import ListedIncident, listed_incident
from leadline_console.read_model import ReadModel
from leadline_console.wording import many
from leadline_sinks.notify.incident_index import IncidentIndex
from leadline_sinks.notify.known_names import KnownNames, require_possible
from leadline_sinks.notify.matchable import parsed
from leadline_sinks.notify.matching import LABEL, MATCHERS

LENGTHS_S: Final[Mapping[str, int]] = {
    "30m": 1800, "1h": 3600, "2h": 7200, "4h": 14400, "8h": 28800, "24h": 86400, "3d": 259200, "7d": 604800,
}  # fmt: skip
"""Lengths that the form offers. A silence without an end would hide the next fault as well."""
DEFAULT_LENGTH: Final = "2h"
MOST_SHOWN: Final = 20
MOST_ROWS: Final = 50
LONGEST_PATTERN: Final = 255
LABELS: Final = "labels"
"""The field of the form for matchers of labels: ``team=payments env=prod``."""


class SilenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One silence that is not over."""

    silence_id: str
    matchers: dict[str, str]
    state: str
    """``active`` or ``to come``."""
    starts_at: datetime
    ends_at: datetime
    by: str
    comment: str
    holds_back: int
    """Open incidents that it matches now."""
    held_back: int
    """Incidents of which it has held a notification back so far."""
    announcement: str
    """The identity of the record that people are sent about it; empty without one."""


class SilencePreview(msgspec.Struct, frozen=True, kw_only=True):
    """The effect that a silence with the matchers of the address would have."""

    matchers: dict[str, str]
    problem: str
    """The reason for which it is refused; empty where it is not."""
    matches: list[ListedIncident]
    """Open incidents that it matches now, at most 20."""
    matched: int
    recent: int
    """Incidents that have ended and that it would have matched."""
    is_wide: bool
    """Whether it matches every incident, of every cluster."""


class SilencesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Silences and the form for a new one."""

    first_line: str
    rows: list[SilenceRow]
    """The first that end, in the order of their ends."""
    left_out: int
    """Further silences that are not over; `leadline silence list` has all of them."""
    given: dict[str, str]
    """The fields of the form as they were given."""
    fields: list[str]
    """Names of the fields of the form."""
    length: str
    lengths: list[str]
    comment: str
    unknown: bool
    """Whether names that Kafka does not show yet are accepted."""
    preview: SilencePreview | None
    """None where no matcher was given."""
    as_of: str
    """The time of the page, which makes sending the same form twice one silence."""


def view(model: ReadModel, asked: Asked) -> SilencesPage:
    """The matchers, ``for``, ``comment`` and ``unknown`` in the address fill the form and make the preview."""
    given = {name: asked.text(name).strip() for name in (*MATCHERS, LABELS)}
    active = [each for each in model.silences.values() if each.ends_at > asked.now]
    active.sort(key=lambda each: (each.ends_at, each.silence_id))
    index = IncidentIndex(model.open_incidents.values())
    announced = announcements(model)
    rows = [_row(model, index, announced, each, asked.now) for each in active[:MOST_ROWS]]
    unknown = asked.text("unknown") != ""
    length = asked.text("for", DEFAULT_LENGTH)
    return SilencesPage(
        first_line=_first_line(index, active, asked.now),
        rows=rows,
        left_out=max(0, len(active) - MOST_ROWS),
        given=given,
        fields=list(MATCHERS),
        length=length if length in LENGTHS_S else DEFAULT_LENGTH,
        lengths=list(LENGTHS_S),
        comment=asked.text("comment")[:1000],
        unknown=unknown,
        preview=preview(model, index, given, asked.now, unknown=unknown) if any(given.values()) else None,
        as_of=asked.now.isoformat(timespec="seconds"),
    )


def preview(
    model: ReadModel, index: IncidentIndex, given: Mapping[str, str], now: datetime, *, unknown: bool
) -> SilencePreview:
    """The incidents that a silence with these fields would match; refused with a reason where it can match none."""
    try:
        patterns = matchers(given)
        check(model, patterns, now, unknown=unknown)
    except UsageError as error:
        return SilencePreview(matchers={}, problem=str(error), matches=[], matched=0, recent=0, is_wide=False)
    found = index.chosen(index.matched(patterns))
    ended = IncidentIndex(model.resolved_incidents.values()).matched(patterns)
    return SilencePreview(
        matchers=patterns,
        problem="",
        matches=[listed_incident(model, each, now) for each in found[:MOST_SHOWN]],
        matched=len(found),
        recent=ended.bit_count(),
        is_wide=all(set(pattern) <= {"*"} for pattern in patterns.values()),
    )


def matchers(given: Mapping[str, str]) -> dict[str, str]:
    """The matchers of the form's fields. Raises UsageError where there is none, or one is none."""
    texts = [f"{name}={given[name].strip()}" for name in MATCHERS if given.get(name, "").strip()]
    for text in given.get(LABELS, "").split():
        name, equals, pattern = text.partition("=")
        if not name or not equals or not pattern:
            raise UsageError(f"{text!r} is no label; give NAME=PATTERN, such as team=payments")
        texts.append(text if text.startswith(LABEL) else LABEL + text)
    found = parsed(texts)
    if not found:
        raise UsageError("no matcher is given; a silence needs at least one, such as the cluster")
    for name, pattern in found.items():
        if len(pattern) > LONGEST_PATTERN:
            raise UsageError(f"the pattern for {name} has {len(pattern)} characters; the limit is {LONGEST_PATTERN}")
    return found


def check(model: ReadModel, patterns: Mapping[str, str], now: datetime, *, unknown: bool) -> None:
    """Raise UsageError for matchers that no incident can have, as `leadline silence add` does."""
    incidents = (*model.open_incidents.values(), *model.resolved_incidents.values())
    known = KnownNames.of((*model.nodes.values(), *model.links.values()), incidents)
    require_possible(patterns, known, now, "accept names that are not known yet", unknown=unknown)


def _row(
    model: ReadModel, index: IncidentIndex, announced: Mapping[str, Incident], silence: Silence, now: datetime
) -> SilenceRow:
    announcement = announced.get(silence.silence_id)
    return SilenceRow(
        silence_id=silence.silence_id,
        matchers=dict(silence.matchers),
        state="active" if silence.starts_at <= now else "to come",
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        by=silence.created_by,
        comment=silence.comment,
        holds_back=index.matched(silence.matchers).bit_count(),
        held_back=len(model.held.get(silence.silence_id) or ()),
        announcement=announcement.incident_id if announcement is not None else "",
    )


def _first_line(index: IncidentIndex, silences: Sequence[Silence], now: datetime) -> str:
    active = [each for each in silences if each.starts_at <= now]
    if not active:
        return "No silence is active: every incident is sent."
    held = reduce(or_, (index.matched(each.matchers) for each in active)).bit_count()
    hold = "is active, and holds" if len(active) == 1 else "are active, and hold"
    return f"{many(len(active), 'silence')} {hold} back {many(held, 'open incident')}."


PAGE: Final = Page("/silences", "Silences", "silences.html", view, menu="Silences")
