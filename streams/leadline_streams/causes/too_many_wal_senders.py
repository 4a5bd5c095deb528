"""``too_many_wal_senders``: a server has no sender left for another standby or subscriber."""

from collections.abc import Iterator

from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.links import cut_off
from leadline_streams.engines.postgresql.mismatches import LEVELS, WAL_LEVEL
from leadline_streams.engines.postgresql.statements import change_setting, show_senders, show_settings
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

MOST = "max_wal_senders"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby without a connection to a server whose senders are all in use."""
    for affected in cut_off(context):
        evidence = has_no_sender_left(context, affected)
        if evidence is None or affected.up is None:
            continue
        link, most = affected.link, context.setting(affected.up, MOST)
        if most == "0" or context.setting(affected.up, WAL_LEVEL) == LEVELS[0]:
            yield _off(context, affected, affected.up, evidence)
            continue
        yield Claim(
            subject=of_link(link),
            confidence=0.97 if any(each.name == "server_log" for each in evidence) else 0.9,
            title=f"{link.upstream} has no sender left for {link.downstream}",
            summary=f"{link.downstream} cannot connect: all senders of {link.upstream} are in use "
            f"({MOST} = {most or 'not known'})",
            steps=[
                show_senders(link.upstream),
                Step(
                    risk="careful",
                    node=link.upstream,
                    text=f"End what needs no sender, such as a base backup that was left. Else raise {MOST}, on "
                    "standbys first; that needs a restart",
                ),
            ],
            evidence_for=evidence,
        )


def _off(context: DiagnosisContext, affected: AffectedLink, up: NodeState, evidence: list[Evidence]) -> Claim:
    """The upstream is set not to replicate at all."""
    name, down = WAL_LEVEL if context.setting(up, WAL_LEVEL) == LEVELS[0] else MOST, affected.link.downstream
    change, changed = context.blame(up, name, MOST)
    rebuild = (
        f"WAL that {up.name} wrote at wal_level = minimal cannot be replayed: if it wrote any, {down} ends with an "
        "error there after the restart, and has to be built again from a new backup"
    )
    return Claim(
        subject=of_link(affected.link),
        confidence=0.97,
        title=f"{up.name} is set not to replicate",
        summary=f"{down} cannot connect: {up.name} does not replicate: {name} = {context.setting(up, name)}{change}",
        steps=[
            show_settings(up.name, WAL_LEVEL, MOST),
            *(Step(risk="look", text=rebuild) for _ in range(name == WAL_LEVEL)),
            *change_setting(up.name, MOST, None, "careful", restart=True)[:1],
            *change_setting(up.name, WAL_LEVEL, None, "careful", restart=True),
        ],
        evidence_for=[fact(name, context.setting(up, name), up.name), *changed, *evidence],
    )


def has_no_sender_left(context: DiagnosisContext, affected: AffectedLink) -> list[Evidence] | None:
    """The evidence that the upstream refuses a standby for this reason; None when there is none."""
    up, down = affected.up, affected.down
    if affected.row is not None or up is None or up.sample is None or down is None:
        return None
    found = []
    for line in server_log.errors(up, context.now, server_log.of_sender):
        if line.code == server_log.NO_CONNECTION_LEFT and MOST in line.message:
            found.append(server_log.as_evidence(line, up))
            break
    for line in server_log.errors(down, context.now, server_log.of_receiver):
        if MOST in line.message:
            found.append(server_log.as_evidence(line, down))
            break
    most, used = context.number(up, MOST), len(up.sample.downstreams)
    if most is not None and used >= most:
        found.append(fact("senders", used, up.name, f"{MOST} = {most}"))
    return found or None


CAUSE = CauseRule(
    code="too_many_wal_senders",
    find=find,
)
