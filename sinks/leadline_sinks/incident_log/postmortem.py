"""The draft of a post-mortem, in Markdown. Pure, and the same for the same story.

What the log knows is said; what only people know is asked for in italics, in the place where it belongs.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from leadline.catalogue import RULES
from leadline.model.alert import Evidence
from leadline.model.incident import Cause, Change
from leadline.steps import grouped
from leadline.words import duration
from leadline_sinks.incident_log.impact import Breach, breaches
from leadline_sinks.incident_log.incident_history import Story
from leadline_sinks.incident_log.markdown import block, code, table, text
from leadline_sinks.incident_log.measures import measures
from leadline_sinks.incident_log.phrases import about, amount, second, sentence

LIKELY: Final = 0.5
"""Causes ranked below the first count for the measures from this confidence on."""
SLOW_DETECTION_S: Final = 300.0
NOT_YET: Final = "not yet"
_BY: Final = {"judgement": "Leadline", "delivery": "sink", "person": "people"}


def draft(story: Story) -> str:
    """The page."""
    found = breaches(story.transitions)
    sections = (_head(story), _summary(story, found), _timeline(story), _cause(story), _response(story))
    lines = [line for section in (*sections, _measures(story, found)) for line in (*section, "")]
    return "\n".join(lines)


def _head(story: Story) -> Iterator[str]:
    incident = story.incident
    where = ", ".join(map(text, incident.datacenters)) or "not given"
    yield f"# Post-mortem: {text(incident.title)}"
    yield ""
    yield "A draft from the incident log. *In italics: what only people know, to be filled in.*"
    yield ""
    yield from table(
        ("Incident", code(incident.incident_id)),
        [
            ("Cluster", text(incident.cluster)),
            ("Datacentres", where),
            ("State", incident.state),
            ("Severity", _severity(story)),
            ("Alerts", ", ".join(map(code, incident.rules)) or str(len(incident.alerts))),
            ("Owner of this page", "*name*"),
        ],
    )


def _severity(story: Story) -> str:
    last, worst = story.incident.severity, story.peak_severity
    return worst if worst == last else f"{worst} at its worst, {last} at the end"


def _summary(story: Story, found: Sequence[Breach]) -> Iterator[str]:
    incident = story.incident
    yield "## Issue summary"
    yield ""
    if incident.resolved_at is not None:
        lasted = duration((incident.resolved_at - incident.opened_at).total_seconds())
        yield f"- **Duration:** {lasted}, from {second(incident.opened_at)} to {second(incident.resolved_at)} UTC."
    else:
        yield f"- **Duration:** since {second(incident.opened_at)} UTC; it is not over."
    yield f"- **Impact:** {_impact(found)} *Whom it affected, and how they noticed.*"
    yield f"- **Root cause:** {_root(story)}"
    if not found:
        return
    yield ""
    yield "### What was affected"
    yield ""
    headings = ("What", "Alert", "Severity", "The link was", "Worst seen", "Limit", "From (UTC)", "Until (UTC)")
    yield from table(headings, map(_breach, found))
    yield ""
    yield "The values are those at the alerts' transitions; in between they may have been worse. For the data it meant:"
    yield ""
    yield from _meant(found)


def _meant(found: Sequence[Breach]) -> Iterator[str]:
    """What it meant, by subject; those that suffered the same are named together."""
    effects: dict[str, list[str]] = {}
    for each in found:
        effects.setdefault(about(each.subject), []).append(_effect(each.rule))
    alike: dict[tuple[str, ...], list[str]] = {}
    for subject, said in effects.items():
        alike.setdefault(tuple(dict.fromkeys(said)), []).append(subject)
    for effect, subjects in alike.items():
        yield f"- {', '.join(subjects)}: {' '.join(effect)}"


def _impact(found: Sequence[Breach]) -> str:
    if not found:
        return "no alert that fired is in the log."
    worst = [_late(found, unit) for unit in ("s", "bytes")]
    late = " and ".join(each for each in worst if each)
    kinds = [f"{len(ids)} {kind}{'s' if len(ids) > 1 else ''}" for kind, ids in _kinds(found).items()]
    return f"{' and '.join(kinds)} affected{'; ' + late if late else ''}."


def _late(found: Sequence[Breach], unit: str) -> str:
    rules = {"s": ("replication_lag",), "bytes": ("replication_lag_bytes",)}[unit]
    late = [each for each in found if each.rule in rules and each.worst is not None]
    if not late:
        return ""
    most = max(late, key=lambda each: each.worst or 0.0)
    return f"{about(most.subject)} was at least {amount(most.worst, unit)} behind at its worst"


def _kinds(found: Sequence[Breach]) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for each in found:
        kinds.setdefault(each.subject.kind, set()).add(each.subject.id)
    return kinds


def _root(story: Story) -> str:
    if not story.causes:
        return "Leadline named none. *What was it?*"
    cause = story.causes[0]
    if cause.code == "unknown":
        return f"Leadline did not find it: {text(cause.summary)}. *What was it?*"
    return sentence(cause.summary)


def _breach(each: Breach) -> tuple[str, ...]:
    return (
        about(each.subject),
        code(each.rule),
        each.severity,
        ", ".join(verdict.replace("_", " ") for verdict in each.verdicts) or "-",
        amount(each.worst, each.unit),
        amount(each.limit, each.unit),
        second(each.since),
        second(each.until) if each.until else NOT_YET,
    )


def _timeline(story: Story) -> Iterator[str]:
    yield "## Timeline (UTC)"
    yield ""
    started = [(second(story.incident.opened_at), "the first breach began", "Leadline")]
    rows = [(second(each.at), text(each.what, 1000), _BY[each.by]) for each in story.timeline()]
    yield from table(("Time", "Event", "Source"), sorted([*started, *rows], key=lambda row: row[0]))
    yield ""
    yield "*Add what people did and thought meanwhile: who looked where, what was ruled out, who was called.*"


def _cause(story: Story) -> Iterator[str]:
    incident = story.incident
    yield "## Root cause and resolution"
    yield ""
    yield "### Root cause"
    yield ""
    yield _named(story)
    for cause in story.causes[:1]:
        if cause.evidence_for or cause.evidence_against or cause.not_seen:
            yield ""
            yield from table(("Evidence", "Where", "Value", "Note", "Speaks"), _evidence(cause))
    others = story.causes[1:]
    if others:
        yield ""
        yield "Also considered:"
        yield ""
        for cause in others:
            yield f"- {code(cause.code)} (confidence {cause.confidence:.2f}): {sentence(cause.summary)}"
    if incident.changes:
        yield ""
        yield "Settings that changed around it:"
        yield ""
        yield from table(("Seen (UTC)", "Node", "Setting", "From", "To", "When"), _changes(story))
    yield ""
    yield "### Resolution"
    yield ""
    if incident.resolved_at is not None:
        yield f"All alerts were resolved, and stayed so: the incident ended at {second(incident.resolved_at)} UTC."
    else:
        yield "It is not over."
    for cause in story.causes[:1]:
        if cause.steps or cause.fix:
            yield ""
            yield "Leadline proposed:"
            yield from _fix(cause)
    notes = [each for each in story.actions if each.text]
    if notes:
        yield ""
        yield "What people wrote down:"
        yield ""
        for each in notes:
            yield f"- {second(each.at)}, {text(each.by)}: {text(each.text, 4000)}"
    yield ""
    yield "*What was done, by whom, and which of it helped.*"


def _fix(cause: Cause) -> Iterator[str]:
    """The steps below their servers, statements in code blocks; the text of the fix where there are no steps."""
    if not cause.steps:
        yield from ("", *block([cause.fix]))
    place = ""
    for group in grouped(cause.steps):
        if group.place and group.place != place:
            yield from ("", f"On {text(group.place)}:")
        place = group.place
        if group.warning:
            yield from ("", group.warning)
        if group.statements:
            yield from ("", *block(group.lines, "sql"))
        else:
            for line in group.lines:
                yield from ("", text(line, 1000))


def _named(story: Story) -> str:
    cause, took = next(iter(story.causes), None), story.times.to_cause_s
    if cause is None or cause.code == "unknown" or took is None:
        return _root(story)
    sure = f"{code(cause.code)}, confidence {cause.confidence:.2f}"
    return f"{sure}; Leadline named it {duration(took)} after the first breach."


def _evidence(cause: Cause) -> Iterator[tuple[str, ...]]:
    for speaks, found in (
        ("for", cause.evidence_for),
        ("against", cause.evidence_against),
        ("not seen", cause.not_seen),
    ):
        for each in found:
            yield (*_fact(each), speaks)


def _fact(each: Evidence) -> tuple[str, ...]:
    where, note = (text(foreign) if foreign else "-" for foreign in (each.node, each.note))
    return code(each.name), where, code(each.value), note


def _changes(story: Story) -> Iterator[tuple[str, ...]]:
    seen: list[Change] = []
    for each in sorted(story.incident.changes, key=lambda change: (change.at, change.node, change.setting)):
        undone = any(
            (before.node, before.setting, before.from_) == (each.node, each.setting, each.to) for before in seen
        )
        when = "before it began" if each.at <= story.incident.opened_at else "while it lasted"
        values = (code(value) if value is not None else "(unset)" for value in (each.from_, each.to))
        row = (second(each.at), text(each.node), code(each.setting), *values)
        yield (*row, f"{when}, put back" if undone else when)
        seen.append(each)


def _not_put_back(changes: Sequence[Change]) -> list[Change]:
    """From the first value to the last, for each setting that does not have its first value again."""
    whole: dict[tuple[str, str], Change] = {}
    for each in sorted(changes, key=lambda change: (change.at, change.node, change.setting)):
        first = whole.setdefault((each.node, each.setting), each)
        whole[each.node, each.setting] = replace(first, to=each.to)
    return [each for each in whole.values() if each.to != each.from_]


def _response(story: Story) -> Iterator[str]:
    incident, times, taken = story.incident, story.times, story.acknowledged
    by = f" by {text(taken.by)}" if taken else ""
    steps = (
        ("First breach", incident.opened_at, None, "-"),
        ("Detected", incident.detected_at, times.to_detect_s, "the first breach"),
        ("Cause named", incident.cause_at, times.to_cause_s, "the first breach"),
        ("First target told", story.notified_at, times.to_notify_s, "detection"),
        (f"Acknowledged{by}", taken.at if taken else None, times.to_acknowledge_s, "the first word"),
        ("Resolved", incident.resolved_at, times.to_resolve_s, "the first breach"),
    )
    yield "## Detection and response"
    yield ""
    yield from table(
        ("Step", "At (UTC)", "Took", "Counted from"),
        ((step, second(at) if at else NOT_YET, duration(took), since) for step, at, took, since in steps),
    )
    yield ""
    if not story.deliveries:
        yield "The log has no delivery: nobody was told by Leadline."
        return
    yield from table(("Target", "First told (UTC)", "Last told (UTC)", "Words", "Not told"), _told(story))


def _told(story: Story) -> Iterator[tuple[str, ...]]:
    for target in sorted({each.target for each in story.deliveries}):
        mine = [each for each in story.deliveries if each.target == target]
        told = sorted(each.at for each in mine if each.outcome in ("sent", "partial"))
        missed = [
            f"{each.outcome.replace('_', ' ')} ({text(each.reason)})" if each.reason else each.outcome.replace("_", " ")
            for each in mine
            if each.outcome in ("suppressed", "given_up")
        ]
        ends = (second(told[0]), second(told[-1])) if told else ("never", "never")
        yield text(target), *ends, str(len(told)), ", ".join(dict.fromkeys(missed)) or "-"


def _measures(story: Story, found: Sequence[Breach]) -> Iterator[str]:
    incident = story.incident
    likely = [cause.code for cause in story.causes[:1]]
    likely += [cause.code for cause in story.causes[1:] if cause.confidence >= LIKELY]
    if any(change.at <= incident.opened_at for change in incident.changes):
        likely.append("config_changed")
    wanted = measures(dict.fromkeys(likely))
    yield "## Corrective and preventative measures"
    yield ""
    yield "### Improvements and fixes"
    yield ""
    for each in wanted.improvements:
        yield f"- {each}"
    yield ""
    yield "### Tasks"
    yield ""
    for each in (*wanted.tasks, *_tasks(story, found)):
        yield f"- [ ] {each} *owner, due*"


def _tasks(story: Story, found: Sequence[Breach]) -> Iterator[str]:
    """What the response asks for, whatever the cause was."""
    times = story.times
    if times.to_detect_s > SLOW_DETECTION_S:
        yield f"Detection took {duration(times.to_detect_s)}: look at the limits of the rules that fired."
    if story.notified_at is not None and story.acknowledged is None:
        yield "Nobody acknowledged: see who is on call for this cluster, and that they are called."
    for each in _not_put_back(story.incident.changes):
        was = code(each.from_) if each.from_ is not None else "unset"
        now = code(each.to) if each.to is not None else "unset"
        left = f"{code(each.setting)} on {text(each.node)} was {was}, and {now} when last seen"
        yield f"{left}: put it back, or say why it stays."
    for target in sorted({each.target for each in story.deliveries if each.outcome == "given_up"}):
        yield f"{text(target)} could not be told: mend it, and send it a test."
    for runbook in dict.fromkeys(each.runbook for each in found if each.runbook):
        yield f"Go through {code(runbook)} with those who were on call, and write down what it lacked."


def _effect(rule: str) -> str:
    entry = RULES.get(rule)
    return entry.impact if entry is not None else f"{code(rule)} fired."
