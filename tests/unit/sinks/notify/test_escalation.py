"""A target that is notified when nobody acknowledges, from the notifier's first decision to the end."""

from leadline.settings.routing import EscalateSettings, RouteSettings
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import TargetSettings, WebhookSettings
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.notifier import Notifier
from tests.unit.sinks import made
from tests.unit.sinks.notify.test_notifier import Setup

NEXT = "next"
HOOK = WebhookSettings(url=Secret("https://example.org/x"), signing_key=Secret("k"))
SETTINGS = SinkSettings(
    webhook=HOOK,
    targets={NEXT: TargetSettings(webhook=HOOK)},
    routes=[RouteSettings(to=["webhook"], escalate=[EscalateSettings(after_s=900, to=[NEXT])])],
)


class Escalation(Setup):
    """The notifier of the next target."""

    def restart(self) -> None:
        self.context = NotificationContext([NEXT])
        self.notifier = Notifier(NEXT, self.target, SETTINGS, self.context, self.write, self.clock, lambda: 0.9)


async def test_nobody_acknowledges() -> None:
    """The target is notified when its time has come, and of the end, too."""
    setup = Escalation()
    setup.observe(made.incident(1))
    await setup.pass_time(890)
    assert setup.target.delivered == []
    await setup.pass_time(60)
    assert setup.target.delivered == [("orders", "opened")]
    setup.observe(made.resolved(2))
    await setup.pass_time(60)
    assert setup.target.delivered == [("orders", "opened"), ("orders", "resolved")]


async def test_somebody_acknowledges_in_time() -> None:
    """The target learns of nothing."""
    setup = Escalation()
    setup.observe(made.incident(1))
    await setup.pass_time(800)
    setup.context.add_action(made.action(generation=1))
    await setup.pass_time(5000)
    setup.observe(made.resolved(2))
    await setup.pass_time(60)
    assert setup.target.delivered == []


async def test_an_end_in_time() -> None:
    """There is nothing left to acknowledge."""
    setup = Escalation()
    setup.observe(made.incident(1))
    await setup.pass_time(800)
    setup.observe(made.resolved(2))
    await setup.pass_time(5000)
    assert setup.target.delivered == []


async def test_an_acknowledgement_that_does_not_hold_any_more() -> None:
    """It was for what was known before: nobody has acknowledged what the incident is now."""
    setup = Escalation()
    setup.observe(made.incident(1, severity="warning"))
    setup.context.add_action(made.action(generation=1))
    await setup.pass_time(1000)
    assert setup.target.delivered == []
    setup.observe(made.incident(2, generation=2))
    await setup.pass_time(10)
    assert setup.target.delivered == [("orders", "opened")]
