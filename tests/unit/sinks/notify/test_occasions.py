"""When people are notified anew: an acknowledgement ends, a problem returns, an alert was closed by hand."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from leadline.model.delivery import Delivery
from leadline.model.ids import IncidentId
from leadline.model.incident import Incident, TimelineEntry
from leadline.settings.routing import NotifySettings
from leadline_sinks.notify.delivery_records import DeliveryRecords
from leadline_sinks.notify.notify_decision import Decision, Send, Skip, SkipReason, Suppress, Wait, decide
from leadline_sinks.notify.sink import Notification
from leadline_sinks.notify.situation import Situation
from tests.unit.sinks.made import UNKNOWN, action, cause, incident, later, resolved
from tests.unit.sinks.notify.test_notify_decision import silence

NOTIFY = NotifySettings()
RECORDS = DeliveryRecords("pagerduty", "pagerduty")
OLDER = IncidentId("inc_orders_20260410T095900Z_0001")


def decided(about: Incident, at_s: float, last: Delivery | None, **changes: Any) -> Decision:
    """The decision so many seconds after the first breach, where all clocks agree."""

    def since(moment: datetime | None) -> float:
        return max(0.0, (later(at_s) - moment).total_seconds()) if moment is not None else 0.0

    given: dict[str, Any] = {
        "actions": (),
        "silences": (),
        "routed": True,
        "now": later(at_s),
        "observed_s": at_s,
        "delivered_s": since(last.at) if last is not None else at_s,
        "rang_s": since(last.rang_at) if last is not None else at_s,
        "ended_s": since(about.resolved_at),
    }
    return decide(Situation(incident=about, last=last, **given | changes), NOTIFY)


def sent(about: Incident, at_s: float, last: Delivery | None = None, **changes: Any) -> tuple[Notification, Delivery]:
    """The notification that is due, and its record."""
    decision = decided(about, at_s, last, **changes)
    assert isinstance(decision, Send), decision
    return decision.notification, RECORDS.sent(decision.notification, last, {}, later(at_s))


def opened(**changes: Any) -> Delivery:
    return sent(incident(1, severity="warning", **changes), 3)[1]


WORSE = {
    "escalated": incident(5, generation=2),
    "cause_changed": incident(5, severity="warning", generation=2, causes=[cause("primary_down")]),
    "reopened": incident(5, severity="warning", generation=2, reopened=[later(80)]),
}


@pytest.mark.parametrize("occasion", WORSE)
def test_an_acknowledgement_covers_what_was_known(occasion: str) -> None:
    """When the incident gets worse after it, people are notified at once, under the new generation."""
    taken = action(generation=1)
    _, last = sent(incident(1, severity="warning"), 30, opened(), actions=[taken])
    assert last.acknowledged == 1
    notification, last = sent(WORSE[occasion], 90, last, actions=[taken])
    assert (notification.occasion, notification.rang) == (occasion, (1, 2))
    assert notification.incident.acknowledged_by is None
    assert notification.lapsed_by == "ada"
    again = decided(WORSE[occasion], 95, last, actions=[taken])
    assert isinstance(again, Wait), "once"
    notification, last = sent(WORSE[occasion], 100, last, actions=[taken, action(number=2, by="grace", generation=2)])
    assert notification.occasion == "acknowledged"
    assert (notification.incident.acknowledged_by, notification.lapsed_by) == ("grace", None)
    notification, _ = sent(resolved(9, resolved_at=later(200), generation=2), 200, last)
    assert (notification.occasion, notification.rang) == ("resolved", (1, 2)), "both alerts are to be resolved"


def test_without_an_acknowledgement_the_alert_is_updated() -> None:
    """It still rings. A rise of the severity is reported as one."""
    for about, occasion in ((WORSE["escalated"], "escalated"), (WORSE["cause_changed"], "updated")):
        notification, last = sent(about, 90, opened())
        assert (notification.occasion, notification.rang) == (occasion, (1,))
        assert last.generation == 2


def test_an_acknowledgement_that_comes_late() -> None:
    """It was for the incident as it was before, so it does not cover the incident as it is."""
    _, last = sent(WORSE["escalated"], 90, opened())
    notification, last = sent(WORSE["escalated"], 95, last, actions=[action(generation=1)])
    assert (notification.occasion, notification.incident.acknowledged_by) == ("acknowledged", None)
    assert notification.rang == (1,)
    notification, _ = sent(WORSE["escalated"], 90 + NOTIFY.repeat_s, last, actions=[action(generation=1)])
    assert notification.occasion == "repeated"


def test_an_acknowledgement_that_does_not_say_what_was_known() -> None:
    """It covers what the target had been sent."""
    notification, last = sent(incident(1, severity="warning"), 30, opened(), actions=[action()])
    assert notification.incident.acknowledged_by == "ada"
    notification, last = sent(WORSE["escalated"], 90, last, actions=[action()])
    assert (notification.incident.acknowledged_by, notification.rang) == (None, (1, 2))
    notification, _ = sent(WORSE["escalated"], 95, opened(), actions=[action()])
    assert notification.incident.acknowledged_by is None, "it had not been sent the worse state"


def test_where_people_acknowledge_unseen() -> None:
    """Some time after the page, somebody may have acknowledged it there; then an update would reach nobody."""
    for after_s, rang in ((60.0, (1,)), (NOTIFY.unseen_ack_s, (1, 2))):
        notification, _ = sent(WORSE["cause_changed"], 3 + after_s, opened(), unseen_actions=True)
        assert notification.rang == rang
        notification, _ = sent(WORSE["cause_changed"], 3 + after_s, opened())
        assert notification.rang == (1,), "elsewhere every acknowledgement is seen"


def test_an_alert_that_was_closed_by_hand() -> None:
    """It is opened again after the time that is set, acknowledged or not, and each time after that."""
    last = opened()
    taken = action(generation=1)
    assert decided(incident(1), 63, last, unseen_actions=True) == Wait(NOTIFY.reopen_s - 60)
    _, last = sent(incident(2, severity="warning"), 1500, last, unseen_actions=True, actions=[taken])
    at_s = 3 + NOTIFY.reopen_s
    for _ in range(2):
        due = decided(incident(2, severity="warning"), at_s - 1, last, unseen_actions=True, actions=[taken])
        assert due == Wait(1.0), "updates in between do not delay it"
        notification, last = sent(incident(2, severity="warning"), at_s, last, unseen_actions=True, actions=[taken])
        assert (notification.occasion, notification.rang) == ("kept_open", (1,))
        at_s += NOTIFY.reopen_s


def test_a_target_that_takes_an_incident_for_over() -> None:
    """It is sent the incident again in time, acknowledged or not; other news in between is no reason to wait."""
    last = opened()
    assert decided(incident(1, severity="warning"), 63, last, resend_s=300.0) == Wait(240.0)
    _, last = sent(incident(2, severity="warning"), 200, last, actions=[action(generation=1)], resend_s=300.0)
    notification, last = sent(incident(2, severity="warning"), 303, last, actions=[action()], resend_s=300.0)
    assert notification.occasion == "kept_open"
    assert decided(incident(2, severity="warning"), 313, last, actions=[action()], resend_s=300.0) == Wait(290.0)


def test_a_silence_does_not_let_an_incident_seem_over() -> None:
    """It is sent again in the silence, as the target has it; what the silence holds back is due after it."""
    last = opened()
    quiet = silence(ends=1000)
    worse = incident(5, generation=2)
    held = decided(worse, 90, last, silences=[quiet], resend_s=300.0)
    assert held == Suppress(quiet.silence_id, "escalated")
    last = RECORDS.suppressed(worse, "escalated", last, quiet.silence_id, later(90))
    assert decided(worse, 100, last, silences=[quiet], resend_s=300.0) == Wait(203.0)
    notification, last = sent(worse, 303, last, silences=[quiet], resend_s=300.0)
    assert (notification.occasion, notification.incident.silenced_by) == ("kept_open", quiet.silence_id)
    assert (last.seq, last.severity) == (1, "warning")
    assert decided(worse, 304, last, silences=[quiet], resend_s=300.0) == Suppress(quiet.silence_id, "escalated")
    notification, _ = sent(worse, 1001, last, resend_s=300.0)
    assert notification.occasion == "escalated"


def test_updates_do_not_delay_reminders() -> None:
    """However often an incident changes, nobody forgets it."""
    last = opened()
    for at_s in range(600, int(NOTIFY.repeat_s), 600):
        _, last = sent(incident(at_s, severity="warning"), at_s, last)
    notification, _ = sent(incident(int(NOTIFY.repeat_s) - 600, severity="warning"), 3 + NOTIFY.repeat_s, last)
    assert notification.occasion == "repeated"


RETURNED = incident(9, severity="warning", generation=2, reopened=[later(400)])


def ended(last: Delivery, at_s: float = 100.0, **changes: Any) -> Delivery:
    return sent(resolved(8, severity="warning", resolved_at=later(at_s), **changes), at_s, last)[1]


def test_a_problem_that_returns() -> None:
    """It is one notification at once, under the new generation; no alert of the time before is open."""
    notification, last = sent(RETURNED, 400, ended(opened()))
    assert (notification.occasion, notification.rang) == ("reopened", (2,))
    assert isinstance(decided(RETURNED, 402, last), Wait)
    assert decided(RETURNED, 400, ended(opened()), silences=[silence()]) == Suppress("s1", "reopened")


def test_a_problem_that_keeps_returning() -> None:
    """The end of a problem that has returned waits, for each return longer; one that returns meanwhile is an update."""
    last = sent(RETURNED, 400, ended(opened()))[1]
    over = resolved(10, severity="warning", generation=2, reopened=[later(400)], resolved_at=later(500))
    assert decided(over, 500, last) == Wait(NOTIFY.settle_s)
    assert isinstance(decided(over, 500 + NOTIFY.settle_s, last), Send)
    again = msgspec.structs.replace(RETURNED, seq=11, generation=3, reopened=[later(400), later(530)])
    notification, last = sent(again, 530, last)
    assert (notification.occasion, notification.rang) == ("updated", (2,))
    over = resolved(12, severity="warning", reopened=again.reopened, resolved_at=later(600))
    assert decided(over, 600, last) == Wait(2 * NOTIFY.settle_s)
    often = msgspec.structs.replace(over, reopened=[later(n) for n in range(1000)])
    assert decided(often, 600, last) == Wait(900.0), "at most"
    notification, last = sent(over, 720, last)
    assert (notification.occasion, notification.rang, last.state) == ("resolved", (2,), "resolved")


def test_an_acknowledgement_of_a_problem_that_keeps_returning() -> None:
    """It lasts while no end is reported, unless the problem is another one or more severe when it returns."""
    taken = action(generation=2, at=later(401))
    last = sent(RETURNED, 400, ended(opened()))[1]
    last = sent(RETURNED, 410, last, actions=[taken])[1]
    again = {"seq": 11, "generation": 3, "reopened": [later(400), later(530)]}
    notification, after = sent(msgspec.structs.replace(RETURNED, **again), 540, last, actions=[taken])
    assert (notification.occasion, notification.incident.acknowledged_by, notification.rang) == ("updated", "ada", (2,))
    assert after.acknowledged == 3
    for change in ({"severity": "critical"}, {"causes": [cause("primary_down")]}):
        another = msgspec.structs.replace(RETURNED, **again, **change)
        notification, _ = sent(another, 540, last, actions=[taken])
        assert (notification.incident.acknowledged_by, notification.rang) == (None, (2, 3))
    unnamed = msgspec.structs.replace(RETURNED, **again, causes=[UNKNOWN])
    assert sent(unnamed, 540, last, actions=[taken])[0].rang == (2,)


def test_a_problem_that_returned_and_ended_while_nobody_was_notified() -> None:
    """There is nothing to report."""
    over = resolved(10, generation=2, reopened=[later(400)], resolved_at=later(420))
    assert decided(over, 500, ended(opened())) == Skip(SkipReason.UP_TO_DATE, final=True)


def test_a_merged_incident() -> None:
    """Its end is reported once the older one was, also within a silence; nothing is where nobody was notified."""
    part = resolved(4, merged_into=OLDER, resolved_at=later(60), reopened=[later(20)])
    for silences in ([], [silence()]):
        notification, last = sent(part, 60, opened(), silences=silences, older=opened())
        assert (notification.occasion, last.state) == ("merged", "resolved")
    assert decided(part, 60, opened()) == Wait(1.0)
    assert isinstance(decided(part, 120, opened()), Send), "the older one is kept from the target"
    assert decided(part, 60, None) == Skip(SkipReason.RESOLVED_BEFORE_NOTIFICATION, final=True)


def test_a_crash_while_people_are_notified_anew() -> None:
    """The new generation is on record before the attempt, so its alert is resolved at the end."""
    taken = action(generation=1)
    _, last = sent(incident(1, severity="warning"), 30, opened(), actions=[taken])
    notification, _ = sent(WORSE["escalated"], 90, last, actions=[taken])
    crashed = RECORDS.attempted(notification, last, later(90))
    again, _ = sent(WORSE["escalated"], 91, crashed, actions=[taken])
    assert (again.occasion, again.rang) == ("escalated", (1, 2))
    over, _ = sent(resolved(9, generation=2), 300, crashed, actions=[taken])
    assert over.rang == (1, 2)
    half = RECORDS.partial(notification, last, {"state": "triggered"}, later(90))
    again, _ = sent(WORSE["escalated"], 91, half, actions=[taken])
    assert (again.occasion, again.rang) == ("escalated", (1, 2))


def test_what_was_not_sent_is_not_on_record_as_sent() -> None:
    """The target has everything, but it has accepted nothing."""
    notification, _ = sent(incident(2, severity="warning"), 60, opened())
    record = RECORDS.nothing_new(notification, opened(), {}, later(60))
    assert (record.outcome, record.seq, record.at) == ("nothing_new", 2, later(60))
    assert record.first_at == later(3)
    assert RECORDS.nothing_new(notification, None, {}, later(60)).first_at is None


def test_news_of_a_returned_problem() -> None:
    """They are the events since the end that was reported."""
    before = incident(1, severity="warning").timeline
    last = ended(opened(timeline=before))
    more = [TimelineEntry(at=later(at), what=what) for at, what in ((100, "resolved"), (400, "returned"))]
    notification, _ = sent(msgspec.structs.replace(RETURNED, timeline=[*before, *more]), 400, last)
    assert [entry.what for entry in notification.news] == ["returned"]
