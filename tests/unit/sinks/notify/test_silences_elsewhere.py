"""Silences and acknowledgements of which people reported elsewhere that they went wrong."""

from datetime import datetime

import pytest
from msgspec.structs import replace

from leadline.model.silence import Silence
from leadline.settings.routing import EscalateSettings, RouteSettings
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import TargetSettings
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.notifier import Notifier
from tests.unit.sinks import made
from tests.unit.sinks.notify.test_escalation import HOOK
from tests.unit.sinks.notify.test_notifier import Setup
from tests.unit.sinks.notify.test_shown_silence import occasions, of_one, sent
from tests.unit.sinks.notify.test_silence_announcements import silence

THIRD = "third"
SETTINGS = SinkSettings(
    webhook=HOOK,
    targets={name: TargetSettings(webhook=HOOK) for name in ("second", THIRD)},
    routes=[
        RouteSettings(
            to=["webhook"],
            escalate=[EscalateSettings(after_s=300, to=["second"]), EscalateSettings(after_s=900, to=[THIRD])],
        )
    ],
)


def over(quiet: Silence, at: datetime) -> Silence:
    """Ended before its time."""
    return replace(quiet, ends_at=at, ended_by="bob")


async def test_an_end_before_its_time_is_shown_at_once() -> None:
    """Elsewhere an alert was shown as silenced for minutes after its silence had been expired:
    https://github.com/prometheus/alertmanager/issues/578
    """
    quiet = of_one(length_s=86_400)
    setup = await sent(quiet)
    setup.context.add_silence("sil_1", over(quiet, setup.clock.now()))
    await setup.idle()
    assert occasions(setup) == ["opened", "silenced", "unsilenced"]


@pytest.mark.parametrize("repeat_s", [0.0, 14_400.0])
async def test_what_is_still_open_is_sent_when_the_silence_is_ended(repeat_s: float) -> None:
    """Elsewhere it was sent when the next repetition was due, hours later:
    https://github.com/prometheus/alertmanager/issues/2896
    """
    setup = Setup(repeat_s=repeat_s)
    quiet = silence(length_s=86_400)
    setup.context.add_silence("sil_1", quiet)
    setup.observe(made.incident(causes=[made.cause()]))
    await setup.pass_time(600)
    assert setup.target.delivered == []
    setup.context.add_silence("sil_1", over(quiet, setup.clock.now()))
    await setup.idle()
    assert setup.target.delivered == [("orders", "opened")]


async def test_an_acknowledgement_between_two_steps_of_an_escalation() -> None:
    """Elsewhere people went on to be notified after somebody had acknowledged:
    https://github.com/grafana-cold-storage/oncall/issues/4760 and issues/4654. Here the later step stays out.
    """
    setup = Setup()
    setup.context = NotificationContext([THIRD])
    setup.notifier = Notifier(THIRD, setup.target, SETTINGS, setup.context, setup.write, setup.clock, lambda: 0.9)
    setup.observe(made.incident())
    await setup.pass_time(890)
    setup.context.add_action(made.action(generation=1))
    await setup.pass_time(7200)
    assert setup.target.delivered == []


async def test_a_silence_of_what_is_acknowledged() -> None:
    """Elsewhere it could not be, lest its end begin to notify people anew:
    https://github.com/grafana-cold-storage/oncall/pull/1831. Here the acknowledgement goes on to hold.
    """
    setup = Setup()
    setup.target.shows_silences = True
    setup.observe(made.incident(causes=[made.cause()]))
    await setup.pass_time(5)
    setup.context.add_action(made.action(generation=1))
    await setup.idle()
    setup.context.add_silence("sil_1", silence(begin_s=7, length_s=600))
    await setup.pass_time(3000)
    assert occasions(setup) == ["opened", "acknowledged", "silenced", "unsilenced"]
    assert setup.target.attempts[-1].incident.acknowledged_by == made.action().by


async def test_a_problem_that_ended_in_a_silence_and_is_there_again() -> None:
    """Elsewhere the end was never sent, so the next problem was taken for one that is known, and held back as well:
    https://github.com/alerta/alerta/issues/278
    """
    setup = await sent(of_one(length_s=86_400))
    setup.context.add_action(made.action(generation=1))
    setup.observe(made.resolved(9))
    await setup.pass_time(60)
    setup.observe(made.incident(opened_at=made.later(3000), causes=[made.cause()]))
    await setup.pass_time(60)
    assert occasions(setup)[-2:] == ["resolved", "opened"]
