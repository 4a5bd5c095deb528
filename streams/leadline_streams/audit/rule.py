"""The form of an audit rule.

A rule is pure: it is given what was read of a server, of both ends of a link or of all servers, and gives the
violations that it sees. What it needs and was not read raises ``Unseen``, so that a rule never passes on what it did
not see; the violations before that count.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from leadline.model.alert import Evidence, Severity, Step
from leadline_streams.audit.finding import Effect
from leadline_streams.audit.fleet import AuditedFleet, AuditedLink
from leadline_streams.audit.node import AuditedNode

Scope = Literal["node", "link", "fleet"]
"""Whether a rule is about one server, about both ends of a link, or about all servers of a cluster."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation of a rule by a subject."""

    summary: str
    evidence: tuple[Evidence, ...] = ()
    steps: tuple[Step, ...] = ()
    name: str = ""
    """The slot, table, role or setting that it is about, where a subject may have several."""
    severity: Severity | None = None
    """None if it is that of the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRule:
    """A rule, as the engine of the audit and the reference page need it."""

    id: str
    """``PG-SBY-001``: it never changes its meaning."""
    title: str
    on: Scope
    severity: Severity
    """The highest one with which it finds something."""
    reads: tuple[str, ...]
    """Settings, views and catalogs."""
    condition: str
    """When it is violated, in one line."""
    why: str
    """The harm, in one or two sentences."""
    effect: Effect
    reference: str
    """The page that has the facts."""
    since: int = 13
    """The first major version that it is about."""
    until: int | None = None
    """The last one."""
    applies: Callable[[Any], bool]
    """Whether a subject can violate it at all."""
    check: Callable[[Any], Iterator[Violation]]


T = TypeVar("T", AuditedNode, AuditedLink, AuditedFleet)
Check = Callable[[T], Iterator[Violation]]
_SCOPES: dict[str, Scope] = {"node": "node", "link": "link", "fleet": "fleet"}


def _always(_: object) -> bool:
    return True


def audit_rule(
    id: str,
    title: str,
    on: Scope,
    severity: Severity,
    *,
    reads: tuple[str, ...],
    condition: str,
    why: str,
    reference: str,
    effect: Effect = "none",
    since: int = 13,
    until: int | None = None,
    applies: Callable[[Any], bool] = _always,
) -> Callable[[Callable[[Any], Iterator[Violation]]], AuditRule]:
    """Make a function that yields violations a rule."""

    def made(check: Callable[[Any], Iterator[Violation]]) -> AuditRule:
        return AuditRule(
            id=id,
            title=title,
            on=on,
            severity=severity,
            reads=reads,
            condition=condition,
            why=why,
            effect=effect,
            reference=reference,
            since=since,
            until=until,
            applies=applies,
            check=check,
        )

    return made
