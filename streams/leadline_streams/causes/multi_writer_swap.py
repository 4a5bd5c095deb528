"""``multi_writer_swap``: two servers that subscribe to each other change the same rows."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.causes.bidirectional_loop import return_subscription
from leadline_streams.engines.postgresql.apply import ORIGINS, affected_subscriptions
from leadline_streams.engines.postgresql.both_ways import may_have_crossed
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"apply_conflict"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Rows of another origin counted on both sides within the window; a guess unless their changes can have crossed."""
    for affected in affected_subscriptions(context, RULES):
        back = return_subscription(context, affected)
        ours = affected.counted(*ORIGINS)
        if back is None or affected.publisher is None or not ours:
            continue
        windows = (affected.publisher.windows.get(f"apply_conflict:{back.name}:{kind}") for kind in sorted(ORIGINS))
        theirs = sum(window.count(context.now) for window in windows if window is not None)
        if not theirs:
            continue
        one, other = affected.node.name, affected.publisher.name
        crossed = may_have_crossed(
            affected.node, affected.subscription.name, affected.publisher, back.name, context.now
        )
        yield Claim(
            subject=affected.about,
            confidence=0.92 if crossed else 0.45,
            title=f"{one} and {other} change the same rows",
            summary=f"{one} and {other} subscribe to each other and both found rows that the other had changed: where "
            "two changes crossed, each server keeps the other's value, without an error",
            steps=[
                Step(
                    risk="look",
                    text=f"Compare the tables of {one} and {other}. The lines 'conflict detected' in both server logs "
                    "name the tables and keys",
                ),
                Step(
                    risk="careful",
                    text=f"Let each row be written on only one of {one} and {other}, then repair the rows that differ",
                ),
            ],
            evidence_for=[
                *(fact(kind, count, one, f"{affected.subscription.name}, in 5 min") for kind, count in ours.items()),
                fact("origin_differs", theirs, other, f"{back.name}, in 5 min"),
                *([fact("interrupted", "both directions", None, "just before that")] if crossed else []),
            ],
        )


CAUSE = CauseRule(
    code="multi_writer_swap",
    find=find,
)
