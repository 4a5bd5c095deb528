"""Which measures of a post-mortem Leadline watches: by the rules that fired, and by the rules of the audit."""

from collections.abc import Iterable, Iterator, Sequence

from leadline.catalogue import CAUSES
from leadline.catalogue.measure import rules_of
from leadline.model.audit_result import AuditResult
from leadline.words import duration
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.markdown import code, text
from leadline_sinks.incident_log.phrases import second
from leadline_sinks.incident_log.postmortem.impact import Breach
from leadline_sinks.incident_log.postmortem.roots import roots


def watching(history: IncidentHistory, found: Sequence[Breach], measures: Iterable[str]) -> Iterator[str]:
    """The items of the list. ``measures``: all of the post-mortem."""
    yield from _by_rules(history, found)
    guarded = [(measure, rules_of(measure)) for measure in measures if rules_of(measure)]
    for measure, rules in guarded:
        states = "; ".join(f"{code(rule)} {_state(history.audit_latest, rule)}" for rule in rules)
        yield f"- The audit watches “{str(measure).rstrip('.')}”: {states}."
    for each in history.incident.recurrences:
        yield (
            f"- **Undone:** {code(each.rule)} is violated again since the audit of {second(each.at)} UTC: "
            f"{text(each.summary)}."
        )


def _by_rules(history: IncidentHistory, found: Sequence[Breach]) -> Iterator[str]:
    """Which rule showed each root cause first, and how soon: what returns is seen in the same way."""
    for cause in roots(history):
        explains = CAUSES[cause.code].explains if cause.code in CAUSES else frozenset()
        first = min((each for each in found if each.rule in explains), key=lambda each: each.fired, default=None)
        if first is None:
            yield f"- {code(cause.code)}: no alert that it explains is in the incident log."
            continue
        after = duration((first.fired - first.since).total_seconds())
        yield f"- {code(cause.code)}: {code(first.rule)} fired {after} after its breach began, and would again."
    if not history.causes:
        yield "- Rules see a return; what caused it would again be for people to find out."


def _state(audit: AuditResult | None, rule: str) -> str:
    """The result of a rule at the newest audit, in words."""
    if audit is None:
        return "has no result, since the incident log has no audit of this cluster: run `leadline audit`"
    when = f"at the audit of {second(audit.audited_at)} UTC"
    mine = [each for each in audit.findings if each.rule == rule]
    violated = [each for each in mine if each.accepted is None]
    if violated:
        where = ", ".join(dict.fromkeys(text(node) for each in violated for node in each.nodes)) or "the cluster"
        return f"is violated on {where} {when}, since {second(min(each.since for each in violated))} UTC"
    if mine and mine[0].accepted is not None:
        return f"is violated and accepted by {text(mine[0].accepted.owner)} until {text(mine[0].accepted.until)}"
    if any(each.rule in (rule, "") for each in audit.not_judged) or audit.left_out:
        return f"was not judged everywhere {when}"
    return f"held {when}"
