"""``subscriber_schema_drift``: tables differ on the two sides, so that a change cannot be written at all."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import DUPLICATES, Apply, affected_subscriptions
from leadline_streams.engines.postgresql.drift import Drift, drift_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

NAMED = 3
"""Differences that are named; the others are counted."""
LOOKS_ALIKE = "a constraint, a trigger or a missing right on the subscriber looks the same"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An apply worker that keeps failing without a row conflict; where agents report tables, their differences."""
    for subscriber in affected_subscriptions(context, FAILING):
        drift = drift_of(subscriber)
        if subscriber.risen(*DUPLICATES) or not (subscriber.fails or (drift and _fails_uncounted(subscriber))):
            continue
        enabled, differs = subscriber.subscription.enabled, _in_words(drift)
        attempts = f" ({subscriber.errors} in 5 min)" if subscriber.errors else ""
        yield Claim(
            subject=subscriber.about,
            confidence=min(_confidence(subscriber, drift), 1.0 if enabled else 0.7 if drift is None else 0.85),
            title=f"{subscriber.name} cannot write the changes that it receives",
            summary=f"{subscriber.name} fails at each attempt{attempts}{differs}",
            steps=_steps(subscriber, drift),
            evidence_for=[*_differences(subscriber, drift), *subscriber.evidence],
            evidence_against=_doubts(subscriber, drift),
        )


def _fails_uncounted(subscriber: Apply) -> bool:
    """Before PostgreSQL 15 errors are not counted; a worker that is not there shows them."""
    return (
        subscriber.subscription.apply_errors is None
        and subscriber.subscription.enabled
        and subscriber.subscription.pid is None
    )


def _counts_conflicts(subscriber: Apply) -> bool:
    return bool(subscriber.subscription.conflicts)


def _confidence(subscriber: Apply, drift: list[Drift] | None) -> float:
    """Without conflict counters, before PostgreSQL 18, a duplicate key is likelier than what was not seen to differ."""
    counted = _counts_conflicts(subscriber)
    if drift is None:
        return 0.8 if counted else 0.4
    if not drift:
        return 0.6 if counted else 0.3
    if not drift[0].stops:
        return 0.85 if counted else 0.45
    return 0.97 if counted else 0.9


def _in_words(drift: list[Drift] | None) -> str:
    if not drift:
        return (
            " and the error is not a conflict of rows: most often a table or column that is missing or of another type "
            "on the subscriber"
        )
    more = f", and {len(drift) - NAMED} differences more" if len(drift) > NAMED else ""
    return ": " + ", ".join(each.words for each in drift[:NAMED]) + more


def _steps(subscriber: Apply, drift: list[Drift] | None) -> list[Step]:
    """Make the tables alike; the worker then continues by itself. What is only guessed is to be looked at."""
    enable = [] if subscriber.subscription.enabled else [subscriber.alter("safe", "ENABLE")]
    if drift:
        return [*(subscriber.step("careful", each.fix) for each in drift[:NAMED]), *enable]
    alike = Step(risk="look", text="If it names a table or column, make the table like the publisher's (ADD COLUMN)")
    return [subscriber.read_error, alike, *enable]


def _differences(subscriber: Apply, drift: list[Drift] | None) -> Iterator[Evidence]:
    for each in (drift or [])[:NAMED]:
        about = each.table if each.column is None else f"{each.table}.{each.column}"
        sent = "published" if each.column is None else each.sent or "not sent"
        if subscriber.publisher is not None:
            yield fact(about, sent, subscriber.publisher.name)
        yield fact(about, each.here or "not there", subscriber.node.name)


def _doubts(subscriber: Apply, drift: list[Drift] | None) -> list[Evidence]:
    node, doubts = subscriber.node, []
    for side in (node, subscriber.publisher) if drift is not None else ():
        if side is not None and side.tables is not None and side.tables.left_out:
            doubts += [fact("left_out", side.tables.left_out, side.name, "tables that were not compared")]
    if drift == []:
        doubts.append(fact("tables", "alike", node.name, "on both sides, as far as the agents could read"))
    if drift and not drift[0].stops:
        doubts.append(fact("types", "differ", node.name, "which is no error while what is sent can be read"))
    if not _counts_conflicts(subscriber):
        doubts.append(
            fact("conflicts", "not counted", node.name, "before PostgreSQL 18 a duplicate key looks the same")
        )
    elif not drift or not drift[0].stops:
        doubts.append(fact("conflicts", "none", node.name, LOOKS_ALIKE))
    return doubts


CAUSE = CauseRule(
    code="subscriber_schema_drift",
    find=find,
)
