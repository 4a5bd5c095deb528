"""When a target is notified, and of what."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from leadline.model.delivery import Delivery
from leadline.model.incident import Incident, TimelineEntry
from leadline.model.silence import Silence
from leadline.settings.routing import NotifySettings
from leadline_sinks.notify.delivery_records import DeliveryRecords
from leadline_sinks.notify.notify_decision import Decision, Send, Skip, SkipReason, Suppress, Wait, decide
from leadline_sinks.notify.sink import Reason
from leadline_sinks.notify.situation import Situation
from tests.unit.sinks.made import UNKNOWN, action, change, incident, later, notification, recurrence, resolved

NOTIFY = NotifySettings()
RECORDS = DeliveryRecords("slack", "slack")


def situation(about: Incident, after_s: float = 0.0, **changes: Any) -> Situation:
    """The situation of an incident some seconds after its detection, by all clocks."""

    def since(moment: datetime) -> float:
        return (later(2 + after_s) - moment).total_seconds()

    given: dict[str, Any] = {
        "actions": (),
        "silences": (),
        "last": None,
        "routed": True,
        "now": later(2 + after_s),
        "observed_s": after_s,
        "delivered_s": 1e9 if changes.get("last") is None else since(changes["last"].at),
        "rang_s": 1e9 if changes.get("last") is None else since(changes["last"].rang_at or changes["last"].at),
        "ended_s": 0.0 if about.resolved_at is None else max(0.0, since(about.resolved_at)),
    }
    return Situation(incident=about, **given | changes)


def decided(about: Incident, after_s: float = 0.0, **changes: Any) -> Decision:
    return decide(situation(about, after_s, **changes), NOTIFY)


def delivery(about: Incident, after_s: float = 0.0, **changes: Any) -> Delivery:
    """The delivery of an incident some seconds after its detection."""
    return RECORDS.sent(notification("opened", incident=about, **changes), None, {"ts": "1"}, later(2 + after_s))


def silence(name: str = "s1", ends: float = 600, **matchers: str) -> Silence:
    return Silence(
        silence_id=name,
        matchers=matchers or {"cluster": "orders"},
        starts_at=later(0),
        ends_at=later(ends),
        created_by="ada",
    )


def test_an_identified_cause_is_sent_at_once() -> None:
    """There is nothing to wait for. All entries so far are news."""
    about = incident(changes=[change()])
    decision = decided(about)
    assert isinstance(decision, Send)
    assert decision.notification.occasion == "opened"
    assert decision.notification.news == tuple(about.timeline)
    assert decision.notification.changes == (change(),)
    assert not decision.notification.receipt


def test_an_incident_that_others_of_its_datacenter_may_share_waits() -> None:
    """Also with an identified cause, and from the time when it was read: others are read meanwhile."""
    about = incident(silent_datacenters=["fra1"])
    assert decided(about, 300.0, observed_s=1.0) == Wait(4.0)
    assert isinstance(decided(about, 300.0, observed_s=5.0), Send)
    assert isinstance(decide(situation(about), NotifySettings(datacenter_clusters=0)), Send)


def test_an_incident_is_held_back_by_that_of_its_datacenter() -> None:
    """Once, on record; what people were notified of before goes on, and the end of the other one releases it."""
    about = incident(silent_datacenters=["fra1"])
    held = {"observed_s": 9.0, "held_by": "inc_fra1"}
    assert decided(about, 9.0, **held) == Suppress("inc_fra1", "opened")
    last = RECORDS.suppressed(about, "opened", None, "inc_fra1", later(9))
    assert isinstance(decided(about, 10.0, last=last, **held), Wait)
    assert isinstance(decided(about, 60.0, last=last, observed_s=60.0), Send)
    assert isinstance(decided(incident(2, silent_datacenters=["fra1"]), 60.0, last=delivery(about), **held), Send)


@pytest.mark.parametrize(("severity", "wait_s"), [("critical", 5.0), ("warning", 10.0), ("info", 10.0)])
def test_the_first_notification_waits_for_the_cause(severity: str, wait_s: float) -> None:
    """It waits no longer than the settings say, whichever clock is wrong."""
    about = incident(causes=[UNKNOWN], severity=severity)
    assert decided(about) == Wait(wait_s)
    assert decided(about, 1.0) == Wait(wait_s - 1.0)
    assert isinstance(decided(about, wait_s), Send)
    assert isinstance(decided(about, 0.0, observed_s=wait_s), Send), "the database's clock is ahead"
    assert isinstance(decided(about, 0.0, now=later(7200)), Send), "it was detected while we were away"
    assert decided(about, 0.0, now=later(-7200)) == Wait(wait_s)


def test_updates_are_spaced() -> None:
    """Events in between are sent in one update, due by whichever clock is ahead."""
    first = incident(1, severity="warning")
    last = delivery(first)
    entry = TimelineEntry(at=later(30), what="slot_inactive fires")
    newer = incident(4, severity="warning", timeline=[*first.timeline, entry], changes=[change()])
    assert decided(newer, 2.0, last=last) == Wait(3.0)
    assert isinstance(decided(newer, 0.0, last=last, now=later(-9999), delivered_s=5.0), Send)
    decision = decided(newer, 5.0, last=last)
    assert isinstance(decision, Send)
    assert decision.notification.occasion == "updated"
    assert decision.notification.news == (entry,)
    assert decision.notification.changes == ()
    assert decision.notification.receipt == {"ts": "1"}


def test_an_incident_that_can_return() -> None:
    """Its end was sent: what can bring it back is sent once, and no alert is opened for it anew."""
    end = delivery(resolved(2))
    mark = resolved(3, recurrences=[recurrence()])
    decision = decided(mark, 90_000.0, last=end)
    assert isinstance(decision, Send)
    assert (decision.notification.occasion, decision.notification.rang) == ("recurrence", (1,))
    sent = RECORDS.sent(decision.notification, end, {"ts": "1"}, later(90_010))
    assert decided(mark, 90_020.0, last=sent) == Skip(SkipReason.UP_TO_DATE, final=True)
    again = resolved(4, recurrences=[recurrence(), recurrence(at=later(99_999))])
    assert isinstance(decided(again, 99_999.0, last=sent), Send)


def test_who_was_not_sent_the_incident_is_not_sent_that_it_can_return() -> None:
    mark = resolved(3, recurrences=[recurrence()])
    assert decided(mark, 90_000.0) == Skip(SkipReason.RESOLVED_BEFORE_NOTIFICATION, final=True)
    assert decided(resolved(3), 90_000.0, last=delivery(resolved(2))) == Skip(SkipReason.UP_TO_DATE, final=True)


@pytest.mark.parametrize(
    ("about", "occasion"),
    [(incident(2), "escalated"), (resolved(2, severity="warning"), "resolved"), (resolved(2), "resolved")],
)
def test_escalations_and_ends_are_sent_at_once(about: Incident, occasion: str) -> None:
    """They do not wait for the spacing of updates."""
    decision = decided(about, 0.1, last=delivery(incident(1, severity="warning")))
    assert isinstance(decision, Send)
    assert decision.notification.occasion == occasion


def test_acknowledgements_and_notes() -> None:
    """An acknowledgement is sent at once, a note with the spacing of updates; both once."""
    last = delivery(incident())
    taken, noted = action(), action("note", 2)
    decision = decided(incident(), 0.1, last=last, actions=(noted, taken))
    assert isinstance(decision, Send)
    assert decision.notification.occasion == "acknowledged"
    assert decision.notification.actions == (noted, taken)
    assert decision.notification.incident.acknowledged_by == "ada"
    assert decided(incident(), 0.0, last=last, actions=(noted,)) == Wait(5.0)
    after = RECORDS.sent(decision.notification, last, {}, later(3))
    assert decided(incident(), 10.0, last=after, actions=(noted, taken)) == Wait(8 * 3600 - 10.0)


def test_the_last_acknowledgement_counts() -> None:
    """The notification names the person who acknowledged last, also where the record names another."""
    people = (action(), action(number=2, by="grace"))
    decision = decided(incident(acknowledged_by="eve"), actions=people)
    assert isinstance(decision, Send)
    assert decision.notification.incident.acknowledged_by == "grace"


def test_reminders() -> None:
    """An open incident is repeated after the time that is set; later where it is acknowledged; never with 0."""
    last = delivery(incident())
    assert decided(incident(), 60.0, last=last) == Wait(4 * 3600 - 60)
    decision = decided(incident(), 4 * 3600, last=last)
    assert isinstance(decision, Send)
    assert decision.notification.occasion == "repeated"
    taken = msgspec.structs.replace(last, actions=["act_1"])
    assert decided(incident(), 4 * 3600, last=taken, actions=(action(),)) == Wait(4 * 3600)
    forgotten = decided(incident(), 8 * 3600, last=taken, actions=(action(),))
    assert isinstance(forgotten, Send)
    assert (forgotten.notification.occasion, forgotten.notification.incident.acknowledged_by) == ("repeated", "ada")
    for actions in ((), (action(),)):
        at = situation(incident(), 1e6, last=taken, actions=actions)
        never = decide(at, NotifySettings(repeat_s=0, repeat_acknowledged_s=0))
        assert never == Skip(SkipReason.UP_TO_DATE, final=False)


def test_an_incident_that_ends_before_its_first_notification() -> None:
    """It is not announced."""
    assert decided(resolved()) == Skip(SkipReason.RESOLVED_BEFORE_NOTIFICATION, final=True)


def test_routes_decide_about_the_first_notification() -> None:
    """A target that was notified is notified of the end, whatever the routes are by then."""
    assert decided(incident(), routed=False) == Skip(SkipReason.NOT_ROUTED, final=False)
    assert decided(resolved(), routed=False) == Skip(SkipReason.NOT_ROUTED, final=True)
    assert isinstance(decided(resolved(), 1.0, routed=False, last=delivery(incident())), Send)


def test_a_silence() -> None:
    """It is recorded once; at its end, an open incident is sent."""
    quiet = silence()
    decision = decided(incident(), 0.0, silences=[quiet])
    assert decision == Suppress(quiet.silence_id, "opened")
    last = RECORDS.suppressed(incident(), "opened", None, "s1", later(2))
    assert (last.seq, last.first_at, last.reason) == (0, None, "s1")
    assert decided(incident(2), 10.0, silences=[quiet], last=last) == Wait(588.0)
    longer = silence("s2", 900)
    assert decided(incident(2), 10.0, silences=[quiet, longer], last=last) == Suppress(longer.silence_id, "opened")
    decision = decided(incident(2), 598.0, silences=[quiet], last=last)
    assert isinstance(decision, Send)
    assert decision.notification.occasion == "opened"
    assert decided(resolved(2), 598.0, silences=[quiet], last=last) == Skip(
        SkipReason.RESOLVED_BEFORE_NOTIFICATION, final=True
    )
    assert isinstance(decided(incident(), silences=[silence(cluster="users")]), Send)
    assert isinstance(decided(incident(), now=later(-1), silences=[quiet]), Send), "it has not begun"


def test_the_end_of_a_silenced_incident() -> None:
    """A target that was notified before the silence is notified of the end, and of nothing else."""
    last = delivery(incident(severity="warning"))
    assert decided(incident(2), 9.0, last=last, silences=[silence()]) == Suppress("s1", "escalated")
    decision = decided(resolved(3), 9.0, last=last, silences=[silence()])
    assert isinstance(decision, Send)
    assert decision.notification.occasion == "resolved"
    assert decision.notification.incident.silenced_by == "s1"


def test_nothing_is_sent_after_the_end() -> None:
    """Actions, later records of the end, and records from before it, which are read again, change nothing."""
    over = RECORDS.sent(notification("resolved"), delivery(incident()), {}, later(301))
    for about in (incident(8), resolved(100), resolved(100, reopened=[later(310)], generation=2)):
        assert decided(about, 1e6, last=over, actions=(action(),)) == Skip(SkipReason.UP_TO_DATE, final=True)


def test_a_notification_that_was_given_up() -> None:
    """It is not repeated; a later record or action is sent."""
    last = RECORDS.given_up(notification("opened"), None, Reason.REJECTED, later(3))
    assert decided(incident(), 1e6, last=last) == Skip(SkipReason.GIVEN_UP, final=False)
    for newer, actions in ((incident(2), ()), (incident(), (action(),))):
        decision = decided(newer, 60.0, last=last, actions=actions)
        assert isinstance(decision, Send)
        assert decision.notification.occasion == "opened"
    assert decided(resolved(), 60.0, last=last) == Skip(SkipReason.RESOLVED_BEFORE_NOTIFICATION, final=True)
    after = RECORDS.given_up(notification("resolved"), delivery(incident()), Reason.REJECTED, later(301))
    assert decided(resolved(), 400.0, last=after) == Skip(SkipReason.GIVEN_UP, final=True)


def test_a_partial_first_notification_is_continued() -> None:
    """It is continued at once from its receipt. The end is sent even if the rest never arrived."""
    last = RECORDS.partial(notification("opened"), None, {"ts": "1"}, later(2))
    decision = decided(incident(), 0.0, last=last)
    assert isinstance(decision, Send)
    assert (decision.notification.occasion, decision.notification.receipt) == ("opened", {"ts": "1"})
    assert decision.notification.news == tuple(incident().timeline)
    ended = decided(resolved(), 0.0, last=last)
    assert isinstance(ended, Send)
    assert ended.notification.occasion == "resolved"


def test_a_crash_during_the_first_notification() -> None:
    """The notification and the end are sent, also where a silence came in between."""
    last = RECORDS.attempted(notification("opened"), None, later(2))
    assert isinstance(decided(incident(), 0.0, last=last), Send)
    assert isinstance(decided(resolved(), 0.0, last=last), Send)
    quiet = RECORDS.suppressed(incident(), "opened", last, "s1", later(3))
    assert isinstance(decided(resolved(), 0.0, last=quiet), Send)


def test_a_partial_update_is_continued() -> None:
    """It has the same occasion and all its news."""
    before = delivery(incident(severity="warning"))
    last = RECORDS.partial(notification("escalated", incident=incident(2)), before, {"ts": "2"}, later(5))
    decision = decided(incident(2), 3.0, last=last)
    assert isinstance(decision, Send)
    assert (decision.notification.occasion, decision.notification.receipt) == ("escalated", {"ts": "2"})
    repeated = RECORDS.partial(notification("repeated", incident=incident(1)), delivery(incident()), {}, later(5))
    decision = decided(incident(1), 3.0, last=repeated)
    assert isinstance(decision, Send)
    assert decision.notification.occasion == "repeated"
