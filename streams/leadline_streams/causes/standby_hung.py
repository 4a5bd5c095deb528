"""``standby_hung``: processes of a standby are there and do not move."""

from collections.abc import Iterator

from leadline.model.observation import Upstream
from leadline.words import duration
from leadline_streams.engines.postgresql.link_reading import PAGE_SLACK_BYTES, SILENT_REPLY_S
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.link_progress import outstanding
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link
from leadline_streams.judge.verdict import STALLED_S

GIVES_UP = "wal_receiver_timeout"
SLACK_S = 2.0
IDLE = "Activity/RecoveryWalStream"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """The whole server, its receiver or its replay, each by its own sign."""
    for it in streaming(context):
        claim = _server(it) or _receiver(context, it) or _replay(context, it)
        if claim is not None:
            yield claim


def _server(it: AffectedLink) -> Claim | None:
    """No look is answered in time, and the sender still has its connection without replies."""
    down, row = it.down, it.row
    if down is None or not down.down or down.reach != "hangs" or row is None:
        return None
    name = down.name
    return Claim(
        subject=of_link(it.link),
        confidence=0.95,
        title=f"the standby {name} hangs",
        summary=f"{name} answers neither its agent nor {it.link.upstream}, whose connection to it still stands; "
        f"its last reply is {duration(row.reply_age_s)} old",
        fix=f"Look at {name}'s host: frozen, swapping, or waiting for a dead disk. Then restart PostgreSQL there.",
        evidence_for=[
            fact("up", "false", name, down.error),
            fact("sender_state", row.state, it.link.upstream, "the connection still stands"),
            fact("reply_age_s", row.reply_age_s, it.link.upstream, "the lag columns are frozen"),
        ],
    )


def _receiver(context: DiagnosisContext, it: AffectedLink) -> Claim | None:
    """A receiver that lived would have given up on a silent stream long ago."""
    receiver: Upstream | None = it.sample.upstream if it.sample is not None else None
    patience_ms = context.number(it.down, GIVES_UP)
    if receiver is None or receiver.status is None or receiver.message_age_s is None or not patience_ms:
        return None
    if receiver.message_age_s < patience_ms / 1000.0 + SLACK_S:
        return None
    name = it.link.downstream
    return Claim(
        subject=of_link(it.link),
        confidence=0.93,
        title=f"the WAL receiver of {name} hangs",
        summary=f"the WAL receiver of {name} has taken no message for {duration(receiver.message_age_s)} and did not "
        f"give up after {GIVES_UP} = {context.shown(it.down, GIVES_UP)}, as one that runs would",
        fix=f"Look at the process on {name}'s host; SELECT pg_terminate_backend(pid) FROM pg_stat_wal_receiver; "
        "ends it unless it is stopped or waits for a dead disk.",
        evidence_for=[
            fact("message_age_s", receiver.message_age_s, name),
            fact(GIVES_UP, context.shown(it.down, GIVES_UP), name),
            fact("reply_age_s", it.row.reply_age_s if it.row is not None else "no sender", it.link.upstream),
        ],
    )


def _replay(context: DiagnosisContext, it: AffectedLink) -> Claim | None:
    """Replay that claims to have nothing to do beside log that waits for it."""
    link = it.link
    still = context.now - link.moved_at
    if (
        it.sample is None
        or it.wait != IDLE
        or not outstanding(link, PAGE_SLACK_BYTES)
        or still < max(STALLED_S, SILENT_REPLY_S)
    ):
        return None
    return Claim(
        subject=of_link(link),
        confidence=0.9,
        title=f"replay on {link.downstream} hangs",
        summary=f"the startup process of {link.downstream} has not moved for {duration(still)}: it shows as waiting "
        f"for log ({it.wait}) while received log lies before it",
        fix=f"Look at the startup process on {link.downstream}'s host: stopped, or in a loop; restart the server.",
        evidence_for=[
            fact("startup_wait", it.wait, link.downstream),
            fact("received_not_replayed_bytes", (link.received or 0) - (link.position or 0), link.downstream),
        ],
    )


CAUSE = CauseRule(
    code="standby_hung",
    find=find,
)
