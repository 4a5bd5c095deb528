"""``subscriber_duplicate_key``: a row on the subscriber holds the key of a row that is to be written."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import DUPLICATES, Apply, affected_subscriptions
from leadline_streams.engines.postgresql.statements import change_setting
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

ORIGIN = "track_commit_timestamp"
"""Off, the subscriber does not know who wrote a row and when (PostgreSQL documentation, section "Conflicts")."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An apply worker that fails, with a unique key's conflict counted at each attempt."""
    for subscriber in affected_subscriptions(context, FAILING):
        kinds, enabled = subscriber.risen(*DUPLICATES), subscriber.subscription.enabled
        uncounted = not subscriber.subscription.conflicts
        if not subscriber.fails or not (kinds or uncounted):
            continue
        # A disabled subscription fails no more: the disabling is named first, this says what to repair.
        confidence = (0.97 if enabled else 0.85) if kinds else 0.5
        blind, switched = _blind(context, subscriber)
        yield Claim(
            subject=subscriber.about,
            confidence=confidence,
            title=f"{subscriber.name} " + ("meets a row that is already there" if kinds else "cannot apply a change"),
            summary=f"{subscriber.name} cannot apply: {_conflict(kinds)}; {subscriber.errors} attempts failed in 5 "
            f"min{blind}",
            steps=[*repair(subscriber), *(_record(subscriber) if blind else [])],
            evidence_for=[
                *(fact(kind, count, subscriber.node.name) for kind, count in kinds.items()),
                *subscriber.evidence,
                *switched,
            ],
            evidence_against=[
                fact("conflicts", "not counted", subscriber.node.name, "before PostgreSQL 18: read the server log")
            ]
            if uncounted
            else [],
        )


def _conflict(kinds: dict[str, int]) -> str:
    if not kinds:
        return "most often a duplicate key, which PostgreSQL before 18 does not count"
    return f"the unique key of a row to be written is taken by a row on the subscriber ({', '.join(kinds)})"


def _blind(context: DiagnosisContext, subscriber: Apply) -> tuple[str, list[Evidence]]:
    """That the origin of the conflicting row is not recorded, and the change that did it if it was recent."""
    if context.setting(subscriber.node, ORIGIN) != "off" or not subscriber.subscription.conflicts:
        return "", []
    change, changed = context.blame(subscriber.node, ORIGIN)
    hidden = "the origin and time of that row are not recorded"
    return f"; {hidden}: {ORIGIN} is off{change}", changed or [fact(ORIGIN, "off", subscriber.node.name, hidden)]


def _record(subscriber: Apply) -> list[Step]:
    """So that the next conflict names the origin of the row."""
    return change_setting(subscriber.node.name, ORIGIN, "on", "careful", restart=True)


def repair(subscriber: Apply) -> list[Step]:
    """Remove the conflicting row, or give up the remote transaction."""
    steps = [
        subscriber.read_error,
        Step(
            risk="destructive",
            text="Either DELETE the local row with that key, or skip the whole remote transaction; after that the two "
            "sides differ and have to be compared",
        ),
        subscriber.alter("destructive", "SKIP (lsn = '<finish LSN>')"),
    ]
    return steps if subscriber.subscription.enabled else [*steps, subscriber.alter("safe", "ENABLE")]


CAUSE = CauseRule(
    code="subscriber_duplicate_key",
    find=find,
)
