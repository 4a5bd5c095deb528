"""``subscription_disabled_by_operator``: somebody ran ``ALTER SUBSCRIPTION ... DISABLE``, or never enabled it."""

from collections.abc import Iterator

from leadline.catalogue.entry import DISABLED
from leadline_streams.causes.subscription_disabled_on_error import disabled_by_error
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

MENDED_SO = "publication_or_slot_dropped"
"""Its fix begins with disabling the subscription."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A disabled subscription that no error disabled."""
    for it in affected_subscriptions(context, DISABLED):
        by_itself = it.subscription.disable_on_error
        if it.subscription.enabled or (by_itself and disabled_by_error(it)):
            continue
        doubt = by_itself and (it.subscription.apply_errors or it.subscription.sync_errors)
        mended = (MENDED_SO, it.about.id) in context.named
        failed = f"; {it.errors} attempts had failed in the 5 min before" if it.errors else ""
        yield Claim(
            subject=it.about,
            confidence=0.5 if doubt or mended else 0.96,
            title=f"{it.name} was disabled by a person",
            summary=f"{it.name} is disabled, and not by an error: nothing is applied until it is enabled, and the "
            f"publisher retains its WAL for it{failed}",
            steps=[*([it.read_error] if it.errors else []), it.alter("safe", "ENABLE")],
            evidence_for=[
                fact("enabled", "false", it.node.name),
                fact("disable_on_error", str(bool(by_itself)).lower(), it.node.name),
                *it.evidence,
            ],
        )


CAUSE = CauseRule(
    code="subscription_disabled_by_operator",
    find=find,
)
