"""``subscription_disabled_by_operator``: somebody ran ``ALTER SUBSCRIPTION ... DISABLE``, or never enabled it."""

from collections.abc import Iterator

from leadline.catalogue.entry import DISABLED
from leadline_streams.causes.subscription_disabled_on_error import disabled_by_error
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

REPAIRED_BY_DISABLING = "publication_or_slot_dropped"
"""The cause whose repair begins with disabling the subscription."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A disabled subscription that no error disabled."""
    for affected in affected_subscriptions(context, DISABLED):
        own, name = affected.subscription, affected.node.name
        if own.enabled or (own.disable_on_error and disabled_by_error(affected)):
            continue
        doubt = own.disable_on_error and (own.apply_errors or own.sync_errors)
        in_repair = (REPAIRED_BY_DISABLING, affected.about.id) in context.named
        failed = f"; {affected.errors} attempts had failed in the 5 min before" if affected.errors else ""
        yield Claim(
            subject=affected.about,
            confidence=0.5 if doubt or in_repair else 0.96,
            title=f"{affected.name} was disabled by a person",
            summary=f"{affected.name} is disabled, {'perhaps by a person' if doubt else 'and not by an error'}: "
            f"nothing is applied until it is enabled, and the publisher retains its WAL for it{failed}",
            steps=[*(affected.read_error if affected.errors or doubt else []), affected.alter("safe", "ENABLE")],
            evidence_for=[
                fact("enabled", "false", name),
                fact("disable_on_error", str(bool(own.disable_on_error)).lower(), name),
                *affected.evidence,
            ],
        )


CAUSE = CauseRule(
    code="subscription_disabled_by_operator",
    find=find,
)
