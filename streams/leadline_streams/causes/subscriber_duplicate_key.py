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
    for it in affected_subscriptions(context, FAILING):
        kinds, enabled = it.risen(*DUPLICATES), it.subscription.enabled
        uncounted = not it.subscription.conflicts
        if not it.fails or not (kinds or uncounted):
            continue
        # A disabled subscription fails no more: the disabling is named first, this says what to repair.
        confidence = (0.97 if enabled else 0.85) if kinds else 0.5
        blind, switched = _blind(context, it)
        yield Claim(
            subject=it.about,
            confidence=confidence,
            title=f"{it.name} " + ("meets a row that is already there" if kinds else "cannot apply a change"),
            summary=f"{it.name} cannot apply: {_conflict(kinds)}; {it.errors} attempts failed in 5 min{blind}",
            steps=[*repair(it), *(_record(it) if blind else [])],
            evidence_for=[*(fact(kind, count, it.node.name) for kind, count in kinds.items()), *it.evidence, *switched],
            evidence_against=[
                fact("conflicts", "not counted", it.node.name, "before PostgreSQL 18: read the server log")
            ]
            if uncounted
            else [],
        )


def _conflict(kinds: dict[str, int]) -> str:
    if not kinds:
        return "most often a duplicate key, which PostgreSQL before 18 does not count"
    return f"the unique key of a row to be written is taken by a row on the subscriber ({', '.join(kinds)})"


def _blind(context: DiagnosisContext, it: Apply) -> tuple[str, list[Evidence]]:
    """That the origin of the conflicting row is not recorded, and the change that did it if it was recent."""
    if context.setting(it.node, ORIGIN) != "off" or not it.subscription.conflicts:
        return "", []
    change, changed = context.blame(it.node, ORIGIN)
    hidden = "the origin and time of that row are not recorded"
    return f"; {hidden}: {ORIGIN} is off{change}", changed or [fact(ORIGIN, "off", it.node.name, hidden)]


def _record(it: Apply) -> list[Step]:
    """So that the next conflict names the origin of the row."""
    return change_setting(it.node.name, ORIGIN, "on", "careful", restart=True)


def repair(it: Apply) -> list[Step]:
    """Remove the conflicting row, or give up the remote transaction."""
    steps = [
        it.read_error,
        Step(
            risk="destructive",
            text="Either DELETE the local row with that key, or skip the whole remote transaction; after that the two "
            "sides differ and have to be compared",
        ),
        it.alter("destructive", "SKIP (lsn = '<finish LSN>')"),
    ]
    return steps if it.subscription.enabled else [*steps, it.alter("safe", "ENABLE")]


CAUSE = CauseRule(
    code="subscriber_duplicate_key",
    find=find,
)
