"""Rules made from facts about versions: support, minor releases, and one for each known defect.

A defect is found where its condition holds: one that loses data is critical where the condition is about what the
server uses, and a warning where it may meet anybody or takes a rare event. What is less is counted with the minor
release.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from leadline.advisories.entry import Advisory, Facts, pair
from leadline.errors import UsageError
from leadline.model.alert import Evidence, Severity, Step
from leadline_streams.audit.engines.postgresql.common import is_physical, look, owns_its_files, say
from leadline_streams.audit.engines.postgresql.conditions import ALWAYS, CONDITIONS, LINK_CONDITIONS
from leadline_streams.audit.fleet import AuditedFleet, AuditedLink
from leadline_streams.audit.node import AuditedNode, Unseen
from leadline_streams.audit.rule import AuditRule, Violation, audit_rule

VERSIONING = "https://www.postgresql.org/support/versioning/"
GENERAL = frozenset({ALWAYS, "standby"})
"""Conditions that hold long before the defect is met."""
MANY = 4
"""Minor releases: those of a year."""


def weight(advisory: Advisory) -> Severity:
    """The severity with which a defect is found."""
    if advisory.effect_is == "lost data":
        return "warning" if advisory.condition in GENERAL or advisory.rare else "critical"
    return "warning" if advisory.effect_is == "stopped" and advisory.condition != ALWAYS else "info"


def patch_rules(facts: Facts, today: date) -> list[AuditRule]:
    """The rules of these facts, as of a day. Raises UsageError for a condition that nothing tests."""
    known = {*CONDITIONS, *LINK_CONDITIONS}
    for each in facts.advisories:
        if each.condition not in known:
            listed = ", ".join(sorted(known))
            raise UsageError(f"advisory {each.id}: there is no condition {each.condition}; there are {listed}")
    return [
        _support(facts, today),
        _minor(facts, today),
        _old_facts(facts, today),
        *(_defect(each) for each in facts.advisories if weight(each) != "info"),
    ]


def _support(facts: Facts, today: date) -> AuditRule:
    @audit_rule(
        "PG-VER-001",
        "A major version is not supported any more",
        "node",
        "warning",
        reads=("server_version_num",),
        condition="the last minor release of its major version has appeared",
        why="Defects that are found from now on, also those that lose data or let somebody in, are not repaired in it.",
        effect="restart",
        reference=VERSIONING,
    )
    def ended(node: AuditedNode) -> Iterator[Violation]:
        support = facts.supported.get(str(node.major))
        if support is not None and support.until <= today:
            yield Violation(
                f"{node.name} runs PostgreSQL {node.major}, whose support ended on {support.until}",
                steps=(say(node.name, "Plan the upgrade to a supported major version, first on a copy", "look"),),
            )

    return ended


def _minor(facts: Facts, today: date) -> AuditRule:
    @audit_rule(
        "PG-VER-002",
        "A minor release is missing",
        "node",
        "warning",
        reads=("server_version_num",),
        condition=f"a newer minor release is known; a warning from {MANY} of them on",
        why="Each has repairs of replication and of defects that lose data. Installing one needs a restart and no "
        "other work.",
        effect="restart",
        reference=VERSIONING,
    )
    def behind(node: AuditedNode) -> Iterator[Violation]:
        support, minor = facts.supported.get(str(node.major)), node.node.version_num % 10000
        if not owns_its_files(node):
            raise Unseen(f"{node.name}: {node.node.flavour} has repairs of its own, which its version does not show")
        if support is None:
            raise Unseen(f"{node.name}: PostgreSQL {node.major} is not in the facts of {facts.facts_as_of}")
        newest = pair(support.newest)[1]
        if minor > newest:
            raise Unseen(
                f"{node.name}: {node.major}.{minor} is newer than the facts of {facts.facts_as_of}, so its defects "
                f"are not known"
            )
        if minor < newest:
            yield Violation(
                f"{node.name} runs {node.major}.{minor}; {support.newest} is there since "
                f"{support.newest_on or f'{facts.facts_as_of} or before'}",
                tuple(_lesser(facts, node)),
                (say(node.name, f"Install {support.newest}: standbys first, then the primary, each with a restart"),),
                severity="warning" if newest - minor >= MANY else "info",
            )
        elif support.is_behind(today):
            raise Unseen(
                f"{node.name}: {support.newest} is of {support.newest_on}; a newer minor release must have appeared, "
                f"which the facts do not have"
            )

    return behind


def _lesser(facts: Facts, node: AuditedNode) -> Iterator[Evidence]:
    """The defects that matter to a server and have no finding of their own."""
    for advisory in facts.advisories:
        good = advisory.fixed_for(node.node.version_num)
        if good is None or weight(advisory) != "info" or advisory.condition not in CONDITIONS:
            continue
        try:
            matters = CONDITIONS[advisory.condition](node)
        except Unseen:
            continue
        if matters:
            yield Evidence(name=advisory.id, value=f"{advisory.effect} ({advisory.when})", node=node.name, note=good)


def _old_facts(facts: Facts, today: date) -> AuditRule:
    @audit_rule(
        "PG-VER-003",
        "The facts about versions are old",
        "fleet",
        "info",
        reads=("postgresql.yaml",),
        condition="the facts about versions are older than 13 weeks, so that a regular minor release must have "
        "appeared",
        why="Defects that were found since are not in them.",
        reference=VERSIONING,
    )
    def old(fleet: AuditedFleet) -> Iterator[Violation]:
        if fleet.nodes and facts.is_old(today):
            yield Violation(
                f"the facts about versions are of {facts.facts_as_of}",
                steps=(say(None, "Install a newer Leadline, or give newer facts with --advisories", "safe"),),
            )

    return old


def _defect(advisory: Advisory) -> AuditRule:
    """A rule for one defect; about both ends of a link where their versions are compared."""
    crossing = LINK_CONDITIONS.get(advisory.condition)
    effect = f"{advisory.effect[0].upper()}{advisory.effect[1:]}"

    def made(check: Callable[[Any], Iterator[Violation]], applies: Callable[[Any], bool]) -> AuditRule:
        return audit_rule(
            advisory.id,
            effect,
            "link" if crossing else "node",
            weight(advisory),
            reads=("server_version_num", advisory.condition),
            condition=f"a server lacks the repair ({', '.join(advisory.fixed)}) and: {advisory.when}",
            why=f"{effect} (when: {advisory.when}). Effect: {advisory.effect_is}.",
            effect="restart",
            reference=f"https://www.postgresql.org/docs/release/{advisory.fixed[0]}/",
            applies=applies,
        )(check)

    def on_node(node: AuditedNode) -> Iterator[Violation]:
        if (good := advisory.fixed_for(node.node.version_num)) and CONDITIONS[advisory.condition](node):
            yield Violation(_lacks(node, good), steps=_steps(advisory, node, good))

    def on_link(link: AuditedLink) -> Iterator[Violation]:
        good = advisory.fixed_for(link.down.node.version_num)
        if good and crossing is not None and crossing(link):
            yield Violation(
                f"{_lacks(link.down, good)}, and follows {link.up.name}, which runs "
                f"{link.up.major}.{link.up.node.version_num % 10000}",
                steps=_steps(advisory, link.down, good),
            )

    return made(on_link, is_physical) if crossing is not None else made(on_node, owns_its_files)


def _lacks(node: AuditedNode, good: str) -> str:
    return f"{node.name} runs {node.major}.{node.node.version_num % 10000}, which lacks the repair of {good}"


def _steps(advisory: Advisory, node: AuditedNode, good: str) -> tuple[Step, ...]:
    remedy = f"Beside that: {advisory.remedy}" if advisory.remedy else ""
    return (
        look(node.name, "SELECT version()"),
        say(node.name, f"Install {good} or newer: standbys first, then the primary, each with a restart"),
        *((say(node.name, remedy),) if remedy else ()),
    )
