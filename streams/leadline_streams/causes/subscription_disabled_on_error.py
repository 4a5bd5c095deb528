"""``subscription_disabled_on_error``: an error disabled a subscription that has ``disable_on_error``."""

from collections.abc import Iterator

from leadline.catalogue.entry import DISABLED
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import TOGETHER_S, AffectedSubscription, affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A disabled subscription whose option allows it and whose error counter rose as it was disabled."""
    for affected in affected_subscriptions(context, DISABLED):
        own, name = affected.subscription, affected.node.name
        if own.enabled or not own.disable_on_error:
            continue
        witnessed = disabled_by_error(affected)
        if not witnessed and not (own.apply_errors or own.sync_errors):
            continue
        yield Claim(
            subject=affected.about,
            confidence=0.98 if witnessed else 0.75,
            title=f"{affected.name} was disabled by an error",
            summary=f"{affected.name} failed and has disable_on_error, so the server disabled it; nothing is applied "
            "until it is enabled, and the publisher retains its WAL for it",
            steps=[
                *affected.read_error,
                Step(risk="look", text="Resolve that error, then enable the subscription"),
                affected.alter("safe", "ENABLE"),
            ],
            evidence_for=[
                fact("enabled", "false", name),
                fact("disable_on_error", "true", name),
                fact("last_error", "as it was disabled" if witnessed else "before it was watched", name),
                *affected.evidence,
            ],
        )


def disabled_by_error(affected: AffectedSubscription) -> bool:
    """Whether an error of the worker, or of a table's initial copy, occurred as the subscription was disabled."""
    copies = affected.node.windows.get(f"sync_error:{affected.subscription.name}")
    return affected.fails or (copies is not None and abs(copies.last_at - affected.disabled_at) <= TOGETHER_S)


CAUSE = CauseRule(
    code="subscription_disabled_on_error",
    find=find,
)
