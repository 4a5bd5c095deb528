"""Notices and digests of an audit: sent once each, never as a reminder, and never to a target that pages."""

import pytest

from tests.unit.sinks import made
from tests.unit.sinks.notify.test_notifier import Setup

DAY_S = 86_400.0


@pytest.mark.parametrize("kind", ["notice", "advice"])
async def test_a_notice_is_sent_once_and_keeps_no_record(kind: str) -> None:
    """Days pass without a reminder, and the records before the next one are not needed."""
    setup = Setup()
    setup.observe(made.incident(1, class_=kind, severity="warning"))
    await setup.idle()
    assert setup.notifier.settled(0, setup.offset) == setup.offset
    await setup.pass_time(3 * DAY_S, at_least_s=600.0)
    assert setup.target.delivered == [("orders", "opened")]


async def test_the_end_of_a_notice_is_sent_once_after_a_restart() -> None:
    """The next process reads the end alone."""
    setup = Setup()
    setup.observe(made.incident(1, class_="notice"))
    await setup.idle()
    setup.restart()
    setup.observe(made.resolved(2, class_="notice"))
    setup.observe(made.resolved(2, class_="notice"))
    await setup.pass_time(60)
    assert setup.target.delivered == [("orders", "opened"), ("orders", "resolved")]


async def test_other_findings_of_a_notice_are_an_update() -> None:
    """Of the message that is there."""
    setup = Setup()
    setup.observe(made.incident(1, class_="notice"))
    await setup.idle()
    setup.observe(made.incident(2, class_="notice", title="also pg-3"))
    await setup.pass_time(60)
    assert [occasion for _, occasion in setup.target.delivered] == ["opened", "updated"]


async def test_a_digest_that_is_replaced_has_no_end() -> None:
    """The newer one says more."""
    setup = Setup()
    setup.observe(made.incident(1, class_="advice"))
    await setup.idle()
    setup.observe(made.resolved(2, class_="advice"))
    await setup.pass_time(60)
    assert setup.target.delivered == [("orders", "opened")]
    assert setup.notifier.settled(0, setup.offset) == setup.offset


async def test_nobody_is_paged_for_a_notice() -> None:
    """A target for pages is sent the incident alone, and waits for nothing."""
    setup = Setup()
    setup.target.takes_notices = False
    setup.observe(made.incident(1, class_="notice", cluster="quiet"))
    setup.observe(made.incident(1))
    await setup.idle()
    setup.observe(made.resolved(2, class_="notice", cluster="quiet"))
    await setup.pass_time(60)
    assert setup.target.delivered == [("orders", "opened")]
