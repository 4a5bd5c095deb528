"""``archive_broken_for_standby``: a standby that is fed by the WAL archive alone gets nothing from it."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.causes.wal_corrupt import corruption
from leadline_streams.engines.postgresql.archive import ASKS_AGAIN, RESTORES, archived_to, wanted
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.engines.postgresql.statements import show_settings
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

ARCHIVER = (
    "SELECT archived_count, last_archived_wal, failed_count, last_failed_wal, last_failed_time FROM pg_stat_archiver"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A link through the archive that is behind: the upstream does not archive, or the standby does not fetch."""
    for affected in context.links:
        if affected.link.kind != "archive" or affected.sample is None or affected.up is None or not affected.up.answers:
            continue
        if affected.link.verdict in ("idle", "healthy", "delayed_by_design"):
            continue
        sample = affected.up.sample
        archiver = sample.archiver if sample is not None else None
        fails = archiver is not None and archiver.last_failed_s is not None
        if archiver is not None and fails and (archiver.last_archived_s or 1e12) > (archiver.last_failed_s or 0.0):
            yield _claim(affected, 0.96, f"archiving fails on {affected.link.upstream}, so nothing new arrives there")
        elif archiver is None and sample is not None and not any(row.kind == "backup" for row in sample.downstreams):
            yield _claim(
                affected,
                0.9,
                f"{affected.link.upstream} archives no WAL: its archive_mode is off, and nobody receives it instead",
            )
        elif not affected.link.connected and affected.wait != RESTORES and corruption(context, affected) is None:
            at, to = format_lsn(affected.link.position or 0), format_lsn(archived_to(affected.up) or 0)
            still = duration(context.now - affected.link.moved_at)
            how = "fails" if affected.wait == ASKS_AGAIN else "fails or hangs"
            file = wanted(affected.link, affected.up, affected.down)
            yield _claim(
                affected,
                0.9 if affected.wait == ASKS_AGAIN else 0.7,
                f"the archive has WAL up to {to}, and replay has stood at {at} for {still}: restore_command on "
                f"{affected.link.downstream} {how}, or the archive lacks {file}, or has it damaged",
            )


def _claim(affected: AffectedLink, confidence: float, reason: str) -> Claim:
    link = affected.link
    return Claim(
        subject=of_link(link),
        confidence=confidence,
        title=f"{link.downstream} gets no WAL from the archive",
        summary=f"{link.downstream} is fed by the WAL archive alone and gets nothing from it: {reason}",
        steps=[
            Step(risk="look", node=link.upstream, sql=ARCHIVER),
            show_settings(link.downstream, "restore_command", "recovery_target_timeline"),
            Step(
                risk="look",
                text=f"Read what restore_command writes to the server log of {link.downstream}, and see whether the "
                f"archive has {wanted(link, affected.up, affected.down)}, whole: pg_waldump reads it to its end",
            ),
            Step(
                risk="careful",
                text="Repair the archive, or the command that writes to it or reads from it; replay goes on by itself",
            ),
        ],
        evidence_for=[
            fact("receiver", "none", link.downstream, "primary_conninfo is empty, restore_command is set"),
            fact("archived_to", format_lsn(archived_to(affected.up) or 0), link.upstream),
            fact("position", format_lsn(link.position or 0), link.downstream, "replayed"),
        ],
    )


CAUSE = CauseRule(
    code="archive_broken_for_standby",
    find=find,
)
