"""``subscriber_duplicate_key``: a row on the subscriber holds the key of a row that is to be written."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.server_log import LogLine
from leadline.words import times
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.apply import DUPLICATES, AffectedSubscription, affected_subscriptions
from leadline_streams.engines.postgresql.divergence import of_subscription
from leadline_streams.engines.postgresql.needs import remote_transaction
from leadline_streams.engines.postgresql.statements import change_setting
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

DUPLICATE = "23505"
"""unique_violation."""
UNCOUNTED = 0.45
"""Confidence where conflicts are not counted and the server log was not read: it proposes looking only."""
ORIGIN = "track_commit_timestamp"
"""While it is off, the server does not record who wrote a row and when (PostgreSQL documentation, "Conflicts")."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An apply worker that fails, with a unique key's conflict counted at each attempt."""
    for affected in affected_subscriptions(context, FAILING):
        kinds, enabled, name = affected.risen(*DUPLICATES), affected.subscription.enabled, affected.node.name
        uncounted, reason = not affected.subscription.conflicts, affected.reason
        if not affected.fails or not (kinds or uncounted):
            continue
        written = reason is not None and reason.code == DUPLICATE
        if not kinds and reason is not None and not written and affected.is_certain:
            continue
        # A disabled subscription no longer fails: that it is disabled comes first, and the conflict to resolve second.
        confidence = (0.97 if enabled else 0.85) if kinds or (written and affected.is_certain) else UNCOUNTED
        unrecorded, changed = _unrecorded(context, affected)
        yield Claim(
            subject=affected.about,
            confidence=confidence,
            title=f"{affected.name} " + ("stops at a duplicate key" if kinds or written else "cannot apply a change"),
            summary=f"{affected.name} cannot apply: {_conflict(affected, kinds, reason if written else None)}; "
            f"it failed {times(affected.errors)} in 5 min{unrecorded}{affected.wrong_skip}",
            steps=_steps(affected, record=bool(unrecorded)),
            not_needed=remote_transaction(affected),
            evidence_for=[
                *(fact(kind, count, name) for kind, count in kinds.items()),
                *([server_log.as_evidence(reason, affected.node)] if written and reason is not None else []),
                *affected.evidence,
                *changed,
                *of_subscription(context, name, affected.subscription.name),
            ],
            evidence_against=_doubts(affected) if uncounted and not written else [],
            not_seen=[] if written else _not_seen(affected) if uncounted else server_log.not_seen(affected.node),
        )


def _conflict(affected: AffectedSubscription, kinds: dict[str, int], reason: LogLine | None) -> str:
    table = f" in {reason.relation}" if reason is not None and reason.relation else ""
    if reason is not None and not kinds:
        return f"{reason.message or 'a key is there already'}{table}"
    if not kinds:
        return "most often a duplicate key, which PostgreSQL before 18 does not count"
    where = table if affected.is_certain else ""
    return f"the unique key of a row to be written{where} is taken by a row on the subscriber ({', '.join(kinds)})"


def _unrecorded(context: DiagnosisContext, affected: AffectedSubscription) -> tuple[str, list[Evidence]]:
    """That the origin of the conflicting row is not recorded, and the change of the setting if it was recent."""
    if context.setting(affected.node, ORIGIN) != "off" or not affected.subscription.conflicts:
        return "", []
    change, changed = context.blame(affected.node, ORIGIN)
    effect = "the origin and time of that row are not recorded"
    return f"; {effect}: {ORIGIN} is off{change}", changed or [fact(ORIGIN, "off", affected.node.name, effect)]


def _steps(affected: AffectedSubscription, *, record: bool) -> list[Step]:
    """Make room for the row, or give up the remote transaction; ``record``: origins of rows from now on."""
    node, database = affected.node.name, affected.subscription.database
    up = affected.publisher.name if affected.publisher is not None else "the publisher"
    return [
        *affected.read_error,
        Step(
            risk="look",
            node=node,
            database=database,
            text=f"Compare the local row with that key with the row of {up}: somebody or something wrote it here. "
            f"Sequences are not replicated: one of {up} that is behind its table gives keys that are taken here",
        ),
        Step(
            risk="careful",
            node=node,
            database=database,
            text="Keep a copy of the local row and give it another key: the worker then goes on by itself",
        ),
        Step(
            risk="destructive",
            node=node,
            database=database,
            text="Or skip the remote transaction whose finish LSN the server log names, which is all of it and not "
            f"only that row; then compare its tables with {up} and copy what is missing",
        ),
        affected.skip,
        *([] if affected.subscription.enabled else [affected.alter("safe", "ENABLE")]),
        *(change_setting(affected.node.name, ORIGIN, "on", "careful", restart=True) if record else []),
    ]


def _doubts(affected: AffectedSubscription) -> list[Evidence]:
    return [fact("conflicts", "not counted", affected.node.name, "before PostgreSQL 18: read the server log")]


def _not_seen(affected: AffectedSubscription) -> list[Evidence]:
    shown_by = "the last ERROR of the worker in the server log shows whether a key is duplicate"
    return [fact("conflicts", "not counted", affected.node.name, shown_by)]


CAUSE = CauseRule(
    code="subscriber_duplicate_key",
    find=find,
)
