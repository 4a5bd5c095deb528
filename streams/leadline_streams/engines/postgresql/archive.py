"""The WAL archive: whether a server archives, and standbys that are fed by it alone, which are late by design."""

import re
from math import inf

from leadline.model.host import Archiver
from leadline.model.node import LinkKind
from leadline.model.replication import Positions
from leadline_streams.engines.postgresql.links import is_logical
from leadline_streams.engines.postgresql.lsn import parse_lsn
from leadline_streams.engines.postgresql.stages import is_session_wait
from leadline_streams.engines.postgresql.timing import longer_s
from leadline_streams.judge.engine import LinkReading
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState

FETCH_S = 30.0
"""A standby has fetched a segment that is there in this time, with the default of ``wal_retrieve_retry_interval``."""
ASKS_AGAIN = "Timeout/RecoveryRetrieveRetryInterval"
"""The startup process waits for the time of its next attempt: the last one brought nothing."""
RESTORES = "IPC/RestoreCommand"
"""The startup process waits for ``restore_command``; PostgreSQL 15 and later show it."""
DELAYS = "Timeout/RecoveryApplyDelay"
SLACK_BYTES = 2 * 8192
HANGS_S = 300.0
"""One segment is archived in less than this, or the attempt fails."""
SEGMENT_BYTES = 16 * 2**20

_KEEPS_NOTHING = re.compile(r"^(?:\S*/)?(?:true|:|exit|echo)(?:\s[^;|&<>]*)?$|^(?:cp|mv|cat)\b[^;|&]*\s/dev/null$")
_HIDES_FAILURE = re.compile(r"(?:\|\||;)\s*(?:(?:\S*/)?true|:|exit 0)\s*;?$|[^&]&$")
"""At the end of a command of the shell: something that always succeeds, or a command in the background."""


def has_no_command(node: NodeState) -> bool:
    """Whether a server is to archive and has nothing to do it with: it keeps its WAL, and counts no failure."""
    if node.sample is None or node.sample.archiver is None or _text(node, "archive_mode") not in ("on", "always"):
        return False
    # Before 15 there is no archive_library.
    return "archive_command" in node.settings and not _text(node, "archive_command") + _text(node, "archive_library")


def failed_last(archiver: Archiver) -> bool:
    """Whether the newest attempt failed."""
    failed, archived = archiver.last_failed_s, archiver.last_archived_s
    return failed is not None and (archived is None or failed < archived)


def not_kept(node: NodeState) -> str | None:
    """The reason why ``archive_command`` succeeds without keeping the segment, by its text; None where none shows.

    A program of somebody's own may do anything with the names that it is given. One that fails keeps the WAL.
    """
    mode, command = _text(node, "archive_mode"), _text(node, "archive_command").strip()
    archives = mode == "always" or (mode == "on" and node.takes_writes)
    if not archives or not command or _text(node, "archive_library"):
        return None
    why = keeps_nothing(command)
    if why is None or node.sample is None or node.sample.archiver is None or failed_last(node.sample.archiver):
        return None
    return why


def keeps_nothing(command: str) -> str | None:
    """The reason why a command, as the agent shows it, succeeds without keeping the segment; None where none shows."""
    shown = command.strip().partition(" #")[0]  # a digest follows that stands for its arguments
    if _KEEPS_NOTHING.search(shown):
        return "it does nothing with the segment"
    return "it succeeds whether the segment was kept or not" if _HIDES_FAILURE.search(shown) else None


def follow(node: NodeState, archiver: Archiver, now: float) -> None:
    """Note how many segments wait, and since when the archiver has got no further."""
    if archiver.ready is not None:
        node.unarchived = archiver.ready
    ended = [each for each in (archiver.last_archived_s, archiver.last_failed_s) if each is not None]
    if node.unarchived:
        node.archive_idle_since = max(node.archive_idle_since or now, now - min(ended, default=inf))
    elif node.archive_idle_since:
        node.archive_idle_since = 0.0


def hangs(node: NodeState, now: float) -> bool:
    """Whether segments wait, and no attempt to archive one has ended for long, neither well nor badly."""
    since = node.archive_idle_since
    return since > 0.0 and now - since >= HANGS_S and not has_no_command(node)


