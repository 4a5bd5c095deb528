"""An incident that a target never takes does not keep it from the others."""

from collections.abc import Callable

import pytest

from leadline_sinks.notify.sink import Notification, Outcome, Reason, Retry, Sent
from tests.unit.sinks import made
from tests.unit.sinks.notify.test_notifier import Setup
from tests.unit.sinks.notify.test_shown_silence import many, occasions, wide


def broken(notification: Notification) -> Outcome:
    raise ValueError("a value that the sink cannot render")


def refused(notification: Notification) -> Outcome:
    """As a vendor whose own defect is one incident's text: Slack has ``internal_error``, PagerDuty a status of 500."""
    return Retry(Reason.UNAVAILABLE, "500")


@pytest.mark.parametrize("poison", [broken, refused])
@pytest.mark.parametrize("number", [1, 3, 10])
async def test_others_are_sent(poison: Callable[[Notification], Outcome], number: int) -> None:
    """Although those that fail came first, and the target is only probed for them.

    In a queue without a way around it, a few that fail again and again stop all output: fluent/fluent-bit issue 3082;
    prometheus/alertmanager issue 3496.
    """
    setup = Setup()
    setup.target.answer = lambda each: poison(each) if each.incident.cluster.startswith("bad") else Sent({"ts": "1"})
    for each in range(number):
        setup.observe(made.incident(1, cluster=f"bad{each}"))
    await setup.pass_time(900)
    setup.observe(made.incident(1, cluster="orders", opened_at=setup.clock.now()))
    await setup.pass_time(600)
    assert ("orders", "opened") in setup.target.delivered


async def test_a_message_that_cannot_be_edited_keeps_no_other_from_being_edited() -> None:
    """The silence is shown in all others."""
    setup = await many(5)
    poison = setup.target.attempts[0].incident.incident_id
    setup.target.answer = lambda each: (
        refused(each) if (each.occasion, each.incident.incident_id) == ("silenced", poison) else Sent({"ts": "1"})
    )
    setup.context.add_silence("sil_1", wide(setup, 86_400))
    await setup.pass_time(900)
    assert occasions(setup).count("silenced") == 4
