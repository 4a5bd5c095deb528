"""Every claim that a cause makes in these tests is checked for the promises of its steps."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from leadline.model.incident import Step
from leadline_streams import assembly
from leadline_streams.causes import CAUSES
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from tests.unit.streams import harm, managed

DISCARDS = re.compile(r"^(DROP|TRUNCATE|DELETE)\b|\bSKIP \(|\bpg_drop_|\bpg_replication_(slot|origin)_advance\(")
INTERRUPTS = re.compile(r"\bpg_(terminate|cancel)_backend\(")
PLACEHOLDER = re.compile(r"<([^>]+)>")


@pytest.fixture(autouse=True, scope="package")
def checked_claims() -> Iterator[None]:
    """Causes whose claims are checked, in every judgement that is composed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "CAUSES", {code: _checked(cause) for code, cause in CAUSES.items()})
        yield


def _checked(cause: CauseRule) -> CauseRule:
    def find(context: DiagnosisContext) -> Iterator[Claim]:
        for claim in cause.find(context):
            check_steps(tuple(claim.steps))
            harm.check(cause, context, claim)
            managed.check(cause, context, claim)
            yield claim

    return replace(cause, find=find)


@cache
def check_steps(steps: tuple[Step, ...]) -> None:
    """Steps that look come first, what discards something comes after a statement, and each can be run as it is."""
    changed = looked = False
    words = ""
    for step in steps:
        assert (step.sql is None) != (step.text is None), step
        assert not (changed and step.risk == "look"), f"a look after a change: {step}"
        if step.risk == "destructive":
            assert looked, f"no statement that looks comes before {step}"
        if step.sql is not None:
            _check_statement(step, step.sql, words)
        changed |= step.risk != "look"
        looked |= step.risk == "look" and step.sql is not None
        words += step.text or ""


def _check_statement(step: Step, sql: str, words: str) -> None:
    assert step.node is not None, f"nowhere to run {sql}"
    assert "..." not in sql, f"incomplete: {sql}"
    for placeholder in PLACEHOLDER.findall(sql):
        assert placeholder in words, f"no step explains {placeholder}: {sql}"
    if DISCARDS.search(sql):
        assert step.risk == "destructive", step
    elif INTERRUPTS.search(sql):
        assert step.risk == "careful", step
    if step.risk == "look":
        assert sql.startswith(("SELECT ", "SHOW ")), step
