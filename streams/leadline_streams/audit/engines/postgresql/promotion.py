"""Whether a standby may be promoted: yes, no, or it cannot be seen; with the reasons and the amount at risk. Pure.

It is an answer about the servers as they were read. It promotes nothing, and decides nothing about which server should
take writes.
"""

from collections.abc import Sequence
from typing import Literal

from leadline.model import Value
from leadline.model.status import LinkStatus
from leadline_streams.audit.finding import AuditFinding, AuditReport
from leadline_streams.audit.fleet import AuditedFleet
from leadline_streams.audit.node import AuditedNode
from leadline_streams.engines.postgresql.lsn import parse_lsn

Answer = Literal["yes", "no", "cannot say"]
STOPS = frozenset(
    {
        *("PG-SBY-006", "PG-SBY-011", "PG-SBY-015", "PG-PAR-001", "PG-PAR-004", "PG-PAR-005", "PG-PAR-006"),
        *("PG-PAR-009", "PG-PAR-010", "PG-PAR-011", "PG-SYNC-007", "PG-LOG-002"),
        *("PG-DUR-001", "PG-DUR-002", "PG-DUR-007", "PG-CLU-001"),
    }
)
"""Rules whose violation breaks something as soon as the standby is the primary."""
RISKS = frozenset({"PG-SBY-005", "PG-PAR-002", "PG-PAR-003", "PG-PAR-007", "PG-ARC-004", "PG-CFG-001", "PG-DUR-006"})
"""Rules whose violation somebody should have read before."""
OPTIONAL = frozenset({"PG-PAR-011"})
"""Rules that ``pg_monitor`` cannot judge; they do not keep the answer open."""
CONNECTED = frozenset({"idle", "healthy", "catching_up", "falling_behind", "delayed_by_design", "replay_stalled"})


class Readiness(Value, frozen=True, kw_only=True):
    """The answer about one standby."""

    answer: Answer
    standby: str
    primary: str
    reasons: list[str]
    """Against it; or what was not seen."""
    risks: list[AuditFinding]
    """Findings that somebody should have read before."""
    stops: list[AuditFinding]
    """Findings behind the reasons, with their steps."""
    behind_bytes: int | None = None
    """WAL that the primary has written and the standby has not received; lost if the primary does not come back."""
    unreplayed_bytes: int | None = None
    """WAL that it has received and not replayed yet; replayed before it takes writes."""
    others: tuple[str, ...] = ()
    """Other downstreams of the primary, which must follow the new one."""


def readiness(fleet: AuditedFleet | None, report: AuditReport, standby: str, primary: str) -> Readiness:
    """The answer for a standby and the primary that it follows, from an audit of the two."""
    nodes = {str(node.name): node for node in fleet.nodes} if fleet is not None else {}
    here, there = nodes.get(standby), nodes.get(primary)
    unread = [each.reason for each in report.unseen if not each.rule and each.subject.kind == "node"]
    if here is not None and fleet is not None and _link(fleet, standby, primary) is None:
        unread += [here.look.unseen["settings"]] if "settings" in here.look.unseen else []
    wrong = _wrong_servers(here, there, fleet, standby, primary)
    stops = [each for each in report.findings if each.rule in STOPS and _concerns(each, standby)]
    stops += [each for each in report.findings if each.rule == "PG-LOG-002" and each not in stops]
    unjudged = [
        f"{each.rule} was not judged: {each.reason}"
        for each in report.unseen
        if each.rule in STOPS - OPTIONAL and _about(each.subject.id, standby)
    ]
    reasons = [*wrong, *(f"{each.summary} ({each.rule})" for each in stops)]
    answer: Answer = "no" if reasons else "cannot say" if unread or unjudged or here is None or there is None else "yes"
    if answer == "cannot say":
        reasons = [*unread, *unjudged]
    behind, unreplayed = _at_risk(here, there)
    return Readiness(
        answer=answer,
        standby=standby,
        primary=primary,
        reasons=reasons,
        stops=stops,
        risks=[each for each in report.findings if each.rule in RISKS and _concerns(each, standby)],
        behind_bytes=behind,
        unreplayed_bytes=unreplayed,
        others=_others(here, there, fleet),
    )


def _wrong_servers(
    here: AuditedNode | None, there: AuditedNode | None, fleet: AuditedFleet | None, standby: str, primary: str
) -> list[str]:
    """Reasons for which the two are not a standby and its primary."""
    found = []
    if here is not None and not here.is_standby:
        found.append(f"{standby} is no standby: it takes writes")
    if there is not None and not there.is_primary:
        found.append(f"{primary} is no primary: it is a standby itself")
    if here is None or there is None or fleet is None or found:
        return found
    if here.node.system_id and there.node.system_id and here.node.system_id != there.node.system_id:
        return [f"{standby} is a copy of another database than {primary}"]
    if here.node.timeline and there.node.timeline and here.node.timeline < there.node.timeline:
        found.append(f"{standby} is on timeline {here.node.timeline} and {primary} on {there.node.timeline}")
    link = _link(fleet, standby, primary)
    if link is None and "settings" not in here.look.unseen:
        found.append(f"{standby} does not follow {primary}")
    elif link is not None and link.verdict not in CONNECTED and link.verdict != "replay_paused":
        found.append(f"{standby} does not receive from {primary} now: {link.verdict.replace('_', ' ')}")
    return found


def _link(fleet: AuditedFleet, standby: str, primary: str) -> LinkStatus | None:
    return next(
        (
            link.status
            for link in fleet.links
            if link.status.downstream == standby and link.status.upstream == primary and not link.status.name
        ),
        None,
    )


def _concerns(finding: AuditFinding, standby: str) -> bool:
    """Whether a finding is about the standby or its link. A fleet has only these two."""
    subject = finding.subject
    return subject.kind == "cluster" or standby in (subject.node, subject.downstream)


def _about(identity: str, standby: str) -> bool:
    return "/" not in identity or identity.endswith(f"/{standby}") or identity.endswith(f"->{standby}")


def _at_risk(here: AuditedNode | None, there: AuditedNode | None) -> tuple[int | None, int | None]:
    ours = here.sample.positions if here is not None else None
    theirs = there.sample.positions if there is not None else None
    received = parse_lsn(ours.received_lsn) if ours is not None and ours.received_lsn else None
    replayed = parse_lsn(ours.replayed_lsn) if ours is not None and ours.replayed_lsn else None
    written = parse_lsn(theirs.current_lsn) if theirs is not None and theirs.current_lsn else None
    most = max((each for each in (received, replayed) if each is not None), default=None)
    behind = max(0, written - most) if written is not None and most is not None else None
    unreplayed = max(0, received - replayed) if received is not None and replayed is not None else None
    return behind, unreplayed


def _others(here: AuditedNode | None, there: AuditedNode | None, fleet: AuditedFleet | None) -> tuple[str, ...]:
    if here is None or there is None or fleet is None:
        return ()
    own: Sequence[str] = [link.sender_name for link in fleet.links if link.down is here and link.up is there]
    return tuple(sorted({row.name for row in there.sample.downstreams} - set(own)))
