"""The incident about a target that fails."""

from typing import Any

import msgspec
import pytest

from leadline.clock import ManualClock
from leadline.model.incident import Incident
from leadline_sinks.notify.self_incident import FAILING_S, FIXES, SelfIncident, failing_target
from leadline_sinks.notify.sink import NEEDS_OPERATOR, Reason
from tests.unit.sinks import made


def failed(reason: Reason = Reason.UNAUTHORIZED, **changes: Any) -> Incident:
    """The record of the incident of slack."""
    incident = SelfIncident("slack", "slack", ManualClock(made.START)).record_failure(reason, "no")
    assert incident is not None
    return msgspec.structs.replace(incident, **changes)


@pytest.mark.parametrize("reason", Reason)
def test_each_reason(reason: Reason) -> None:
    """Reasons that need an operator open an incident at once, others after a minute; each has a fix."""
    clock = ManualClock(made.START)
    tested = SelfIncident("slack", "slack", clock)
    incident = tested.record_failure(reason, "no")
    assert (incident is not None) == (reason in NEEDS_OPERATOR)
    clock.advance(FAILING_S)
    incident = incident or tested.record_failure(reason, "no")
    assert incident is not None
    assert incident.causes[0].fix == FIXES[reason]
    assert incident.opened_at == made.START
    assert tested.record_failure(reason, "no") is None, "it is open"


def test_a_success_in_between() -> None:
    """The minute starts again."""
    clock = ManualClock(made.START)
    tested = SelfIncident("slack", "slack", clock)
    tested.record_failure(Reason.TIMEOUT, "no")
    clock.advance(FAILING_S)
    assert tested.record_success() == []
    assert tested.record_failure(Reason.TIMEOUT, "no") is None


def test_records_of_an_earlier_process() -> None:
    """The newest record counts, in whatever order they are read; those of other targets do not."""
    tested = SelfIncident("slack", "slack", ManualClock(made.START))
    tested.observe(failed(seq=2, title="newest"))
    tested.observe(failed(seq=1, state="resolved"))
    tested.observe(failed(labels={"target": "pagerduty"}))
    tested.observe(made.incident())
    (resolved,) = tested.record_success()
    assert (resolved.title, resolved.seq, resolved.state) == ("newest", 3, "resolved")
    assert failing_target(resolved) == "slack"
    tested.observe(failed())
    tested.observe(failed(seq=2, state="resolved"))
    assert tested.record_success() == []
