"""Announcements of silences at a target: to whom, when, how often, and in which words."""

from typing import Any

import pytest

from leadline.lines import incident as console_lines
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.settings.routing import NotifySettings, RouteMatch, RouteSettings
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import PagerDutySettings, SlackSettings
from leadline_sinks.message_parts import lead, parts
from leadline_sinks.notify.announced_to import can_hold_back, is_announced
from leadline_sinks.notify.matching import glob, may_both_match
from leadline_sinks.slack import render
from tests.unit.sinks import made
from tests.unit.sinks.notify.test_notifier import Setup
from tests.unit.sinks.notify.test_silence_announcements import Process, held, silence
from tests.unit.sinks.slack.shown import shown as slack_text


def begun(*silences: Silence) -> Incident:
    """The announcement of the beginning."""
    process = Process()
    process.add(*(silences or (silence(),)))
    (record,) = process.between(0, 5)
    return record


def ended(length_s: int = 3600, *, holds: bool = True) -> tuple[Incident, Incident]:
    """Both announcements of a silence that held two incidents back, of which one goes on."""
    process = Process()
    process.add(silence(length_s=length_s))
    (first,) = process.between(0, 5)
    over = made.resolved(opened_at=made.later(10), severity="warning", resolved_at=made.later(40))
    for incident in (over, made.incident(opened_at=made.later(20))) if holds else ():
        process.found.observe_incident(incident)
        process.found.observe_delivery(held(incident))
    (last,) = process.between(length_s, length_s + 2)
    return first, last


def settings(*routes: RouteSettings, default: list[str] | None = None, **notify: Any) -> SinkSettings:
    slack = SlackSettings(webhook_url=Secret("https://hooks.example.org/x"))
    pagerduty = PagerDutySettings(routing_key=Secret("k" * 32))
    given = NotifySettings(**notify)
    return SinkSettings(slack=slack, pagerduty=pagerduty, routes=list(routes), default=default, notify=given)


def route(*to: str, announce: bool = True, go_on: bool = False, **match: Any) -> RouteSettings:
    return RouteSettings(match=RouteMatch(**match), to=list(to), announce_silences=announce, continue_=go_on)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("orders", "orders", True),
        ("orders", "users", False),
        ("ord*", "*ers", True),
        ("a*b", "a?c", False),
        ("a*b", "a?*b", True),
        ("*", "", True),
        ("?", "", False),
        ("*x*y", "yx", False),
        ("*x*y", "?x?", True),
        ("*" * 60 + "x", "y" + "?" * 60, True),
        ("ab*", "a", False),
    ],
)
def test_two_patterns_with_a_text_in_common(one: str, other: str, expected: bool) -> None:
    """In either order."""
    assert may_both_match(one, other) is may_both_match(other, one) is expected


def test_two_patterns_against_every_short_text() -> None:
    """The answer is that of trying all texts."""
    from itertools import product

    patterns = ["".join(each) for count in range(4) for each in product("ab*?", repeat=count)]
    texts = ["".join(each) for count in range(5) for each in product("ab", repeat=count)]
    matched = {pattern: {text for text in texts if glob(pattern, text)} for pattern in patterns}
    for one, other in product(patterns[:60], patterns):
        assert may_both_match(one, other) is bool(matched[one] & matched[other]), (one, other)


def test_the_targets_whose_notifications_it_can_hold_back() -> None:
    """Other targets are not notified; where a pattern may lead to several, all are."""
    given = settings(route("slack", cluster="orders"), route("pagerduty", cluster="u*"), default=[])
    assert can_hold_back(given, {"cluster": "orders"}, "slack")
    assert not can_hold_back(given, {"cluster": "users"}, "slack")
    assert not can_hold_back(given, {"cluster": "shop"}, "slack")
    assert can_hold_back(given, {"cluster": "*s"}, "slack")
    assert can_hold_back(given, {"rule": "node_down"}, "slack")
    only = settings(route("pagerduty", severity="critical"), default=["slack"])
    assert can_hold_back(only, {"cluster": "orders"}, "slack")
    assert not can_hold_back(only, {"cluster": "orders", "severity": "warning"}, "pagerduty")
    assert not can_hold_back(only, {"cluster": "orders", "severity": "critical"}, "slack")
    labels = settings(route("slack", labels={"team": "pay*"}), default=[])
    assert can_hold_back(labels, {"label.team": "payments"}, "slack")
    assert not can_hold_back(labels, {"label.team": "core"}, "slack")


def test_settings_choose_what_is_announced() -> None:
    """Everything, ends that held something back, nothing; and routes that have none."""
    first, last = ended()
    nothing = ended(holds=False)[1]
    assert is_announced(settings(), first, "slack")
    assert [is_announced(settings(announce_silences="held"), each, "slack") for each in (first, last, nothing)] == [
        False,
        True,
        False,
    ]
    assert not is_announced(settings(announce_silences="never"), last, "slack")
    quiet = settings(route("slack", announce=False), default=[])
    assert not is_announced(quiet, first, "slack")


