"""Whatever fails whenever, PagerDuty ends up knowing how the incident stands, under one alert."""

from typing import Any, NamedTuple

import httpx
from hypothesis import given
from hypothesis import strategies as st

from leadline.clock import ManualClock
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, Notice, Retry, Sent
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Vendor
from tests.unit.sinks.pagerduty.vendor import PagerDuty, sink

FAULTS = [None, (503, {}), (429, {}), (401, {}), httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError]


class Step(NamedTuple):
    """One notice, and what goes wrong with it."""

    severity: str
    cause: str
    taken: bool
    changes: int
    faults: list[Any]
    """Of the requests of one attempt after the other."""
    crash: bool
    """The sink is killed after the last request and before anything is written down."""


steps = st.builds(
    Step,
    severity=st.sampled_from(["warning", "critical"]),
    cause=st.sampled_from(["unknown", "primary_down"]),
    taken=st.booleans(),
    changes=st.integers(0, 3),
    faults=st.lists(st.sampled_from(FAULTS), max_size=3),
    crash=st.booleans(),
)


class Courier:
    """Tries until a notice is sent, and keeps receipts."""

    def __init__(self) -> None:
        self.pagerduty = PagerDuty()
        self.receipt: Any = {}

    async def deliver(self, notice: Notice, faults: list[Any], crash: bool) -> None:
        clock = ManualClock(made.START)
        for attempt in range(10):
            vendor = Vendor(self.pagerduty)
            vendor.otherwise = faults[attempt] if attempt < len(faults) else None
            given = Notice(notice.incident, notice.occasion, (), (), notice.actions, self.receipt)
            outcome = await sink(Http(clock, vendor), clock).deliver(given)
            assert not isinstance(outcome, GiveUp)
            if isinstance(outcome, Retry):
                self.receipt = self.receipt if outcome.receipt is None else outcome.receipt
            elif crash:
                crash = False
            else:
                assert isinstance(outcome, Sent)
                self.receipt = outcome.receipt
                return
        raise AssertionError("never sent")


@given(st.lists(steps, min_size=1, max_size=5), st.lists(st.sampled_from(FAULTS), max_size=3), st.booleans())
async def test_one_alert_that_ends(life: list[Step], faults: list[Any], crash: bool) -> None:
    """After each notice the alert says what the notice says; after the end there is one, and it is over."""
    courier = Courier()
    taken = False
    for seq, step in enumerate(life, 1):
        taken = taken or step.taken
        incident = made.incident(
            seq,
            severity=step.severity,
            causes=[made.cause(step.cause)],
            changes=[made.change(f"s{number}") for number in range(step.changes)],
            acknowledged_by="ada" if taken else None,
        )
        await courier.deliver(made.notice("updated", incident=incident), step.faults, step.crash)
        (alert,) = courier.pagerduty.alerts
        said = [event for event in alert.log if event.kind == "trigger"][-1].payload["payload"]
        assert said["severity"] == step.severity
        assert said["custom_details"]["cause"].startswith(step.cause)
        assert alert.state == ("acknowledged" if taken else "triggered")
    await courier.deliver(made.notice("resolved"), faults, crash)
    (alert,) = courier.pagerduty.alerts
    assert alert.state == "resolved"
    assert alert.log[-1].kind == "resolve"


@given(st.lists(st.sampled_from(FAULTS), max_size=4))
async def test_what_ends_before_it_could_be_told(faults: list[Any]) -> None:
    """The alert is over if it ever began; if it did not, there is none."""
    courier = Courier()
    clock = ManualClock(made.START)
    for fault in faults:
        vendor = Vendor(courier.pagerduty)
        vendor.otherwise = fault
        await sink(Http(clock, vendor), clock).deliver(made.notice("opened"))  # killed before it is written down
    await courier.deliver(made.notice("resolved"), [], crash=False)
    assert [alert.state for alert in courier.pagerduty.alerts] in ([], ["resolved"])
