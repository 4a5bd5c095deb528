"""``subscription_disabled_by_operator``: somebody ran ``ALTER SUBSCRIPTION ... DISABLE``, or never enabled it."""

from collections.abc import Iterator

from leadline.catalogue.entry import DISABLED
from leadline_streams.causes.subscription_disabled_on_error import disabled_by_error
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

REPAIRED_BY = "publication_or_slot_dropped"
"""Its fix begins with disabling the subscription."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A disabled subscription that no error disabled."""
    for subscriber in affected_subscriptions(context, DISABLED):
        by_itself = subscriber.subscription.disable_on_error
        if subscriber.subscription.enabled or (by_itself and disabled_by_error(subscriber)):
            continue
        doubt = by_itself and (subscriber.subscription.apply_errors or subscriber.subscription.sync_errors)
        repaired_there = (REPAIRED_BY, subscriber.about.id) in context.named
        failed = f"; {subscriber.errors} attempts had failed in the 5 min before" if subscriber.errors else ""
        yield Claim(
            subject=subscriber.about,
            confidence=0.5 if doubt or repaired_there else 0.96,
            title=f"{subscriber.name} was disabled by a person",
            summary=f"{subscriber.name} is disabled, and not by an error: nothing is applied until it is enabled, "
            f"and the "
            f"publisher retains its WAL for it{failed}",
            steps=[*([subscriber.read_error] if subscriber.errors else []), subscriber.alter("safe", "ENABLE")],
            evidence_for=[
                fact("enabled", "false", subscriber.node.name),
                fact("disable_on_error", str(bool(by_itself)).lower(), subscriber.node.name),
                *subscriber.evidence,
            ],
        )


CAUSE = CauseRule(
    code="subscription_disabled_by_operator",
    find=find,
)
