"""``subscription_disabled_by_operator``: somebody ran ``ALTER SUBSCRIPTION ... DISABLE``, or never enabled it."""

from collections.abc import Iterator

from leadline.catalogue.entry import DISABLED
from leadline.model.incident import Step
from leadline_streams.causes.subscription_disabled_on_error import disabled_by_error
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions, quoted
from leadline_streams.engines.postgresql.statements import show_slot
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.rule import fact

RETAINED = "nothing is applied until it is enabled, and the publisher retains its WAL for it"
EMPTY = (
    "it has no table, as after pg_upgrade from a version before 17 or in a dump. Enabled as it is, it would confirm "
    "what its publisher has retained, and apply nothing of it"
)
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
        by_other = _reader(affected)
        effect = (
            by_other
            or (EMPTY if _is_empty(affected) else None)
            or "nothing is applied until it is enabled, and the publisher retains its WAL for it"
        )
        looks = affected.read_error if affected.errors or doubt else []
        yield Claim(
            subject=affected.about,
            confidence=0.5 if doubt or in_repair else 0.96,
            title=f"{affected.name} was disabled by a person",
            summary=f"{affected.name} is disabled, {'perhaps by a person' if doubt else 'and not by an error'}: "
            f"{effect}{failed}",
            steps=[*looks, *(_ask_first(affected) if by_other else _enable(affected))],
            evidence_for=[
                fact("enabled", "false", name),
                fact("disable_on_error", str(bool(own.disable_on_error)).lower(), name),
                *affected.evidence,
            ],
        )


def _is_empty(affected: AffectedSubscription) -> bool:
    """Whether it has no table, as after pg_upgrade from a version before 17, and in a dump."""
    own, sample = affected.subscription, affected.node.sample
    return sample is not None and bool(sample.database) and sample.database == own.database and not own.tables


def _enable(affected: AffectedSubscription) -> list[Step]:
    """Enable it; one without tables would confirm what its publisher retained, and apply nothing of it."""
    if not _is_empty(affected):
        return [affected.alter("safe", "ENABLE")]
    text = (
        "Where the tables have the rows already, as after pg_upgrade: stop writes on the publisher, compare the "
        "tables, enable the subscription, and refresh it so that it copies nothing: ALTER SUBSCRIPTION "
        f"{quoted(affected.subscription.in_sql)} REFRESH PUBLICATION WITH (copy_data = false). Otherwise enable it and "
        "refresh it"
    )
    shown = affected.step("look", "SELECT srsubid, srrelid::regclass, srsubstate FROM pg_subscription_rel")
    return [
        shown,
        *_create_slot(affected),
        Step(risk="careful", node=affected.node.name, database=affected.subscription.database, text=text),
    ]


def _create_slot(affected: AffectedSubscription) -> list[Step]:
    """The slot, which a dump does not have, and which a subscription that is made without a connection lacks."""
    slot = affected.subscription.slot
    if slot is None or affected.link is not None:
        return []
    create = f"SELECT pg_create_logical_replication_slot({literal(slot)}, 'pgoutput')"
    text = (
        f"No watched server has slot {slot}. Where the publisher does not have it, create it in its database: {create}"
    )
    return [Step(risk="careful", text=text)]


def _reader(affected: AffectedSubscription) -> str | None:
    """The consumer that reads its slot; None for none. A copied server and a restored dump have the same slot."""
    slot, up = affected.slot, affected.publisher
    if slot is None or up is None or not slot.active:
        return None
    return (
        f"its slot {slot.name} on {up.name} is read by another consumer (pid {slot.active_pid}), as when its server "
        "was copied or restored from a dump of that one"
    )


def _ask_first(affected: AffectedSubscription) -> list[Step]:
    """Looks alone: to enable it would take the changes away from the consumer that reads the slot."""
    slot, up = affected.slot, affected.publisher
    assert slot is not None
    assert up is not None
    text = (
        f"Leave it disabled while the other consumer needs slot {slot.name}: what one of them confirms is not sent to "
        "the other. A copy that is to receive changes too needs a subscription with a slot of its own"
    )
    return [show_slot(up.name, slot.name), Step(risk="look", node=affected.node.name, text=text)]


CAUSE = CauseRule(
    code="subscription_disabled_by_operator",
    find=find,
)
