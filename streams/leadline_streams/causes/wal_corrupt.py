"""``wal_corrupt``: replay cannot read a record of the WAL, and begins at it again and again."""

from collections.abc import Iterator

from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.server_log import LogLine
from leadline.words import size
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.links import of_standbys
from leadline_streams.engines.postgresql.silence import PAGE_SLACK_BYTES
from leadline_streams.engines.postgresql.statements import show_replay
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link
from leadline_streams.judge.verdict import STALLED_S

CORRUPT = ("XX001", "XX002")
"""data_corrupted, index_corrupted."""
AGAIN = 3
"""The end of valid WAL looks like a corrupt record, once at each start. Only a record that is read again and again,
while nothing is received, is corrupt."""
GUESSED = 0.5
RETRIES = "Timeout/RecoveryRetrieveRetryInterval"
_WAITS = "waiting for WAL to become available"

COPY_OF = {
    "physical": "If only this copy is corrupt: stop PostgreSQL, move the WAL file that holds the record out of pg_wal "
    "without deleting it, check the copy in the archive, and start PostgreSQL: it fetches the file again",
    "archive": "If only the copy in the archive is corrupt: keep it, and put the file there again from pg_wal of the "
    "primary. Where the primary has it no more, another standby takes the place of this one",
}
"""The way to replace the copy that a standby reads, by the kind of its link."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby that receives nothing, and whose startup process reports the same record again and again."""
    for affected in of_standbys(context):
        line = corruption(context, affected)
        if affected.down is None:
            continue
        if line is None:
            if is_unreadable(context, affected):
                yield _guess(affected, affected.down)
            continue
        name, position = affected.down.name, _position(affected)
        yield Claim(
            subject=of_link(affected.link),
            confidence=0.95,
            title=f"{name} cannot read a WAL record",
            summary=f"replay on {name} stands at {position} and reads the same record again and again: {line.message}",
            steps=[
                show_replay(name),
                Step(
                    risk="look",
                    text=f"Compare the record on both hosts: pg_waldump --start={position} on {affected.link.upstream} "
                    f"and on {name}. If both fail, the WAL of {affected.link.upstream} is corrupt itself",
                ),
                Step(risk="careful", node=name, text=COPY_OF[affected.link.kind]),
            ],
            evidence_for=_evidence(context, affected, affected.down, line),
        )


def _guess(affected: AffectedLink, node: NodeState) -> Claim:
    """WAL that is there and not replayed, without a reason."""
    name, position, left = node.name, _position(affected), (affected.link.received or 0) - (affected.link.position or 0)
    return Claim(
        subject=of_link(affected.link),
        confidence=GUESSED,
        title=f"{name} does not replay the WAL that it has",
        summary=f"replay on {name} stands at {position} beside {size(left)} of received WAL, and waits for other WAL: "
        f"the record there may be corrupt, or not whole. The reason is in {server_log.place(node)}",
        steps=[
            server_log.read_it(node, "it says what is wrong with the record"),
            Step(risk="look", text=f"Read the record: pg_waldump --start={position} on the host of {name}"),
        ],
        evidence_for=[
            fact("replayed_lsn", position, name),
            fact("received_not_replayed_bytes", left, name),
            fact("startup_wait", affected.wait, name),
        ],
        not_seen=server_log.not_seen(node),
    )


def is_unreadable(context: DiagnosisContext, affected: AffectedLink) -> bool:
    """Whether replay waits for other WAL although there is WAL that it has received and not replayed."""
    link = affected.link
    if link.connected or affected.wait != RETRIES or link.received is None or link.position is None:
        return False
    return link.received - link.position > PAGE_SLACK_BYTES and context.now - link.moved_at >= STALLED_S


def corruption(context: DiagnosisContext, affected: AffectedLink) -> LogLine | None:
    """The message about a record that is read again and again; None where the server log shows none."""
    if affected.link.connected:
        return None
    lines = server_log.recent(affected.down, context.now)
    return next((line for line in lines if server_log.of_replay(line) and _is_about(affected, line)), None)


def _is_about(affected: AffectedLink, line: LogLine) -> bool:
    """Whether a message names a place where replay stands, more than once."""
    if line.code in CORRUPT:
        return True
    again = line.times >= AGAIN and _WAITS not in line.message
    return again and server_log.is_near(line, affected.link.position)


def _evidence(context: DiagnosisContext, affected: AffectedLink, node: NodeState, line: LogLine) -> list[Evidence]:
    behind = affected.link.hop_units
    return [
        server_log.as_evidence(line, node),
        fact("replayed_lsn", _position(affected), node.name, f"{behind} bytes behind" if behind else None),
    ]


def _position(affected: AffectedLink) -> str:
    positions = affected.sample.positions if affected.sample is not None else None
    return (positions.replayed_lsn if positions is not None else None) or "the last position"


CAUSE = CauseRule(
    code="wal_corrupt",
    find=find,
)
