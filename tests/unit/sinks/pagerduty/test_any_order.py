"""Whatever fails, PagerDuty has the state of the incident in the end, under one alert for each generation."""

from typing import Any, NamedTuple

import httpx
from hypothesis import given
from hypothesis import strategies as st

from leadline.clock import ManualClock
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, NothingNew, Notification, Retry, Sent
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Vendor
from tests.unit.sinks.pagerduty.vendor import PagerDuty, sink

FAULTS = [None, (503, {}), (429, {}), (401, {}), httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError]


class Update(NamedTuple):
    """One notification, and the faults of its attempts."""

    severity: str
    cause: str
    taken: bool
    anew: bool
    """Whether people are notified under a new generation."""
    changes: int
    faults: list[Any]
    """One for each attempt, for all its requests."""
    crash: bool
    """The sink is killed after the last request, before the receipt is recorded."""


updates = st.builds(
    Update,
    severity=st.sampled_from(["warning", "critical"]),
    cause=st.sampled_from(["unknown", "primary_down"]),
    taken=st.booleans(),
    anew=st.booleans(),
    changes=st.integers(0, 3),
    faults=st.lists(st.sampled_from(FAULTS), max_size=3),
    crash=st.booleans(),
)


class Deliveries:
    """Repeats each notification until it is sent, and keeps the receipt."""

    def __init__(self) -> None:
        self.pagerduty = PagerDuty()
        self.receipt: Any = {}

    async def deliver(self, notification: Notification, faults: list[Any], crash: bool) -> None:
        clock = ManualClock(made.START)
        for attempt in range(10):
            vendor = Vendor(self.pagerduty)
            vendor.otherwise = faults[attempt] if attempt < len(faults) else None
            given = Notification(
                notification.incident,
                notification.occasion,
                actions=notification.actions,
                receipt=self.receipt,
                rang=notification.rang,
            )
            outcome = await sink(Http(clock, vendor), clock).deliver(given)
            assert not isinstance(outcome, GiveUp)
            if isinstance(outcome, Retry):
                self.receipt = self.receipt if outcome.receipt is None else outcome.receipt
            elif crash:
                crash = False
            else:
                assert isinstance(outcome, Sent | NothingNew)
                self.receipt = outcome.receipt
                return
        raise AssertionError("never sent")


@given(st.lists(updates, min_size=1, max_size=5), st.lists(st.sampled_from(FAULTS), max_size=3), st.booleans())
async def test_one_alert_for_each_generation(life: list[Update], faults: list[Any], crash: bool) -> None:
    """After each notification the present alert has its content, and earlier ones are as they were; after the end there
    is one alert for each generation that was notified anew, and all are resolved.
    """
    deliveries = Deliveries()
    taken = False
    rang: tuple[int, ...] = (1,)
    for seq, update in enumerate(life, 1):
        if update.anew:
            rang, taken = (*rang, rang[-1] + 1), False
        taken = taken or update.taken
        incident = made.incident(
            seq,
            severity=update.severity,
            causes=[made.cause(update.cause)],
            changes=[made.change(f"s{number}") for number in range(update.changes)],
            acknowledged_by="ada" if taken else None,
        )
        before = [alert.state for alert in deliveries.pagerduty.alerts]
        await deliveries.deliver(
            made.notification("updated", incident=incident, rang=rang), update.faults, update.crash
        )
        *earlier, alert = deliveries.pagerduty.alerts
        assert [each.state for each in earlier] == before[: len(earlier)]
        sent = [event for event in alert.log if event.kind == "trigger"][-1].payload["payload"]
        assert alert.key == (incident.incident_id if rang == (1,) else f"{incident.incident_id}#{rang[-1]}")
        assert sent["severity"] == update.severity
        assert cause_of(sent).startswith(update.cause)
        assert alert.state == ("acknowledged" if taken else "triggered")
    opened = len(deliveries.pagerduty.alerts)
    await deliveries.deliver(made.notification("resolved", rang=rang), faults, crash)
    alerts = deliveries.pagerduty.alerts
    assert len(alerts) == opened
    assert len({alert.key for alert in alerts}) == opened
    assert {(alert.state, alert.log[-1].kind) for alert in alerts} == {("resolved", "resolve")}


def cause_of(payload: dict[str, Any]) -> str:
    cause: str = payload["custom_details"]["cause"]
    return cause


@given(st.lists(st.sampled_from(FAULTS), max_size=4))
async def test_an_incident_that_ends_during_an_outage(faults: list[Any]) -> None:
    """The alert is resolved, or was never opened."""
    deliveries = Deliveries()
    clock = ManualClock(made.START)
    for fault in faults:
        vendor = Vendor(deliveries.pagerduty)
        vendor.otherwise = fault
        await sink(Http(clock, vendor), clock).deliver(
            made.notification("opened")
        )  # killed before the outcome is recorded
    await deliveries.deliver(made.notification("resolved"), [], crash=False)
    assert [alert.state for alert in deliveries.pagerduty.alerts] in ([], ["resolved"])
