"""Whatever happens to an incident and in PagerDuty: somebody is notified of what nobody has acknowledged."""

from typing import Any, NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.delivery import Delivery
from leadline.model.incident import TimelineEntry
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import PagerDutySettings
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.notifier import Notifier
from tests.unit.sinks import made
from tests.unit.sinks.pagerduty.vendor import KEY, URL, PagerDuty, over

NOTIFY = NotifySettings()
SETTINGS = SinkSettings(pagerduty=PagerDutySettings(routing_key=Secret(KEY), url=URL))


class World:
    """PagerDuty, a notifier that may be killed, and one incident."""

    def __init__(self) -> None:
        self.pagerduty = PagerDuty()
        self.clock = self.pagerduty.clock
        self.context = NotificationContext(["pagerduty"])
        self.deliveries: list[Delivery] = []
        self.known = 0
        """The highest generation that somebody has acknowledged in Leadline."""
        self.incident = made.incident(1, opened_at=self.clock.now(), severity="warning")
        self.kill()

    def kill(self) -> None:
        """End the process and start another one, which has what is in Kafka."""
        self.notifier = Notifier(
            "pagerduty", over(self.pagerduty), SETTINGS, self.context, self.write, self.clock, lambda: 0.5
        )
        self.notifier.observe(self.incident, 0, self.incident.seq)

    async def write(self, value: Any, home: int | None = None) -> int:
        assert isinstance(value, Delivery), "PagerDuty does not fail"
        self.deliveries.append(value)
        return len(self.deliveries)

    def record(self, **changes: Any) -> None:
        self.incident = msgspec.structs.replace(self.incident, seq=self.incident.seq + 1, **changes)
        self.notifier.observe(self.incident, 0, self.incident.seq)

    async def passes(self, seconds: float) -> None:
        """Work while time passes."""
        until = self.clock.monotonic() + seconds
        while (left_s := until - self.clock.monotonic()) > 0:
            self.clock.advance(min(left_s, max(0.001, await self.notifier.step())))
        while await self.notifier.step() == 0:
            pass

    @property
    def states(self) -> list[str]:
        return [alert.state for alert in self.pagerduty.alerts]


class Step(NamedTuple):
    what: str
    after_s: float


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["worse", "updated", "acknowledged", "taken", "closed", "ends", "returns", "killed"]),
        st.sampled_from([0.0, 3.0, 40.0, 400.0, 2000.0]),
    ),
    max_size=12,
)


async def happens(world: World, what: str) -> None:
    """One thing that changes the incident, or that a person does."""
    before, at = world.incident, world.clock.now()
    is_open = before.state == "open"
    match what:
        case "worse" if is_open:
            world.record(generation=before.generation + 1, title=f"{before.title}!")
        case "updated" if is_open:
            world.record(worst_lag_s=(before.worst_lag_s or 0.0) + 1.0)
        case "acknowledged" if is_open:
            number = world.context.revision
            ident, generation = before.incident_id, before.generation
            world.context.add_action(made.action(number=number, incident_id=ident, generation=generation, at=at))
            world.known = generation
        case "taken" | "closed":
            for alert in world.pagerduty.alerts:
                if alert.state == "triggered" or (what == "closed" and alert.state != "resolved"):
                    world.pagerduty.by_hand(alert.key, "acknowledge" if what == "taken" else "resolve")
        case "ends" if is_open:
            timeline = [*before.timeline, TimelineEntry(at=at, what="resolved")]
            world.record(state="resolved", resolved_at=at, timeline=timeline)
        case "returns" if not is_open:
            timeline = [*before.timeline, TimelineEntry(at=at, what="returned")]
            reopened = [*before.reopened, at]
            world.record(
                state="open", resolved_at=None, reopened=reopened, generation=before.generation + 1, timeline=timeline
            )
        case "killed":
            world.kill()


@given(STEPS)
async def test_somebody_is_notified(steps: list[Step]) -> None:
    """After any history, an incident that gets worse than what was acknowledged pages somebody; when it ends, all its
    alerts end, and no key is open twice.
    """
    world = World()
    await world.passes(1.0)
    assert world.states == ["triggered"]
    for step in steps:
        await happens(world, step.what)
        await world.passes(step.after_s)
        keys = [alert.key for alert in world.pagerduty.alerts if alert.state != "resolved"]
        assert len(keys) == len(set(keys))
    await happens(world, "returns")
    await world.passes(NOTIFY.unseen_ack_s + 5.0)
    paged = len(world.pagerduty.alerts)
    await happens(world, "worse")
    await world.passes(10.0)
    assert len(world.pagerduty.alerts) == paged + 1
    assert world.states[-1] == "triggered"
    await happens(world, "closed")
    await world.passes(NOTIFY.reopen_s)
    assert world.states[-1] == "triggered", "it was closed, and goes on"
    await happens(world, "ends")
    await world.passes(1000.0)
    assert set(world.states) == {"resolved"}
    assert world.pagerduty.problems == []


@given(STEPS.filter(lambda steps: not any(step.what in ("worse", "closed", "ends") for step in steps)))
async def test_nobody_is_notified_twice(steps: list[Step]) -> None:
    """Updates, acknowledgements, restarts and time open no second alert."""
    world = World()
    await world.passes(1.0)
    for step in steps:
        await happens(world, step.what)
        await world.passes(step.after_s)
    assert len(world.pagerduty.alerts) == 1


async def test_a_problem_that_flaps() -> None:
    """Twenty times well for half a minute: two pages."""
    world = World()
    for _ in range(20):
        await world.passes(75.0)
        await happens(world, "ends")
        await world.passes(30.0)
        await happens(world, "returns")
    await happens(world, "ends")
    await world.passes(900.0)
    assert world.states == ["resolved", "resolved"]
    notified = [each.occasion for each in world.deliveries if each.outcome == "sent"]
    assert notified == ["opened", "resolved", "reopened", "kept_open", "resolved"]
