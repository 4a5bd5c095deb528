"""``changes_not_published``: a publication leaves out the kind of change by which rows differ."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.divergence import divergences
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim

SHOWS = {
    "deletes_not_published": "extra",
    "truncates_not_published": "extra",
    "updates_not_published": "changed",
    "inserts_not_published": "missing",
}
"""The kind of difference that each parameter leads to."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Differing rows of that kind in a table whose publication does not publish the operation."""
    for found in divergences(context):
        signs = [sign for sign in found.signs(*SHOWS) if getattr(found, SHOWS[sign.name])]
        if not signs:
            continue
        explained = sum({SHOWS[sign.name]: getattr(found, SHOWS[sign.name]) for sign in signs}.values())
        rows = found.missing + found.extra + found.changed
        yield Claim(
            subject=found.about,
            confidence=0.95 if explained == rows else 0.7,
            title=f"{found.upstream} does not publish every change",
            summary=f"{found.words}: the publication leaves such changes out ({signs[0].value})",
            steps=[
                Step(
                    risk="look",
                    node=found.about.upstream,
                    sql="SELECT pubname, pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication",
                ),
                found.compare,
                Step(
                    risk="careful",
                    node=found.about.upstream,
                    text="If the subscriber is to be equal: ALTER PUBLICATION ... SET (publish = 'insert, update, "
                    "delete, truncate'), then repair the rows. If it is meant to keep them: leave the table out of "
                    "the verification",
                ),
            ],
            evidence_for=[*signs, *found.evidence],
        )


CAUSE = CauseRule(
    code="changes_not_published",
    find=find,
)
