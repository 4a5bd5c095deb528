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
    for it in affected_subscriptions(context, DISABLED):
        if it.subscription.enabled or not it.subscription.disable_on_error:
            continue
        witnessed = disabled_by_error(it)
        if not witnessed and not (it.subscription.apply_errors or it.subscription.sync_errors):
            continue
        yield Claim(
            subject=it.about,
            confidence=0.98 if witnessed else 0.75,
            title=f"{it.name} was disabled by an error",
            summary=f"{it.name} failed and has disable_on_error, so the server disabled it; nothing is applied until "
            "it is enabled, and the publisher retains its WAL for it",
            steps=[it.read_error, Step(risk="look", text="Repair that first"), it.alter("safe", "ENABLE")],
            evidence_for=[
                fact("enabled", "false", it.node.name),
                fact("disable_on_error", "true", it.node.name),
                fact("last_error", "as it was disabled" if witnessed else "before it was watched", it.node.name),
                *it.evidence,
            ],
        )


def disabled_by_error(it: Apply) -> bool:
    """Whether an error of the worker, or of a table's initial copy, came as the subscription was disabled."""
    copies = it.node.windows.get(f"sync_error:{it.subscription.name}")
    return it.fails or (copies is not None and abs(copies.last_at - it.disabled_at) <= TOGETHER_S)


CAUSE = CauseRule(
    code="subscription_disabled_on_error",
    find=find,
)
