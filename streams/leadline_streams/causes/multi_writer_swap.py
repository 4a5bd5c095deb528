"""``multi_writer_swap``: two servers that subscribe to each other change the same rows."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.causes.bidirectional_loop import returning
from leadline_streams.engines.postgresql.apply import ORIGINS, affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"apply_conflict"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Rows of another origin met on both sides within the window."""
    for subscriber in affected_subscriptions(context, RULES):
        back = returning(context, subscriber)
        ours = subscriber.counted(*ORIGINS)
        if back is None or subscriber.publisher is None or not ours:
            continue
        windows = (subscriber.publisher.windows.get(f"apply_conflict:{back.name}:{kind}") for kind in sorted(ORIGINS))
        theirs = sum(window.count(context.now) for window in windows if window is not None)
        if not theirs:
            continue
        one, other = subscriber.node.name, subscriber.publisher.name
        yield Claim(
            subject=subscriber.about,
            confidence=0.92,
            title=f"{one} and {other} change the same rows",
            summary=f"{one} and {other} subscribe to each other and both found rows that the other had changed: where "
            "two changes crossed, each server keeps the other's value, without an error",
            steps=[
                Step(risk="look", text=f"Compare the tables of {one} and {other}"),
                Step(
                    risk="careful",
                    text=f"Write each row on one of {one} and {other} only, then repair rows that differ",
                ),
            ],
            evidence_for=[
                *(fact(kind, count, one, f"{subscriber.subscription.name}, in 5 min") for kind, count in ours.items()),
                fact("origin_differs", theirs, other, f"{back.name}, in 5 min"),
            ],
        )


CAUSE = CauseRule(
    code="multi_writer_swap",
    find=find,
)
