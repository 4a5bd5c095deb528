"""``restore_command_hangs``: a standby lost its stream, asks the archive first, and the command does not end."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql.archive import RESTORES, SLACK_BYTES
from leadline_streams.engines.postgresql.links import of_standbys
from leadline_streams.engines.postgresql.statements import show_replay, show_settings
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

FIRST = "a standby asks its archive before it connects to its upstream, and connects only when the command has ended"
ALONE = "it is fed by the WAL archive alone, and gets nothing until the command has ended"
LIKELY_S, SURE_S = 3.0, 20.0
"""One segment is fetched in less, as a rule. Replay that has stood still for longer waits for more than that."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby without a receiver, whose startup process waits for the command and has applied nothing for long."""
    for affected in of_standbys(context):
        sample, link = affected.sample, affected.link
        if sample is None or link.connected or affected.wait != RESTORES:
            continue
        if sample.upstream is not None and sample.upstream.status is not None:
            continue
        behind = (link.hop_units or 0) > SLACK_BYTES
        since = max(link.cut_since or context.now, link.moved_at if behind else 0.0)
        if context.now - since >= LIKELY_S:
            yield _claim(context, affected, context.now - since)


def _claim(context: DiagnosisContext, affected: AffectedLink, still_s: float) -> Claim:
    link, sure = affected.link, still_s >= SURE_S
    down = link.downstream
    change, changed = context.blame(affected.down, "restore_command")
    return Claim(
        subject=of_link(link),
        confidence=0.95 if sure else 0.7,
        title=f"{down} waits for restore_command",
        summary=f"the startup process of {down} has waited for restore_command and applied nothing for "
        f"{duration(still_s)}{change}: {ALONE if link.kind == 'archive' else FIRST}",
        steps=[
            show_replay(down),
            show_settings(down, "restore_command"),
            Step(
                risk="look",
                text=f"On the host of {down}, ps shows the command, the segment that it fetches, and since when: see "
                "what it waits for, such as a mount or a store that does not answer. Do not end it by a signal: "
                "the startup process would take it as its own end, and the server would stop",
            ),
            Step(
                risk="careful",
                text=f"Repair what it waits for, or give restore_command on {down} a time limit and restart {down}",
            ),
        ],
        evidence_for=[
            fact("startup_wait", RESTORES, down, f"for {duration(still_s)}"),
            fact("receiver", "none", down),
            *changed,
        ],
    )


CAUSE = CauseRule(
    code="restore_command_hangs",
    find=find,
)
