"""``subscription_disabled_on_error``: an error disabled a subscription that has ``disable_on_error``."""

from collections.abc import Iterator

from leadline.catalogue.entry import DISABLED
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.apply import TOGETHER_S, Apply, affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A disabled subscription whose option allows it and whose error counter rose as it was disabled."""
    for subscriber in affected_subscriptions(context, DISABLED):
        if subscriber.subscription.enabled or not subscriber.subscription.disable_on_error:
            continue
        witnessed = disabled_by_error(subscriber)
        if not witnessed and not (subscriber.subscription.apply_errors or subscriber.subscription.sync_errors):
            continue
        yield Claim(
            subject=subscriber.about,
            confidence=0.98 if witnessed else 0.75,
            title=f"{subscriber.name} was disabled by an error",
            summary=f"{subscriber.name} failed and has disable_on_error, so the server disabled it; nothing is "
            f"applied until "
            "it is enabled, and the publisher retains its WAL for it",
            steps=[
                subscriber.read_error,
                Step(risk="look", text="Repair that first"),
                subscriber.alter("safe", "ENABLE"),
            ],
            evidence_for=[
                fact("enabled", "false", subscriber.node.name),
                fact("disable_on_error", "true", subscriber.node.name),
                fact(
                    "last_error", "as it was disabled" if witnessed else "before it was watched", subscriber.node.name
                ),
                *subscriber.evidence,
            ],
        )


def disabled_by_error(subscriber: Apply) -> bool:
    """Whether an error of the worker, or of a table's initial copy, came as the subscription was disabled."""
    copies = subscriber.node.windows.get(f"sync_error:{subscriber.subscription.name}")
    return subscriber.fails or (copies is not None and abs(copies.last_at - subscriber.disabled_at) <= TOGETHER_S)


CAUSE = CauseRule(
    code="subscription_disabled_on_error",
    find=find,
)
