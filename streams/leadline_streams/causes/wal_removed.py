"""``wal_removed``: the log that a standby needs next is no longer on its upstream."""

from collections.abc import Iterator

from leadline.model.lsn import format_lsn, parse_lsn
from leadline_streams.judge.diagnosis.ranking import CUT, Case, CauseRule, Claim, LinkCase
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link
from leadline_streams.judge.verdict import slot_is_lost

KEEP = "wal_keep_size"
MEBIBYTE = 1024 * 1024
SEGMENT = "wal_segment_size"


def find(case: Case) -> Iterator[Claim]:
    """A disconnected standby without a slot, whose position lies before what the last checkpoint left."""
    for it in case.lost:
        floor, link = removed_below(case, it), it.link
        if floor is None or link.position is None:
            continue
        change, changed = case.blame(it.up, KEEP)
        yield Claim(
            subject=of_link(link),
            confidence=0.95,
            title=f"{link.upstream} has removed log that {link.downstream} needs",
            summary=f"{link.downstream} needs log from {format_lsn(link.position)} on, and {link.upstream} keeps none "
            f"from before {format_lsn(floor)}: it has no slot for it, and {KEEP} = {case.shown(it.up, KEEP)}{change}",
            fix=f"Let {link.downstream} fetch it by restore_command from the archive, or rebuild it with "
            f"pg_basebackup; then give it a slot on {link.upstream}.",
            evidence_for=[
                fact("replayed_lsn", format_lsn(link.position), link.downstream),
                fact(
                    "oldest_kept_lsn",
                    format_lsn(floor),
                    link.upstream,
                    "start of the last checkpoint less what is kept",
                ),
                fact("slot", "none", link.upstream, f"for {link.downstream}"),
                *(changed or [fact(KEEP, case.shown(it.up, KEEP), link.upstream)]),
            ],
        )


def removed_below(case: Case, it: LinkCase) -> int | None:
    """Where the upstream's log begins, when that is beyond what a standby without a slot needs.

    A checkpoint removes what is before it but for wal_keep_size and the oldest slot (KeepLogSeg in xlog.c).
    """
    sample = it.up.sample if it.up is not None else None
    redo = sample.positions.redo_lsn if sample is not None and sample.positions is not None else None
    keep, segment = case.number(it.up, KEEP), case.number(it.up, SEGMENT)
    if sample is None or redo is None or keep is None or segment is None:
        return None
    if sample.archiver is not None and (sample.archiver.ready or sample.archiver.last_failed_s is not None):
        return None  # what is not archived yet is kept
    slots = [parse_lsn(slot.restart_lsn) for slot in sample.slots if slot.restart_lsn and not slot_is_lost(slot)]
    floor = min([parse_lsn(redo), *slots]) - keep * MEBIBYTE - segment
    return floor if it.slot is None and it.link.position is not None and it.link.position < floor else None


CAUSE = CauseRule(
    code="wal_removed",
    help="a disconnected standby without a slot is behind the start of the last checkpoint less wal_keep_size",
    explains=CUT,
    find=find,
)
