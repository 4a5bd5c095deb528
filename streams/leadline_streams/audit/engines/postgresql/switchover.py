"""Whether a standby may take the place of its primary in a planned switchover, and the primary take its place. Pure.

The primary is stopped cleanly first, so nothing is lost. What can go wrong is the rest: the new primary may not serve,
standbys and subscribers may not be able to follow it, and the old primary may not come back.
"""

from collections.abc import Callable, Sequence

from leadline.model import Value
from leadline_streams.audit.engines.postgresql.following import Obstacle, logins_refused, slots_lacking
from leadline_streams.audit.engines.postgresql.promotion import OPTIONAL, Answer, readiness
from leadline_streams.audit.engines.postgresql.synchronous import ORCHESTRATED
from leadline_streams.audit.engines.postgresql.turned import BACK, FORTH, Turned, turned
from leadline_streams.audit.finding import AuditFinding, AuditReport
from leadline_streams.audit.fleet import AuditedFleet, AuditedLink
from leadline_streams.audit.node import Unseen

Audit = Callable[[AuditedFleet], AuditReport]
STARTS_BADLY = frozenset({"PG-CFG-002", "PG-SEC-007"})
"""Rules whose violation by the old primary keeps it from starting again."""
KNOW = frozenset({"PG-CFG-001", "PG-ARC-001", "PG-ARC-005", "PG-SEC-004"})
"""Rules about either server whose violation somebody should have read before."""
LATE = frozenset({"falling_behind", "replay_stalled"})


class Switchover(Value, frozen=True, kw_only=True):
    """The answer about one standby."""

    answer: Answer
    primary: str
    standby: str
    reasons: list[Obstacle]
    back: Answer
    """Whether the old primary could be the primary again after it followed the new one."""
    back_reasons: list[Obstacle]
    not_seen: list[str]
    """Judgements that could not be made, with the reasons. The answer stays open where one of them could be no."""
    to_know: list[str]
    """Facts that somebody should have read before."""
    follow: list[str]
    """The servers that follow the new primary then."""
    behind_bytes: int | None = None
    """WAL that the primary still has to send."""
    unreplayed_bytes: int | None = None


def switchovers(fleet: AuditedFleet, report: AuditReport, again: Audit, to: str | None = None) -> list[Switchover]:
    """The answer for each standby of a primary; for one alone where ``to`` names it.

    ``report``: of the servers as they are. ``again`` judges them as they would be.
    """
    links = [link for link in fleet.links if link.status.link_kind in ("physical", "archive")]
    own = [link for link in links if to in (None, link.down.name)]
    found = [_forth(fleet, report, again, link) for link in own if link.up.is_primary]
    below = [] if found and to is None else [_cascade(link) for link in own if not link.up.is_primary]
    logical = [link for link in fleet.links if link.status.link_kind == "logical" and to in (None, link.down.name)]
    return found or below or [_subscriber(link) for link in logical]


def _forth(fleet: AuditedFleet, report: AuditReport, again: Audit, link: AuditedLink) -> Switchover:
    here, there = str(link.down.name), str(link.up.name)
    now = readiness(fleet, report, here, there)
    then = turned(fleet, link)
    after = again(then.fleet)
    of_findings = {f"{each.summary} ({each.rule})" for each in now.stops}
    reasons = [Obstacle(text=text) for text in now.reasons if now.answer == "no" and text not in of_findings]
    reasons += [_reason(each) for each in now.stops]
    if link.status.verdict in LATE:
        reasons.append(Obstacle(text=f"{here} does not keep up: {link.status.verdict.replace('_', ' ')}"))
    known = {each.text for each in reasons}
    reasons += [
        _reason(each)
        for each in after.findings
        if each.rule in FORTH and each.summary not in known and _concerns(each, then, link)
    ]
    at_start = [each for each in report.findings if each.subject.node == there and each.rule in STARTS_BADLY]
    reasons += [_reason(each) for each in at_start]
    unseen = list(now.reasons) if now.answer == "cannot say" else []
    unseen += [f"{each.rule} was not judged: {each.reason}" for each in after.unseen if each.rule in FORTH]
    unseen += [f"{row.name} follows {there} and was not given" for row in then.unknown]
    try:
        reasons += [*slots_lacking(link, then), *logins_refused(link.up)]
    except Unseen as reason:
        unseen.append(str(reason))
    back_reasons = [_reason(each) for each in after.findings if each.rule in BACK and _is_back(each, then)]
    back_unseen = [each for each in after.unseen if each.rule in BACK - OPTIONAL]
    optional = [
        each.reason
        for each in report.unseen
        if each.rule in OPTIONAL | STARTS_BADLY and each.subject.id.endswith((f"/{there}", f"->{here}"))
    ]
    return Switchover(
        answer="no" if reasons else "cannot say" if unseen else "yes",
        primary=there,
        standby=here,
        reasons=reasons,
        back="no" if back_reasons else "cannot say" if back_unseen else "yes",
        back_reasons=back_reasons,
        not_seen=list(dict.fromkeys([*unseen, *(each.reason for each in back_unseen), *optional])),
        to_know=_to_know(report, now.risks, then, here, there),
        follow=[str(each.down.name) for each in then.fleet.links if each.up is then.new],
        behind_bytes=now.behind_bytes,
        unreplayed_bytes=now.unreplayed_bytes,
    )


def _reason(finding: AuditFinding) -> Obstacle:
    return Obstacle(text=finding.summary, rule=finding.rule, steps=tuple(finding.steps))


def _concerns(finding: AuditFinding, then: Turned, link: AuditedLink) -> bool:
    """Whether a finding is about the new primary or one that follows it. Orchestrators name synchronous standbys."""
    subject = finding.subject
    if finding.rule.startswith("PG-SYNC") and link.up.node.flavour in ORCHESTRATED:
        return False
    followers = {each.down.name for each in then.fleet.links if each.up is then.new}
    on_standbys = finding.rule.startswith("PG-SBY")
    return subject.upstream == then.new.name or subject.node in (followers if on_standbys else {then.new.name})


def _is_back(finding: AuditFinding, then: Turned) -> bool:
    return (finding.subject.upstream, finding.subject.downstream) == (then.new.name, then.old.name)


def _to_know(report: AuditReport, risks: Sequence[AuditFinding], then: Turned, here: str, there: str) -> list[str]:
    listed = [each for each in report.findings if each.rule in KNOW and each.subject.node in (here, there)]
    words = [f"{each.summary} ({each.rule})" for each in (*risks, *listed)]
    words += [f"{name} keeps the WAL of {there}, and must be pointed to {here}" for name in then.receivers]
    if then.name:
        words.append(f"commits on {here} will wait for {then.name}: let {there} follow it under that name")
    return list(dict.fromkeys(words))


def _no(link: AuditedLink, text: str) -> Switchover:
    reason = Obstacle(text=text)
    return Switchover(
        answer="no",
        primary=str(link.up.name),
        standby=str(link.down.name),
        reasons=[reason],
        back="no",
        back_reasons=[reason],
        not_seen=[],
        to_know=[],
        follow=[],
    )


def _cascade(link: AuditedLink) -> Switchover:
    return _no(
        link,
        f"{link.down.name} follows {link.up.name}, which is a standby: switch over to {link.up.name}, or let "
        f"{link.down.name} follow the primary first",
    )


def _subscriber(link: AuditedLink) -> Switchover:
    return _no(
        link,
        f"{link.down.name} is a subscriber of {link.up.name} and no standby: sequences, schema and what is not "
        f"published are not replicated, so this is a migration and no switchover",
    )
