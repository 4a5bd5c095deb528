"""``wal_removed``: the WAL that a standby needs next is no longer on its upstream."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import cut_off
from leadline_streams.engines.postgresql.needs import data_of_standby
from leadline_streams.engines.postgresql.statements import rebuild_standby, show_senders, show_server, show_settings
from leadline_streams.engines.postgresql.wal import oldest_kept
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

KEEP = "wal_keep_size"
MEBIBYTE = 1024 * 1024
SEGMENT = "wal_segment_size"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A disconnected standby without a slot, whose position lies before what the last checkpoint left."""
    for affected in cut_off(context):
        floor, link = removed_below(context, affected), affected.link
        if floor is None or link.position is None:
            continue
        change, changed = context.blame(affected.up, KEEP)
        needless = data_of_standby(context, affected)
        needed, kept = affected.engine.format_position(link.position), affected.engine.format_position(floor)
        yield Claim(
            subject=of_link(link),
            confidence=0.95,
            title=f"{link.upstream} has removed WAL that {link.downstream} needs",
            summary=f"{link.downstream} needs WAL from {needed} on, and {link.upstream} keeps none "
            f"from before {kept}: it has no slot for it, and {KEEP} = {context.shown(affected.up, KEEP)}{change}",
            steps=[
                show_senders(link.upstream),
                show_settings(link.upstream, KEEP),
                show_server(link.downstream),
                Step(
                    risk="careful",
                    text=f"If the archive has the missing WAL, let {link.downstream} restore it with restore_command",
                ),
                *([rebuild_standby(link.downstream, link.upstream)] if needless else []),
                Step(risk="safe", text=f"Then give it a slot on {link.upstream}"),
            ],
            not_needed=needless,
            evidence_for=[
                fact("replayed_lsn", needed, link.downstream),
                fact(
                    "oldest_kept_lsn",
                    kept,
                    link.upstream,
                    "start of the last checkpoint less what is kept",
                ),
                fact("slot", "none", link.upstream, f"for {link.downstream}"),
                *(changed or [fact(KEEP, context.shown(affected.up, KEEP), link.upstream)]),
            ],
        )


def removed_below(context: DiagnosisContext, affected: AffectedLink) -> int | None:
    """The start of the upstream's WAL, when that is beyond what a standby without a slot needs."""
    sample = affected.up.sample if affected.up is not None else None
    keep, segment = context.number(affected.up, KEEP), context.number(affected.up, SEGMENT)
    if sample is None or keep is None or segment is None:
        return None
    floor = oldest_kept(sample, keep * MEBIBYTE, segment)
    if floor is None or affected.slot is not None or affected.link.position is None:
        return None
    return floor if affected.link.position < floor else None


CAUSE = CauseRule(
    code="wal_removed",
    find=find,
)