def test_a_short_silence_is_announced_once() -> None:
    """One of less than a minute: at its end."""
    first, last = ended(40)
    assert not is_announced(settings(), first, "slack")
    assert is_announced(settings(), last, "slack")


async def test_it_is_sent_at_once_and_at_its_end_although_the_silence_matches_it() -> None:
    """A silence of the whole cluster does not hold its own announcement back; nothing is repeated in between."""
    setup = Setup()
    first, last = ended()
    setup.context.add_silence("sil_1", silence())
    setup.observe(first)
    await setup.pass_time(3000)
    assert setup.target.delivered == [("orders", "opened")]
    setup.observe(last)
    await setup.pass_time(60)
    assert setup.target.delivered == [("orders", "opened"), ("orders", "resolved")]


async def test_it_is_not_sent_again_after_a_restart_or_a_takeover() -> None:
    """The deliveries hold it, also when the record is read again and when another process wrote the same one."""
    setup = Setup()
    first, last = ended()
    setup.observe(first)
    await setup.pass_time(5)
    setup.restart()
    setup.observe(first)
    setup.observe(first)
    await setup.pass_time(20_000)
    setup.observe(last)
    await setup.idle()
    setup.restart()
    for each in (first, last):
        setup.observe(each)
    await setup.pass_time(20_000)
    assert setup.target.delivered == [("orders", "opened"), ("orders", "resolved")]


async def test_a_target_that_pages_is_not_notified() -> None:
    """PagerDuty and Alertmanager take no notices."""
    setup = Setup()
    setup.target.takes_notices = False
    for each in ended():
        setup.observe(each)
    await setup.pass_time(60)
    assert setup.target.attempts == []


async def test_a_new_target_is_not_sent_the_silences_of_last_month() -> None:
    """Of one that nobody announced when it began, the end is sent for ten minutes."""
    setup = Setup()
    last = ended(40)[1]
    setup.clock.advance(700)
    setup.observe(last)
    await setup.pass_time(60)
    assert setup.target.attempts == []
    soon = Setup()
    soon.clock.advance(60)
    soon.observe(last)
    await soon.pass_time(60)
    assert soon.target.delivered == [("orders", "resolved")]


async def test_a_silence_that_is_prolonged_is_one_message() -> None:
    """An update, with the new end."""
    setup = Setup()
    process = Process()
    process.add(silence())
    for record in process.between(0, 5):
        setup.observe(record)
    await setup.pass_time(30)
    process.add(silence(length_s=7200))
    for record in process.between(1000, 1020):
        setup.observe(record)
    await setup.pass_time(30)
    assert [occasion for _, occasion in setup.target.delivered] == ["opened", "updated"]


def test_the_words_of_a_beginning() -> None:
    """They have who, what, until when with the zone, why, and how to end it."""
    sent = made.notification(incident=begun())
    assert lead(sent, made.later(5)) == (
        "SILENCE BEGINS: orders: silence of everything by ada until 2026-04-10 11:00 UTC"
    )
    shown = [line.text for part in parts(sent, NotifySettings()) for line in part.lines]
    assert shown == [
        "cluster=orders until 2026-04-10 11:00 UTC (1 h), by ada: resize of pg-2",
        "leadline silence expire sil_1",
    ]
    assert len(console_lines(begun())) == 3


def test_the_words_of_an_end() -> None:
    """The incident that goes on stands first, with its cause and its identity."""
    last = ended()[1]
    sent = made.notification("resolved", incident=last)
    assert lead(sent, made.later(5)) == (
        "SILENCE ENDS: orders: silence of everything by ada is over; 2 incidents were held back, of which 1 goes on"
    )
    headings = [part.heading for part in parts(sent, NotifySettings())]
    assert headings == [
        "Still goes on, and is sent from now on",
        "Was held back, and is over",
        "Held back notifications of",
    ]
    on = parts(sent, NotifySettings())[0].lines[0].text
    assert on.startswith("critical  orders: replay on pg-2 is blocked by a query; cause: query pid 4711 on pg-2")
    assert "inc_orders_20260410T100023Z" in on


@pytest.mark.parametrize("hostile", made.HOSTILE)
def test_hostile_comments_and_names(hostile: str) -> None:
    """Slack shows them as text, within its limits; 200 silences do not make a message too long."""
    many = [
        silence(number, comment=hostile[:1000], created_by=hostile[:255], matchers={"cluster": hostile[:255] or "x"})
        for number in range(200)
    ]
    record = begun(*many)
    message = render.full(record, NotifySettings())
    shown = slack_text(message)
    assert "<!channel>" not in shown
    assert "\x1b" not in shown
    assert all(line.isprintable() for line in console_lines(record))
