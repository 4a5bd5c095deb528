"""``apply_refused``: the subscriber refuses a change for a reason that its counters do not name."""

from collections.abc import Iterator

from leadline.catalogue.entry import FAILING
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.server_log import LogLine
from leadline.model.tables import Table
from leadline_streams.causes.subscriber_schema_drift import NOT_THERE
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.apply import DUPLICATES, AffectedSubscription, affected_subscriptions
from leadline_streams.engines.postgresql.drift import drift_of
from leadline_streams.engines.postgresql.statements import change_setting, show_settings
from leadline_streams.engines.postgresql.two_phase import LIMIT, NOT_IN_STATE, cannot_prepare
from leadline_streams.engines.postgresql.write_rights import STOPS, explains, in_words, needed, repair, unwritable
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.rule import fact

DUPLICATE, LOCKED = "23505", "55P03"
KINDS = (
    ("42501", "a right is missing, or row security applies to the owner of the subscription"),
    ("0A000", "the subscriber cannot do this, such as TRUNCATE of a referenced table, or row security"),
    ("23514", "a check constraint, or the partitions that are there, do not allow the row"),
    ("23503", "a foreign key of the subscriber does not allow the row"),
    ("23502", "a column of the subscriber refuses NULL"),
    ("23", "a constraint of the subscriber does not allow the row"),
    ("P0001", "a trigger of the subscriber raised an error"),
    ("53100", "the subscriber's disk is full"),
    ("53400", "a limit of the subscriber is reached"),
    ("40", "the change was rolled back, for instance because of a deadlock"),
    ("22", "a value is not allowed"),
)
"""The meaning of a SQLSTATE, or of its class, for a change of logical replication."""
ITS_PUBLISHER = "08P01"
"""protocol_violation: the stream ended with an error of the publisher."""
GUESSED = 0.45
ENOUGH = 64
"""A value of max_prepared_transactions where that of the publisher is not known."""
TARGET = (
    "SELECT relrowsecurity, relforcerowsecurity, relacl, "
    "(SELECT array_agg(tgname) FROM pg_trigger WHERE tgrelid = c.oid AND tgenabled IN ('A', 'R')) AS triggers, "
    "(SELECT array_agg(conname) FROM pg_constraint WHERE c.oid IN (conrelid, confrelid)) AS constraints "
    "FROM pg_class AS c WHERE c.oid = to_regclass({})"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A worker that fails without a row conflict: by the server log, else a guess where no difference of tables is."""
    for affected in affected_subscriptions(context, FAILING):
        if affected.risen(*DUPLICATES) or not affected.fails:
            continue
        reason, drift, denied = affected.reason, drift_of(affected), unwritable(affected)
        if cannot_prepare(affected) and not (drift and drift[0].stops):
            yield _two_phase(context, affected, reason, compared=drift == [])
        elif reason is None and denied is not None and not (drift and drift[0].stops):
            yield _unwritable(affected, denied, compared=drift == [])
        elif reason is None:
            if affected.subscription.conflicts and not drift:
                yield _guess(affected, alike=drift == [])
        elif reason.code == ITS_PUBLISHER:
            yield _by_publisher(affected, reason)
        elif not reason.code.startswith(server_log.CONNECTION) and reason.code not in (*NOT_THERE, DUPLICATE, LOCKED):
            yield _claim(affected, reason, denied if denied is not None and explains(denied, reason) else None)


def _claim(affected: AffectedSubscription, reason: LogLine, denied: Table | None) -> Claim:
    """By the server log; ``denied``: a table that the worker may not write, where that is the reason."""
    means = next((words for code, words in KINDS if reason.code.startswith(code)), "see its message")
    if denied is not None:
        means = in_words(denied)
    table = f" of a change of {reason.relation}" if reason.relation else ""
    return Claim(
        subject=affected.about,
        confidence=0.95 if affected.is_certain else 0.7,
        title=f"{affected.name} refuses a change",
        summary=f"{affected.name} fails at each attempt{table}: {reason.message or means} (SQLSTATE {reason.code}: "
        f"{means}){affected.wrong_skip}",
        steps=[
            *affected.read_error,
            *([affected.step("look", TARGET.format(literal(reason.relation)))] if reason.relation else []),
            affected.step("careful", repair(denied))
            if denied is not None
            else Step(
                risk="careful",
                node=affected.node.name,
                database=affected.subscription.database,
                text="Remove what refuses the change: grant the right, add the partition, drop or defer the "
                "constraint, or repair the trigger. The worker then continues by itself",
            ),
            *([] if affected.subscription.enabled else [affected.alter("safe", "ENABLE")]),
        ],
        evidence_for=[
            server_log.as_evidence(reason, affected.node),
            *([fact("finish_lsn", reason.lsn, affected.node.name)] if reason.lsn is not None else []),
            *affected.evidence,
        ],
    )


def _two_phase(
    context: DiagnosisContext, affected: AffectedSubscription, reason: LogLine | None, *, compared: bool
) -> Claim:
    """A transaction that was prepared on the publisher cannot be prepared here; others are applied."""
    node, written = affected.node.name, reason is not None and reason.code == NOT_IN_STATE
    wait = "nothing after a transaction that was prepared on the publisher is applied"
    enough = context.number(affected.publisher, LIMIT) or ENOUGH
    return Claim(
        subject=affected.about,
        confidence=0.96 if written else 0.92 if compared else 0.85,
        title=f"{affected.name} cannot prepare a transaction",
        summary=f"{affected.name} has two_phase, and {LIMIT} = 0 on {node}: {wait}",
        steps=[
            show_settings(node, LIMIT),
            *affected.read_error,
            *change_setting(node, LIMIT, str(enough), "careful", restart=True),
            *([] if affected.subscription.enabled else [affected.alter("safe", "ENABLE")]),
        ],
        evidence_for=[
            fact("two_phase", "enabled", node, affected.name),
            fact(LIMIT, 0, node, "the default: no transaction can be prepared"),
            *([fact("tables", "alike", node, "compared on both sides")] if compared else []),
            *([server_log.as_evidence(reason, affected.node)] if written and reason is not None else []),
            *affected.evidence,
        ],
        not_seen=[] if written else _not_seen(affected),
    )


def _unwritable(affected: AffectedSubscription, table: Table, *, compared: bool) -> Claim:
    """The server log was not read, and the worker lacks a right that it needs."""
    node, stops = affected.node.name, not STOPS.isdisjoint(table.denied)
    return Claim(
        subject=affected.about,
        confidence=(0.93 if compared else 0.88) if stops else 0.7 if needed(table) else GUESSED,
        title=f"{affected.name} may not write {table.name}",
        summary=f"{affected.name} fails at each attempt ({affected.errors} in 5 min): {in_words(table)}",
        steps=[
            affected.step("look", TARGET.format(literal(table.name))),
            *affected.read_error,
            affected.step("careful", repair(table)),
            *([] if affected.subscription.enabled else [affected.alter("safe", "ENABLE")]),
        ],
        evidence_for=[
            fact(table.name, ", ".join(table.denied), node, f"not allowed to {table.role}"),
            *([fact("tables", "alike", node, "compared on both sides")] if compared else []),
            *affected.evidence,
        ],
        not_seen=_not_seen(affected),
    )


def _by_publisher(affected: AffectedSubscription, reason: LogLine) -> Claim:
    """The publisher ends the stream with an error at the same change each time; the worker quotes it."""
    up = affected.publisher.name if affected.publisher is not None else "the publisher"
    return Claim(
        subject=affected.about,
        confidence=0.92 if affected.is_certain else 0.7,
        title=f"{up} refuses to send a change to {affected.name}",
        summary=f"{affected.name} fails at each attempt ({affected.errors} in 5 min), because {up} does not send the "
        f"change: {reason.message}",
        steps=[
            *affected.read_error,
            Step(
                risk="look",
                node=affected.publisher.name if affected.publisher is not None else None,
                database=affected.slot.database if affected.slot is not None else None,
                sql="SELECT pubname, schemaname, tablename, attnames, rowfilter FROM pg_publication_tables "
                f"WHERE pubname IN ({', '.join(map(literal, affected.subscription.publications))}) ORDER BY 2, 3, 1",
            ),
            Step(
                risk="careful",
                text="Change the publications on the publisher so that it can send the change. What it decodes is as "
                "the publications were when the change was made: where that is not enough, let the subscription leave "
                "out the publication that is in the way, and refresh it",
            ),
        ],
        evidence_for=[server_log.as_evidence(reason, affected.node), *affected.evidence],
    )


def _guess(affected: AffectedSubscription, *, alike: bool) -> Claim:
    """Nothing shows the reason: where it is read is all that can be stated."""
    place = server_log.place(affected.node)
    against = [fact("tables", "alike", affected.node.name, "compared on both sides")] if alike else []
    compared = "; the tables are alike on both sides" if alike else ""
    return Claim(
        subject=affected.about,
        confidence=GUESSED,
        title=f"{affected.name} cannot apply a change",
        summary=f"{affected.name} fails at each attempt ({affected.errors} in 5 min), and not by a conflict of rows"
        f"{compared}. The reason is in {place}: a missing right, row security, a constraint, a trigger, a partition "
        "that is missing",
        steps=affected.read_error,
        evidence_for=[*against, *affected.evidence],
        not_seen=_not_seen(affected),
    )


def _not_seen(affected: AffectedSubscription) -> list[Evidence]:
    return server_log.not_seen(affected.node)


CAUSE = CauseRule(
    code="apply_refused",
    find=find,
)
