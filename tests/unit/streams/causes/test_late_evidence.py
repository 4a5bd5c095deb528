"""Evidence that arrives after the cause was reported, and makes the message better."""

from msgspec.structs import replace

from leadline.model.alert import Subject
from leadline.model.incident import Cause
from leadline_streams.judge.diagnosis.late_evidence import EVERY_S, SURER, is_better
from leadline_streams.judge.diagnosis.ranking import GUESS
from tests.unit.streams.causes.logical import GONE, by_two, logical, run
from tests.unit.streams.causes.test_logical_drift import HERE, SENT, cause_of, send_tables

CAUSE = Cause(
    code="subscriber_schema_drift",
    confidence=0.8,
    subject=Subject(kind="cluster", id="orders"),
    summary="",
    fix="Read the server log",
    evidence_for=[],
    evidence_against=[],
)


def test_a_surer_cause_or_a_better_fix_is_worth_a_record() -> None:
    """Neither is a number that moves, nor a cause that fades, nor another cause."""
    assert is_better(CAUSE, replace(CAUSE, confidence=0.8 + SURER))
    assert is_better(CAUSE, replace(CAUSE, fix="ALTER TABLE"))
    assert not is_better(CAUSE, replace(CAUSE, confidence=0.85, summary="12 attempts"))
    assert not is_better(CAUSE, replace(CAUSE, confidence=0.72, fix="ALTER TABLE"))
    assert not is_better(CAUSE, replace(CAUSE, code="subscriber_duplicate_key", confidence=1.0))


def test_tables_that_arrive_late_are_put_out() -> None:
    """The worker fails and the reason is a guess; when the tables arrive, the missing column is named once more."""
    world = logical()
    failing = {**GONE, "publications": ("pub",), "apply_errors": by_two}
    run(world, 15, stuck=True, **failing)
    assert cause_of(world).confidence < GUESS
    assert "ADD COLUMN" not in cause_of(world).fix
    send_tables(world, [HERE], replace(SENT, columns={**SENT.columns, "added": "text"}))
    run(world, round(EVERY_S) + 2, stuck=True, **failing)
    assert "ALTER TABLE public.items ADD COLUMN added text" in cause_of(world).fix
    named = world.incidents[-1]
    run(world, 30, stuck=True, **failing)
    later = [one for one in world.incidents if one.seq > named.seq]
    assert [one.causes[0].fix for one in later] == [named.causes[0].fix] * len(later)
    assert len(later) <= 1  # for a lag that has doubled
