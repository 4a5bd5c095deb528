"""The last section of a post-mortem: measures so that its causes do not return, and tasks from how people responded."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from leadline.catalogue import CAUSES
from leadline.model.incident import Change
from leadline.words import duration
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.markdown import code, text
from leadline_sinks.incident_log.postmortem.impact import Breach
from leadline_sinks.incident_log.postmortem.roots import CHANGE, roots
from leadline_sinks.incident_log.postmortem.watching import watching

SLOW_DETECTION_S: Final = 300.0
LONG_S: Final = 900.0
"""From the first notification on: somebody should have acknowledged an incident that lasted longer."""
SUCCESSION: Final = frozenset({"role", "primary_conninfo", "primary_slot_name"})
"""Changes by which one server replaces another: the way back would be another failover, and is never a task."""


@dataclass(frozen=True, slots=True)
class Measures:
    """An improvement changes how things are built; a task is done once and ticked off."""

    improvements: tuple[str, ...]
    tasks: tuple[str, ...]


def measures_against(codes: Iterable[str]) -> Measures:
    """Those of several causes, each once, in the causes' order; of a code that is not known, those of ``unknown``."""
    found = [CAUSES.get(code, CAUSES["unknown"]) for code in codes] or [CAUSES["unknown"]]
    return Measures(
        tuple(dict.fromkeys(text for each in found for text in each.improvements)),
        tuple(dict.fromkeys(text for each in found for text in each.tasks)),
    )


def measures(history: IncidentHistory, found: Sequence[Breach]) -> Iterator[str]:
    """The section."""
    incident = history.incident
    codes = [cause.code for cause in roots(history)]
    if any(change.at <= incident.opened_at for change in _configured(incident.changes)):
        codes.append(CHANGE)
    wanted = measures_against(dict.fromkeys(codes))
    yield "## Corrective and preventative measures"
    yield ""
    yield "### Improvements and fixes"
    yield ""
    for each in wanted.improvements:
        yield f"- {each}"
    yield ""
    yield "### Watched already"
    yield ""
    yield from watching(history, found, (*wanted.improvements, *wanted.tasks))
    yield ""
    yield "### Tasks"
    yield ""
    for each in (*wanted.tasks, *_tasks(history, found)):
        yield f"- [ ] {each} *owner, due*"


def _tasks(history: IncidentHistory, found: Sequence[Breach]) -> Iterator[str]:
    """Tasks that follow from the response, whatever the cause was."""
    times = history.times
    if times.to_detect_s > SLOW_DETECTION_S:
        yield f"Detection took {duration(times.to_detect_s)}: review the limits of the rules that fired."
    ends_at = history.incident.resolved_at or max((each.at for each in history.deliveries), default=None)
    first = history.notified_at
    long = first is not None and ends_at is not None and (ends_at - first).total_seconds() > LONG_S
    if long and history.acknowledged is None:
        yield "Nobody acknowledged the incident: check who is on call for this cluster, and that they are paged."
    for each in _not_reverted(_configured(history.incident.changes)):
        was = code(each.from_) if each.from_ is not None else "unset"
        now = code(each.to) if each.to is not None else "unset"
        left = f"{code(each.setting)} on {text(each.node)} was {was}, and {now} when last seen"
        repaired = each.at > history.incident.opened_at
        yield f"{left}: {'document it, or revert it' if repaired else 'revert it, or document why it stays'}."
    for target in sorted({each.target for each in history.deliveries if each.outcome == "given_up"}):
        yield f"{text(target)} could not be notified: repair it, and send a test."
    if rules := list(dict.fromkeys(each.rule for each in found)):
        pages = ", ".join(code(f"leadline runbook {rule}") for rule in rules)
        yield f"Go through the runbooks with those who were on call, and write down what was missing: {pages}."


def _configured(changes: Sequence[Change]) -> list[Change]:
    """The changes of settings; without those of a server that took over, and of those that follow it, if one did."""
    moved = any(change.setting == "role" for change in changes)
    return [each for each in changes if not (moved and each.setting in SUCCESSION)]


def _not_reverted(changes: Sequence[Change]) -> list[Change]:
    """For each setting whose last value differs from its first, one change from the first to the last."""
    whole: dict[tuple[str, str], Change] = {}
    for each in sorted(changes, key=lambda change: (change.at, change.node, change.setting)):
        first = whole.setdefault((each.node, each.setting), each)
        whole[each.node, each.setting] = replace(first, to=each.to)
    return [each for each in whole.values() if each.to != each.from_]
