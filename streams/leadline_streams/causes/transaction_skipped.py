"""``transaction_skipped``: a subscription went past a transaction that it could not apply."""

from collections.abc import Iterator

from leadline.clock import moment
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.counters import skipped
from leadline_streams.engines.postgresql.divergence import Divergence, divergences
from leadline_streams.engines.postgresql.subscriptions import in_error_loop
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

GUESSED = 0.4
LINES = "'logical replication completed skipping transaction at LSN' names each one"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A finish LSN that was set to be skipped and no longer is; a guess where the worker failed before and goes on."""
    for found in divergences(context):
        subscription, down = found.subscription, found.down
        if subscription is None or down is None:
            continue
        seen = _seen(found)
        overcome = bool(subscription.apply_errors) and not in_error_loop(down, subscription, context.now)
        if not seen and not (overcome and subscription.enabled):
            continue
        name = f"subscription {subscription.name} on {down.name}"
        how = (
            "skipped a transaction of its publisher"
            if seen
            else "failed before and goes on: its transaction may have been skipped"
        )
        yield Claim(
            subject=found.about,
            confidence=0.92 if seen else GUESSED,
            title=f"{name} skipped a transaction" if seen else f"data of {down.name} differs from {found.upstream}",
            summary=f"{name} {how}, and all that the transaction changed is missing there: {found.words}",
            steps=[
                server_log.read_it(down, LINES),
                found.compare,
                Step(
                    risk="look",
                    text=f"Compare all tables of {subscription.name}: a transaction is skipped as a whole",
                ),
                found.repair,
            ],
            evidence_for=[
                *seen,
                *([fact("apply_errors", subscription.apply_errors, down.name, "since the counters were reset")]),
                *found.evidence,
            ],
            not_seen=[] if seen else [fact("skipped transaction", "not seen", down.name, LINES)],
        )


def _seen(found: Divergence) -> list[Evidence]:
    assert found.subscription is not None
    last = skipped(found.down, found.subscription.name)
    if last is None:
        return []
    note = f"was set, and taken at {moment(last):%Y-%m-%d %H:%M:%S} UTC"
    return [fact("skip_lsn", "cleared", found.about.downstream, note)]


CAUSE = CauseRule(
    code="transaction_skipped",
    find=find,
)
