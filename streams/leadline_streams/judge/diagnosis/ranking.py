"""A cause, its claims, and how claims are ranked.

A cause reads an incident's cluster and makes a claim for whatever it has evidence of. To add one, write one file in
``leadline_streams/causes`` that defines ``CAUSE``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from leadline.catalogue import CAUSES
from leadline.model.alert import Evidence, Subject
from leadline.model.incident import Cause, Step
from leadline.steps import fix_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext

GUESS = 0.5
"""A claim of less confidence is a guess: of its steps, only those that change nothing are proposed."""
OVER = 0.3
"""The most confidence of a cause whose signs have gone for a while and whose failure goes on."""
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
    evidence_for: list[Evidence] = field(default_factory=list)
    evidence_against: list[Evidence] = field(default_factory=list)
    not_seen: list[Evidence] = field(default_factory=list)
    """Facts that were not visible, each with a note on what would show it."""


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


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Ranked causes, and the title that each would give, by ``name_of``; only of those whose signs are there now."""

    causes: list[Cause]
    titles: dict[str, str]


def diagnose(context: DiagnosisContext, catalogue: Mapping[str, CauseRule], before: list[Cause]) -> Diagnosis:
    """Ask every cause that could explain an open alert; rank by confidence, then by code.

    Those that explain nothing that fired come last: a standby may be restarted to repair it, and its being down is
    not the cause then.
    Causes named before whose signs are gone stay, a little less sure, so that healing does not rewrite history.
    """
    titles: dict[str, str] = {}
    found: dict[tuple[str, str], Cause] = {}
    for rule in catalogue.values():
        if rule.explains.isdisjoint(context.rules):
            continue
        for claim in rule.find(context):
            key = (rule.code, claim.subject.id)
            steps = _proposed(context, claim)
            found[key] = Cause(
                code=rule.code,
                confidence=round(claim.confidence, 2),
                subject=claim.subject,
                summary=claim.summary,
                fix=fix_of(steps),
                evidence_for=claim.evidence_for,
                evidence_against=claim.evidence_against,
                steps=steps,
                not_seen=claim.not_seen,
            )
            titles[name_of(found[key])] = claim.title
    for cause in before:
        key = (cause.code, cause.subject.id)
        if key not in found and cause.code != "unknown":
            rule_of = catalogue.get(cause.code)
            over = rule_of is not None and rule_of.is_over(context, cause)
            found[key] = _over(cause) if over else _faded(cause)

    def place(cause: Cause) -> tuple[bool, float, str, str]:
        rule = catalogue.get(cause.code)
        beside = rule is not None and rule.explains.isdisjoint(context.fired)
        return beside, -cause.confidence, cause.code, cause.subject.id

    ranked = sorted(found.values(), key=place)
    return Diagnosis(ranked, titles)


def _proposed(context: DiagnosisContext, claim: Claim) -> list[Step]:
    """The steps in the ways of whoever runs the servers; of a guess, only those that look."""
    steps = claim.steps if claim.confidence >= GUESS else [step for step in claim.steps if step.risk == "look"]
    nodes = context.cluster.nodes
    for name in dict.fromkeys(node.node.engine for node in nodes.values()):
        engine = context.engines[name]
        steps = [step_there for step in steps if (step_there := engine.worded(step, nodes)) is not None]
    return steps


def name_of(cause: Cause) -> str:
    """Identifies a cause among those of its incident."""
    return f"{cause.code} {cause.subject.id}"


def literal(text: str) -> str:
    """A name as an SQL string in a fix."""
    return "'" + text.replace("'", "''") + "'"


def _over(cause: Cause) -> Cause:
    """A cause that has gone and did not take the failure with it: a part of its history."""
    faded = _faded(cause)
    if faded.confidence <= OVER:
        return faded
    steps = [step for step in faded.steps if step.risk == "look"]
    return replace(faded, confidence=OVER, steps=steps, fix=fix_of(steps))


_GONE = Evidence(name="signs", value="gone", note="no longer seen in the samples")


def _faded(cause: Cause) -> Cause:
    if _GONE in cause.evidence_against:
        return cause
    return Cause(
        code=cause.code,
        confidence=round(cause.confidence * FADED, 2),
        subject=cause.subject,
        summary=cause.summary,
        fix=cause.fix,
        evidence_for=cause.evidence_for,
        evidence_against=[*cause.evidence_against, _GONE],
        steps=cause.steps,
        not_seen=cause.not_seen,
    )
