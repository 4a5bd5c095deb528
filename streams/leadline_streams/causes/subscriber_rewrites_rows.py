"""``subscriber_rewrites_rows``: a trigger or rule of the subscriber changes rows while they are applied."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.divergence import divergences
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim

SIGN = "trigger_fires_on_apply"
TRIGGERS = (
    "SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('A', 'R')"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Differing rows in a table with such a trigger: applied changes fire it."""
    for found in divergences(context):
        signs = found.signs(SIGN)
        if not signs:
            continue
        yield Claim(
            subject=found.about,
            confidence=0.75 if found.changed else 0.6,
            title=f"a trigger of {found.downstream} changes replicated rows",
            summary=f"{found.words}; the table has a trigger that fires for replicated changes too ({signs[0].value})",
            steps=[
                Step(risk="look", node=found.about.downstream, sql=TRIGGERS),
                found.compare,
                Step(
                    risk="careful",
                    node=found.about.downstream,
                    text="If it is not meant to: ALTER TABLE ... ENABLE TRIGGER ..., without ALWAYS or REPLICA, then "
                    "repair the rows",
                ),
            ],
            evidence_for=[*signs, *found.evidence],
        )


CAUSE = CauseRule(
    code="subscriber_rewrites_rows",
    find=find,
)
