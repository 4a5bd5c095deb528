"""The reasons for which people were, or were not, notified of an incident: on record, and as of now. Pure.

Decisions are made by `leadline sink` and read from the deliveries; nothing is decided here. What no record says is
called not known, with the possible reasons.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from leadline.model.action import Action
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.words import duration
from leadline_console.pages.acknowledged import acknowledgement
from leadline_console.read_model import ReadModel
from leadline_sinks.notify.notify_decision import active_silence

OCCASIONS: Final = {
    "opened": "it opened",
    "updated": "it changed",
    "escalated": "it became more severe",
    "cause_changed": "another cause is ranked first",
    "reopened": "it returned",
    "withdrawn": "a step that discards something is no longer proposed",
    "acknowledged": "somebody acknowledged it",
    "noted": "somebody added a note",
    "repeated": "it is still open, a reminder",
    "kept_open": "its alert was triggered again, in case somebody resolved it by hand",
    "merged": "it is part of an older incident",
    "resolved": "it ended",
    "recurrence": "a measure against it no longer holds",
    "silenced": "a silence holds it back, which its message shows",
    "unsilenced": "no silence holds it back any more, which its message shows",
}
"""The reason for which a target is notified, by the occasion."""
UNDECIDED_S: Final = 60.0
"""An open incident without a decision for so long does not wait for a cause any more."""


class DecisionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One decision about an incident and a target."""

    at: datetime
    decision: str
    """``sent``, ``nothing_new``, ``suppressed``, ``given_up``, ``partial`` or ``attempted``."""
    occasion: str
    why: str
    """The decision and its reason in a sentence."""
    severity: str
    """The severity that the target had been sent then."""
    receipt: dict[str, str]


class TargetAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a target was notified of an incident, and why."""

    target: str
    sink: str
    """The kind of the target; empty where no record names it."""
    reached: str
    """``yes``, ``no`` or ``unknown``."""
    answer: str
    """The answer in a sentence."""
    first_at: datetime | None
    """When the target accepted something first."""
    last_at: datetime | None
    """When something was decided last."""
    next_: str = msgspec.field(name="next")
    """The next notification, and the reason that keeps it back; empty once there is none."""


def answers(model: ReadModel, incident: Incident, now: datetime) -> list[TargetAnswer]:
    """The answer of each target that has a decision about the incident, or about any other; those reached first."""
    known = model.deliveries.get(incident.incident_id) or {}
    elsewhere = {target: each.sink for by in model.deliveries.values() for target, each in by.items()}
    found = [answer(model, incident, target, elsewhere[target], now) for target in sorted({*known, *elsewhere})]
    return sorted(found, key=lambda each: (each.last_at is None, each.reached != "yes", each.target))


def answer(model: ReadModel, incident: Incident, target: str, sink: str, now: datetime) -> TargetAnswer:
    """Whether one target was notified."""
    last = (model.deliveries.get(incident.incident_id) or {}).get(target)
    if last is None:
        return TargetAnswer(
            target=target, sink=sink, reached="no", answer=_never(model, incident, target, now), first_at=None,
            last_at=None, next_="",
        )  # fmt: skip
    silences = {each.silence_id: each for each in model.silences.values()}
    reached = "yes" if last.first_at is not None else "unknown" if last.outcome in ("attempted", "partial") else "no"
    return TargetAnswer(
        target=target,
        sink=last.sink,
        reached=reached,
        answer=_notified(last, incident, silences),
        first_at=last.first_at,
        last_at=last.at,
        next_=_next(model, incident, last, now),
    )


def decision_lines(model: ReadModel, deliveries: Iterable[Delivery], actions: Sequence[Action]) -> list[DecisionLine]:
    """Every decision of these records, oldest first, each once."""
    silences = {each.silence_id: each for each in model.silences.values()}
    given = {each.action_id: each for each in actions}
    lines: dict[tuple[datetime, str, str], DecisionLine] = {}
    before: set[str] = set()
    for each in sorted(deliveries, key=lambda each: each.at):
        if (each.at, each.outcome, each.occasion) in lines:
            continue
        new = [given[ident] for ident in each.actions if ident in given and ident not in before]
        before.update(each.actions)
        why = sentence(each, silences) + "".join(f"; {action.by}: {action.kind}" for action in new)
        lines[each.at, each.outcome, each.occasion] = DecisionLine(
            at=each.at,
            decision=each.outcome,
            occasion=each.occasion,
            why=why,
            severity=each.severity,
            receipt=dict(each.receipt),
        )
    return list(lines.values())


def sentence(each: Delivery, silences: dict[str, Silence]) -> str:
    """A decision with its reason."""
    occasion = OCCASIONS.get(each.occasion, each.occasion)
    match each.outcome:
        case "sent":
            return f"sent, since {occasion}"
        case "nothing_new":
            return f"nothing sent: {each.target} had everything already ({occasion})"
        case "partial":
            return f"accepted in part, since {occasion}; the rest follows"
        case "suppressed":
            return f"held back by {held_by(each.reason, silences)} ({occasion})"
        case "given_up":
            why = each.reason or "no reason was given"
            return f"{each.target} refused it: {why}; this state is not sent again ({occasion})"
        case "attempted":
            return f"an attempt began, since {occasion}; its outcome is not on record"


def held_by(reason: str | None, silences: dict[str, Silence]) -> str:
    """The silence that holds a notification back, with its author and comment, or the incident of a lost datacenter."""
    if reason is None:
        return "a silence"
    silence = silences.get(reason)
    if silence is not None:
        comment = f": {silence.comment}" if silence.comment else ""
        return f"the silence {reason} of {silence.created_by}{comment}"
    return f"the silence {reason}, which is over" if reason.startswith("sil_") else f"the incident {reason}"


def _notified(last: Delivery, incident: Incident, silences: dict[str, Silence]) -> str:
    if last.first_at is None:
        return f"Not notified: {sentence(last, silences)}."
    took_s = max(0.0, (last.first_at - incident.detected_at).total_seconds())
    text = f"Notified {duration(took_s)} after the first alert; last: {sentence(last, silences)}."
    if last.state == "resolved":
        return f"{text} It has the end of the incident."
    return text


def _never(model: ReadModel, incident: Incident, target: str, now: datetime) -> str:
    """The reason for which no decision is on record, as far as the topics show it."""
    if incident.announcement is not None:
        return (
            "No decision is on record: the silence holds nothing back from it, it pages people and is not sent "
            "announcements, or notify.announce_silences has them sent later or never."
        )
    if incident.state == "resolved":
        return f"No decision is on record: no route leads from it to {target}, or it ended before one was due."
    silence = active_silence(incident, list(model.silences.values()), now)
    if silence is not None:
        return f"No decision is on record; {held_by(silence.silence_id, {silence.silence_id: silence})} matches it."
    if (now - incident.detected_at).total_seconds() < UNDECIDED_S:
        return "No decision is on record yet: the first notification may wait for the cause for some seconds."
    return (
        f"No decision is on record: either no route of leadline sink leads from it to {target}, or no process that "
        f"delivers to {target} runs."
    )


def _next(model: ReadModel, incident: Incident, last: Delivery, now: datetime) -> str:
    """The next notification of the target, and the reason that keeps it back."""
    if incident.state == "resolved":
        over = last.state == "resolved" or last.first_at is None
        return "" if over else "Its end is not delivered yet: it is paced, or must stay ended for a moment first."
    if incident.class_ != "page":
        return ""
    silence = active_silence(incident, list(model.silences.values()), now)
    if silence is not None:
        by = held_by(silence.silence_id, {silence.silence_id: silence})
        return f"Held back until {silence.ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC by {by}."
    if last.outcome == "given_up":
        return f"Another state is sent again; {last.target} may refuse that as well until the reason is gone."
    if last.outcome == "suppressed":
        return "What held it back is over: it is sent with the next decision, if it is still open."
    if last.seq < incident.seq:
        return "A newer state follows: updates are paced by notify.update_every_s, and by the target's rate limit."
    given = acknowledgement(model, incident)
    if given is not None:
        return f"Acknowledged by {given.by}: only a change for the worse, its end and rare reminders follow."
    return "Nobody has acknowledged it: a reminder follows after notify.repeat_s, unless that is switched off."
