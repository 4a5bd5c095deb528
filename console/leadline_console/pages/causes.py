"""Causes as pages show them: how sure, the evidence in its three kinds, and the steps with their risk. Pure."""

from typing import Final

import msgspec

from leadline.evidence_words import shown
from leadline.model.alert import Cause, Evidence, Step
from leadline.steps import WARNINGS, place_of

KNOWN: Final = 0.9
LIKELY: Final = 0.5
"""Below it a cause is a guess, and its steps only propose where to look."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence."""

    name: str
    value: str
    """As people write it: ``162.0 MB``."""
    node: str
    """Empty where it was not read on one."""
    note: str


class FixStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a fix."""

    risk: str
    warning: str
    """The sentence to read before it; empty where none is needed."""
    place: str
    """The server and database; empty where it names none."""
    sql: str
    """The statement; empty for an instruction."""
    text: str
    """The instruction; empty for a statement."""
    is_plain: bool
    """Whether the statement has no invisible characters and none that turn the direction of reading. Otherwise what is
    read is not what would be run, and the page offers no copy."""


class RankedCause(msgspec.Struct, frozen=True, kw_only=True):
    """One explanation."""

    code: str
    confidence: float
    certainty: str
    """``known``, ``likely`` or ``guess``."""
    subject: str
    summary: str
    seen: list[Fact]
    """Evidence for it."""
    against: list[Fact]
    not_seen: list[Fact]
    """Facts that were not visible, each with what would show it."""
    steps: list[FixStep]
    fix: str
    """The steps in one line of text, for a record that has them in no other form."""


def ranked_cause(cause: Cause) -> RankedCause:
    """A cause with everything that is known about it."""
    return RankedCause(
        code=cause.code,
        confidence=cause.confidence,
        certainty="known" if cause.confidence >= KNOWN else "likely" if cause.confidence >= LIKELY else "guess",
        subject=cause.subject.id,
        summary=cause.summary,
        seen=[fact(each) for each in cause.evidence_for],
        against=[fact(each) for each in cause.evidence_against],
        not_seen=[fact(each) for each in cause.not_seen],
        steps=[fix_step(each) for each in cause.steps],
        fix="" if cause.steps else cause.fix,
    )


def fact(evidence: Evidence) -> Fact:
    """A piece of evidence in words."""
    return Fact(name=evidence.name, value=shown(evidence), node=evidence.node or "", note=evidence.note or "")


def fix_step(step: Step) -> FixStep:
    """A step; a statement ends in a semicolon."""
    sql = (step.sql or "").strip()
    return FixStep(
        risk=step.risk,
        warning=WARNINGS[step.risk],
        place=place_of(step),
        sql=f"{sql};" if sql and not sql.endswith(";") else sql,
        text=step.text or "",
        is_plain=all(line.isprintable() for line in sql.replace("\t", " ").split("\n")),
    )


def first_thing(cause: Cause | None) -> str:
    """A sentence with the first thing to do: the first step of a cause that is known or likely."""
    if cause is None or cause.code == "unknown":
        return "No cause is identified yet: look at the evidence below, and at what changed."
    if not cause.steps:
        return cause.fix
    first = cause.steps[0]
    where = f"On {place_of(first)}: " if place_of(first) else ""
    begin = "It is a guess; look first. " if cause.confidence < LIKELY else ""
    return f"{begin}{where}{first.text or first.sql or ''}"
