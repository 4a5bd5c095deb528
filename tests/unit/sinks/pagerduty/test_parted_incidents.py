"""Incidents that are merged, parted and ended as the judgement does it: no alert in PagerDuty is left without one."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.settings.secret import Secret
from leadline.settings.sink import PagerDutySettings, SinkSettings
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.notifier import Notifier
from leadline_sinks.pagerduty.event import dedup_key
from tests.unit.properties import histories
from tests.unit.sinks.pagerduty.vendor import KEY, URL, PagerDuty, over
from tests.unit.streams.test_parting import fleet, join
from tests.unit.streams.test_two_faults import FAULTS, PAIRS, Fault, healthy, play

SETTINGS = SinkSettings(pagerduty=PagerDutySettings(routing_key=Secret(KEY), url=URL))
APART = {fault.server: fault for fault in FAULTS if fault.kind == "apart"}


class Target:
    """PagerDuty with its rules and limits, and the notifier that gets the records at the times of their events."""

    def __init__(self) -> None:
        self.pagerduty = PagerDuty()
        self.clock = self.pagerduty.clock
        self.newest: dict[str, Incident] = {}
        self.written = 0
        context = NotificationContext(["pagerduty"])
        self._notifier = Notifier(
            "pagerduty", over(self.pagerduty), SETTINGS, context, self._write, self.clock, lambda: 0.5
        )

    async def _write(self, value: Any) -> int:
        assert isinstance(value, Delivery), "PagerDuty does not fail"
        self.written += 1
        return self.written

    async def take(self, records: list[Incident]) -> None:
        """Deliver records, each a moment after the one before, and let it become quiet after each."""
        for offset, record in enumerate(records):
            newer = record.timeline[-1].at
            self.clock.advance(max(0.0, (newer - self.clock.now()).total_seconds()))
            self.newest[record.incident_id] = record
            self._notifier.observe(record, 0, offset)
            await self._settle(20.0)
            self.check()

    async def _settle(self, seconds: float) -> None:
        until = self.clock.monotonic() + seconds
        while (left_s := until - self.clock.monotonic()) > 0:
            self.clock.advance(min(left_s, max(0.001, await self._notifier.step())))

    async def end(self) -> None:
        """Let all that is due be delivered."""
        await self._settle(1000.0)
        self.check()

    def check(self) -> None:
        """Each open alert is that of an open incident, and each open incident has one."""
        keys = {
            dedup_key(one.incident_id, generation): one.state
            for one in self.newest.values()
            for generation in range(1, one.generation + 1)
        }
        is_open = {alert.key for alert in self.pagerduty.alerts if alert.state != "resolved"}
        assert {keys[key] for key in is_open} <= {"open"}
        for one in self.newest.values():
            own = {dedup_key(one.incident_id, generation) for generation in range(1, one.generation + 1)}
            assert one.state == "resolved" or own & is_open, f"nobody is notified of {one.title}"
        assert self.pagerduty.problems == []


@pytest.mark.slow
@example((APART["pg-2"], APART["pg-3"]), 40, 30, True)
@example((APART["pg-2"], APART["pg-4"]), 1, 30, True)
@histories()
@given(st.sampled_from(PAIRS), st.integers(0, 60), st.integers(20, 60), st.booleans())
async def test_every_alert_ends_with_its_incident(
    pair: tuple[Fault, Fault], between: int, both: int, first_ends_first: bool
) -> None:
    """Two faults in any order and overlap: whatever is merged or moved, PagerDuty shows what is open and no more."""
    one, other = pair
    made, target = healthy(), Target()
    play(made, between, one)
    play(made, both, one, other)
    play(made, 20, other if first_ends_first else one)
    play(made, 60)
    await target.take(made.incidents)
    await target.end()
    assert {alert.state for alert in target.pagerduty.alerts} == {"resolved"}
    assert len(target.pagerduty.alerts) >= len({each.incident_id for each in made.incidents if not each.merged_into})


async def test_an_incident_that_is_parted_pages_once_more() -> None:
    """Alerts that were joined wrongly have a page of their own from then on; that of the other incident goes on."""
    made, target = fleet(), Target()
    made.run(20, paused={"pg-2"}, failing=True)
    kept = made.state.memory.incidents[0].id
    join(made)
    records = [one for one in made.incidents if one.incident_id == kept]
    count = len(made.incidents)
    made.run(20, paused={"pg-2"}, failing=True)
    await target.take([*records, *made.incidents[count:]])
    assert [alert.state for alert in target.pagerduty.alerts] == ["triggered", "triggered"]
    assert len({alert.key for alert in target.pagerduty.alerts}) == 2
    count = len(made.incidents)
    made.run(60)
    await target.take(made.incidents[count:])
    await target.end()
    assert [alert.state for alert in target.pagerduty.alerts] == ["resolved", "resolved"]