def kind_of(link: LinkState, down: NodeState | None) -> LinkKind:
    """The kind of a link as its downstream shows it now: ``archive`` without ``primary_conninfo``."""
    if is_logical(link) or down is None or not down.answers or down.sample is None or down.sample.upstream is None:
        return link.kind
    if feeds(down):
        return "archive"
    receiver = down.sample.upstream
    return "physical" if receiver.status is not None or receiver.configured else link.kind


def feeds(down: NodeState | None) -> bool:
    """Whether a standby is fed by the archive alone."""
    receiver = down.sample.upstream if down is not None and down.sample is not None else None
    streams = receiver is None or receiver.status is not None or receiver.configured
    return not streams and bool(_text(down, "restore_command"))


def read(link: LinkState, up: NodeState | None, down: NodeState | None, now: float) -> LinkReading:
    """The present state of a link through the archive."""
    sample = down.sample if down is not None and down.answers else None
    positions = sample.positions if sample is not None else None
    if positions is None or positions.replayed_lsn is None:
        return LinkReading()
    replayed = parse_lsn(positions.replayed_lsn)
    return LinkReading(
        connected=not is_starved(link, up, down, positions, now),
        position=replayed,
        paused=positions.replay_paused,
        waits=is_session_wait(positions.startup_wait),
        apply_delay_s=positions.apply_delay_s + expected_s(up, down, replayed),
    )


def fetch_s(down: NodeState | None) -> float:
    """The time in which a standby has fetched a segment that is there: it asks again after its own interval."""
    return FETCH_S + 2 * longer_s(down, "wal_retrieve_retry_interval")


def expected_s(up: NodeState | None, down: NodeState | None, replayed: int) -> float:
    """Seconds that such a standby may be behind: until the segment is full or ``archive_timeout`` ends it."""
    timeout_s = _number(up, "archive_timeout")
    if timeout_s:
        return timeout_s + fetch_s(down)
    end = up.clock.end if up is not None else None
    within = end is None or end - replayed <= 2 * (_number(up, "wal_segment_size") or SEGMENT_BYTES)
    return inf if within else fetch_s(down)


def archived_to(up: NodeState | None) -> int | None:
    """The position up to which the upstream has archived its WAL; None when that is not seen."""
    archiver = up.sample.archiver if up is not None and up.answers and up.sample is not None else None
    name = archiver.last_archived_wal if archiver is not None else None
    if name is None or len(name) != 24:
        return None
    try:
        return (int(name[8:16], 16) << 32) + (int(name[16:], 16) + 1) * int(
            _number(up, "wal_segment_size") or SEGMENT_BYTES
        )
    except ValueError:
        return None


def wanted(link: LinkState, up: NodeState | None, down: NodeState | None) -> str:
    """The name of the WAL file that holds what a standby replays next, in words where its timeline is not seen."""
    timeline = down.node.timeline if down is not None else None
    if timeline is None or link.position is None:
        return "the next WAL file"
    segment = link.position // int(_number(up, "wal_segment_size") or SEGMENT_BYTES)
    per_name = (1 << 32) // int(_number(up, "wal_segment_size") or SEGMENT_BYTES)
    return f"{timeline:08X}{segment // per_name:08X}{segment % per_name:08X}"


def is_starved(link: LinkState, up: NodeState | None, down: NodeState | None, positions: Positions, now: float) -> bool:
    """Whether the archive has more than a standby has replayed, and the standby does not get it.

    It has not moved for long; or it waits until it asks again, though all of that was archived long ago. Then what is
    archived later changes nothing until it moves. One that is paused, waits for a session or delays what it replays has
    got something, and stands by itself.
    """
    to, replayed = archived_to(up), parse_lsn(positions.replayed_lsn or "0/0")
    if to is None or to - replayed <= SLACK_BYTES or positions.replay_paused:
        return False
    if is_session_wait(positions.startup_wait) or positions.startup_wait == DELAYS:
        return False
    if link.cut_since is not None and link.position == replayed:
        return True
    archiver = up.sample.archiver if up is not None and up.sample is not None else None
    archived_s = archiver.last_archived_s if archiver is not None else None
    asked = positions.startup_wait == ASKS_AGAIN and archived_s is not None and archived_s >= fetch_s(down)
    return asked or 0.0 < link.moved_at <= now - fetch_s(down) - positions.apply_delay_s


def _text(node: NodeState | None, setting: str) -> str:
    found = node.settings.get(setting) if node is not None else None
    return found.value if found is not None else ""


def _number(node: NodeState | None, setting: str) -> float | None:
    try:
        return float(_text(node, setting))
    except ValueError:
        return None
