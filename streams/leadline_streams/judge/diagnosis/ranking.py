"""A cause, its claims, and how claims are ranked.

A cause reads an incident's cluster and makes a claim for whatever it has evidence of. To add one, write one file in
``leadline_streams/causes`` that defines ``CAUSE``.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from msgspec.structs import replace

from leadline.catalogue import CAUSES
from leadline.model.alert import Evidence, Subject
from leadline.model.incident import SIGNS, Cause, Step
from leadline.steps import fix_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext

CERTAIN = 0.9
"""From this confidence on the signs of a cause leave no doubt."""
GUESS = 0.5
"""A claim of no more confidence is a guess: of its steps, only those that change nothing are proposed."""
OVER = 0.3
"""The most confidence of a cause whose signs have gone for a while and whose failure goes on."""
MOST_CLAIMS = 50
"""So many claims of one cause are compared: where it is seen in more places, these stand for the rest."""
FADED = 0.9
"""Factor on a cause's confidence when its signs are gone: healing hides the signs before the alerts clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An explanation that a cause gives. ``confidence`` is from 0 to 1; from 0.9 on the signs leave no doubt."""

    subject: Subject
    confidence: float
    title: str
    """The incident's title after the cluster's name, in a few words."""
    summary: str
    """The failure and what makes it possible, naming node, setting, query, slot or row."""
    steps: list[Step] = field(default_factory=list)
    """The fix as data, in order: what is looked at comes before what is changed."""
    not_needed: list[Evidence] = field(default_factory=list)
    """Facts, seen now, by which nothing needs what the destructive steps discard. Without one, none is proposed."""
    evidence_for: list[Evidence] = field(default_factory=list)
    evidence_against: list[Evidence] = field(default_factory=list)
    not_seen: list[Evidence] = field(default_factory=list)
    """Facts that were not visible, each with a note on what would show it."""
    root: str | None = None
    """The node or datacenter at which the evidence shows the root, of a cause that several links may share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRule:
    """One cause. It is evaluated only while one of the rules that it explains has an open alert."""

    code: str
    """With an entry in ``leadline.catalogue``."""
    find: Callable[[DiagnosisContext], Iterator[Claim]]
    is_over: Callable[[DiagnosisContext, Cause], bool] = lambda _context, _cause: False
    """Whether a failure goes on although the signs of this cause, which was named for it, have gone for a while."""

    @property
    def explains(self) -> frozenset[str]:
        """The rules whose alerts it can explain."""
        return CAUSES[self.code].explains


CauseKey = tuple[str, str]
"""Code and subject of a cause."""


@dataclass(frozen=True, slots=True)
class Found:
    """A cause whose signs are there now, and the title that it would give an incident."""

    cause: Cause
    title: str
    nodes: tuple[str, ...]
    """The nodes that its evidence is about."""
    root: str | None = None
    """The node or datacenter at which the root is seen."""


def find_causes(context: DiagnosisContext, catalogue: Mapping[str, CauseRule]) -> dict[CauseKey, Found]:
    """Ask every cause that could explain an open alert of the cluster."""
    found: dict[CauseKey, Found] = {}
    for rule in catalogue.values():
        if rule.explains.isdisjoint(context.rules):
            continue
        for claim in islice(rule.find(context), MOST_CLAIMS):
            steps = _proposed(context, claim)
            cause = Cause(
                code=rule.code,
                confidence=round(claim.confidence, 2),
                subject=claim.subject,
                summary=claim.summary,
                fix=fix_of(steps),
                evidence_for=[*claim.evidence_for, *claim.not_needed],
                evidence_against=claim.evidence_against,
                steps=steps,
                not_seen=claim.not_seen,
            )
            nodes = tuple(dict.fromkeys(each.node for each in claim.evidence_for if each.node is not None))
            found[key_of(cause)] = Found(cause, claim.title, nodes, claim.root)
    return found


def rank(
    now: Mapping[CauseKey, Cause],
    before: Iterable[Cause],
    beside: Container[CauseKey],
    is_over: Callable[[Cause], bool] = lambda _: False,
) -> list[Cause]:
    """An incident's causes by confidence, then as they were ranked before, then by code. ``beside``: those that explain
    nothing that fired come last.

    A standby may be restarted to repair it, and its being down is not the cause then. Causes named before whose signs
    are gone stay, a little less sure, so that healing does not rewrite history; not those that did not take the
    failure with them, which ``is_over`` says.
    """
    named = [cause for cause in before if cause.code != "unknown"]
    causes = {**{key_of(cause): _over(cause) if is_over(cause) else faded(cause) for cause in named}, **now}

    ranked = {key_of(cause): number for number, cause in enumerate(named)}

    def place(cause: Cause) -> tuple[bool, float, int, CauseKey]:
        key = key_of(cause)
        return key in beside, -cause.confidence, ranked.get(key, len(ranked)), key

    return sorted(causes.values(), key=place)


def key_of(cause: Cause) -> CauseKey:
    """Identifies a cause in its cluster."""
    return cause.code, cause.subject.id


def _proposed(context: DiagnosisContext, claim: Claim) -> list[Step]:
    """The steps in the ways of whoever runs the servers; of a guess, only those that look."""
    steps = claim.steps if claim.not_needed else _keeping(claim.steps)
    if claim.confidence <= GUESS:
        steps = [step for step in claim.steps if step.risk == "look"]
    nodes = context.cluster.nodes
    for name in dict.fromkeys(node.node.engine for node in nodes.values()):
        engine = context.engines[name]
        steps = [step_there for step in steps if (step_there := engine.worded(step, nodes)) is not None]
    return steps


def _keeping(steps: Iterable[Step]) -> list[Step]:
    """The steps that discard nothing."""
    return [step for step in steps if step.risk != "destructive"]


def name_of(cause: Cause) -> str:
    """Identifies a cause among those of its incident."""
    return f"{cause.code} {cause.subject.id}"


def literal(text: str) -> str:
    """A name as an SQL string in a fix."""
    return "'" + text.replace("'", "''") + "'"


def _over(cause: Cause) -> Cause:
    """A cause that has gone and did not take the failure with it: a part of its history."""
    now = faded(cause)
    if now.confidence <= OVER:
        return now
    steps = [step for step in now.steps if step.risk == "look"]
    return replace(now, confidence=OVER, steps=steps, fix=fix_of(steps))


GONE = Evidence(name=SIGNS, value="gone", note="no longer seen in the samples")
"""Marks a cause whose signs are gone."""


def faded(cause: Cause) -> Cause:
    """A cause whose signs are gone, and with them what showed that something is not needed."""
    if GONE in cause.evidence_against:
        return cause
    steps = _keeping(cause.steps)
    return Cause(
        code=cause.code,
        confidence=round(cause.confidence * FADED, 2),
        subject=cause.subject,
        summary=cause.summary,
        fix=cause.fix if steps == cause.steps else fix_of(steps),
        evidence_for=cause.evidence_for,
        evidence_against=[*cause.evidence_against, GONE],
        steps=steps,
        not_seen=cause.not_seen,
    )
