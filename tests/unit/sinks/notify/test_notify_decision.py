"""When a target is told, and what."""

from typing import Any

import msgspec
import pytest

from leadline.model.delivery import Delivery
from leadline.model.incident import Incident, TimelineEntry
from leadline.model.silence import Silence
from leadline.settings.sink import NotifySettings
from leadline_sinks.notify.notification_log import Teller
from leadline_sinks.notify.notify_decision import Decision, Nothing, Situation, Suppress, Tell, Wait, Why, decide
from leadline_sinks.notify.sink import Reason
from tests.unit.sinks.made import UNKNOWN, action, change, incident, later, notice, resolved

NOTIFY = NotifySettings()
TELLER = Teller("slack", "slack")


def situation(about: Incident, after_s: float = 0.0, **changes: Any) -> Situation:
    """Of an incident so long after it was detected, by everybody's clock."""
    given: dict[str, Any] = {
        "actions": (),
        "silences": (),
        "last": None,
        "routed": True,
        "now": later(2 + after_s),
        "seen_s": after_s,
        "told_s": 1e9 if changes.get("last") is None else (later(2 + after_s) - changes["last"].at).total_seconds(),
    }
    return Situation(incident=about, **given | changes)


def decided(about: Incident, after_s: float = 0.0, **changes: Any) -> Decision:
    return decide(situation(about, after_s, **changes), NOTIFY)


def told(about: Incident, after_s: float = 0.0, **changes: Any) -> Delivery:
    """The delivery of an incident that was told so long after it was detected."""
    return TELLER.sent(notice("opened", incident=about, **changes), None, {"ts": "1"}, later(2 + after_s))


def silence(name: str = "s1", ends: float = 600, **matchers: str) -> Silence:
    return Silence(
        silence_id=name,
        matchers=matchers or {"cluster": "orders"},
        starts_at=later(0),
        ends_at=later(ends),
        created_by="ada",
    )


def test_a_named_cause_is_told_at_once() -> None:
    """Nothing to wait for; everything that happened so far is news."""
    about = incident(changes=[change()])
    decision = decided(about)
    assert isinstance(decision, Tell)
    assert decision.notice.occasion == "opened"
    assert decision.notice.news == tuple(about.timeline)
    assert decision.notice.changes == (change(),)
    assert not decision.notice.receipt


@pytest.mark.parametrize(("severity", "wait_s"), [("critical", 5.0), ("warning", 10.0), ("info", 10.0)])
def test_the_first_word_waits_for_the_cause(severity: str, wait_s: float) -> None:
    """As long as is set and no longer, whoever's clock is wrong."""
    about = incident(causes=[UNKNOWN], severity=severity)
    assert decided(about) == Wait(wait_s)
    assert decided(about, 1.0) == Wait(wait_s - 1.0)
    assert isinstance(decided(about, wait_s), Tell)
    assert isinstance(decided(about, 0.0, seen_s=wait_s), Tell), "the database's clock is ahead"
    assert isinstance(decided(about, 0.0, now=later(7200)), Tell), "it was detected while we were away"
    assert decided(about, 0.0, now=later(-7200)) == Wait(wait_s)


def test_updates_are_spaced() -> None:
    """What happened meanwhile is told in one, by whichever clock it is time."""
    first = incident(1, severity="warning")
    last = told(first)
    entry = TimelineEntry(at=later(30), what="slot_inactive fires")
    newer = incident(4, severity="warning", timeline=[*first.timeline, entry], changes=[change()])
    assert decided(newer, 2.0, last=last) == Wait(3.0)
    assert isinstance(decided(newer, 0.0, last=last, now=later(-9999), told_s=5.0), Tell)
    decision = decided(newer, 5.0, last=last)
    assert isinstance(decision, Tell)
    assert decision.notice.occasion == "updated"
    assert decision.notice.news == (entry,)
    assert decision.notice.changes == ()
    assert decision.notice.receipt == {"ts": "1"}


@pytest.mark.parametrize(
    ("about", "occasion"),
    [(incident(2), "escalated"), (resolved(2, severity="warning"), "resolved"), (resolved(2), "resolved")],
)
def test_what_cannot_wait(about: Incident, occasion: str) -> None:
    """An escalation and the end are told at once."""
    decision = decided(about, 0.1, last=told(incident(1, severity="warning")))
    assert isinstance(decision, Tell)
    assert decision.notice.occasion == occasion


def test_an_acknowledgement_is_told_at_once_and_a_note_with_the_updates() -> None:
    """Both once, with who did it."""
    last = told(incident())
    taken, noted = action(), action("note", 2)
    decision = decided(incident(), 0.1, last=last, actions=(noted, taken))
    assert isinstance(decision, Tell)
    assert decision.notice.occasion == "acknowledged"
    assert decision.notice.actions == (noted, taken)
    assert decision.notice.incident.acknowledged_by == "ada"
    assert decided(incident(), 0.0, last=last, actions=(noted,)) == Wait(5.0)
    after = TELLER.sent(decision.notice, last, {}, later(3))
    assert decided(incident(), 10.0, last=after, actions=(noted, taken)) == Nothing(Why.TOLD, over=False)


def test_what_is_open_and_nobody_took_is_told_again() -> None:
    """After the time that is set; not what somebody took, nor when it is set to never."""
    last = told(incident())
    assert decided(incident(), 60.0, last=last) == Wait(4 * 3600 - 60)
    decision = decided(incident(), 4 * 3600, last=last)
    assert isinstance(decision, Tell)
    assert decision.notice.occasion == "repeated"
    taken = msgspec.structs.replace(last, actions=["act_1"])
    assert decided(incident(), 1e6, last=taken, actions=(action(),)) == Nothing(Why.TOLD, over=False)
    never = decide(situation(incident(), 1e6, last=last), NotifySettings(repeat_s=0))
    assert never == Nothing(Why.TOLD, over=False)


def test_what_is_over_before_anybody_was_told() -> None:
    """Tells nobody."""
    assert decided(resolved()) == Nothing(Why.NEVER_TOLD, over=True)


def test_who_is_not_meant_is_not_told_and_who_was_told_is_told_on() -> None:
    """Routes decide about the first word."""
    assert decided(incident(), routed=False) == Nothing(Why.NOT_ROUTED, over=False)
    assert decided(resolved(), routed=False) == Nothing(Why.NOT_ROUTED, over=True)
    assert isinstance(decided(resolved(), 1.0, routed=False, last=told(incident())), Tell)


def test_a_silence() -> None:
    """It is written down once per silence; when it ends, what is still open is told."""
    quiet = silence()
    decision = decided(incident(), 0.0, silences=[quiet])
    assert decision == Suppress(quiet, "opened")
    last = TELLER.suppressed(incident(), "opened", None, "s1", later(2))
    assert (last.seq, last.first_at, last.reason) == (0, None, "s1")
    assert decided(incident(2), 10.0, silences=[quiet], last=last) == Wait(588.0)
    longer = silence("s2", 900)
    assert decided(incident(2), 10.0, silences=[quiet, longer], last=last) == Suppress(longer, "opened")
    decision = decided(incident(2), 598.0, silences=[quiet], last=last)
    assert isinstance(decision, Tell)
    assert decision.notice.occasion == "opened"
    assert decided(resolved(2), 598.0, silences=[quiet], last=last) == Nothing(Why.NEVER_TOLD, over=True)
    assert isinstance(decided(incident(), silences=[silence(cluster="users")]), Tell)
    assert isinstance(decided(incident(), now=later(-1), silences=[quiet]), Tell), "it has not begun"


def test_who_was_told_before_a_silence_is_told_of_the_end() -> None:
    """And of nothing else."""
    last = told(incident(severity="warning"))
    assert decided(incident(2), 9.0, last=last, silences=[silence()]) == Suppress(silence(), "escalated")
    decision = decided(resolved(3), 9.0, last=last, silences=[silence()])
    assert isinstance(decision, Tell)
    assert decision.notice.occasion == "resolved"
    assert decision.notice.incident.silenced_by == "s1"


def test_after_the_end_there_is_nothing_more() -> None:
    """Whatever comes."""
    over = TELLER.sent(notice("resolved"), told(incident()), {}, later(301))
    for about in (incident(99), resolved(100)):
        assert decided(about, 1e6, last=over, actions=(action(),)) == Nothing(Why.TOLD, over=True)


def test_what_was_given_up_is_not_tried_again_but_what_follows_is() -> None:
    """A later record, or something that somebody did."""
    last = TELLER.given_up(notice("opened"), None, Reason.REJECTED, later(3))
    assert decided(incident(), 1e6, last=last) == Nothing(Why.GIVEN_UP, over=False)
    for newer, actions in ((incident(2), ()), (incident(), (action(),))):
        decision = decided(newer, 60.0, last=last, actions=actions)
        assert isinstance(decision, Tell)
        assert decision.notice.occasion == "opened"
    assert decided(resolved(), 60.0, last=last) == Nothing(Why.NEVER_TOLD, over=True)
    after = TELLER.given_up(notice("resolved"), told(incident()), Reason.REJECTED, later(301))
    assert decided(resolved(), 400.0, last=after) == Nothing(Why.GIVEN_UP, over=True)


def test_a_first_word_of_which_some_arrived_goes_on() -> None:
    """At once, from the receipt; its end is told also when the rest never came."""
    last = TELLER.partial(notice("opened"), None, {"ts": "1"}, later(2))
    decision = decided(incident(), 0.0, last=last)
    assert isinstance(decision, Tell)
    assert (decision.notice.occasion, decision.notice.receipt) == ("opened", {"ts": "1"})
    assert decision.notice.news == tuple(incident().timeline)
    ended = decided(resolved(), 0.0, last=last)
    assert isinstance(ended, Tell)
    assert ended.notice.occasion == "resolved"


def test_killed_during_the_first_word() -> None:
    """Nobody knows whether it arrived: it is told again, its end too, and a silence does not make that forgotten."""
    last = TELLER.attempted(incident(), "opened", None, later(2))
    assert isinstance(decided(incident(), 0.0, last=last), Tell)
    assert isinstance(decided(resolved(), 0.0, last=last), Tell)
    quiet = TELLER.suppressed(incident(), "opened", last, "s1", later(3))
    assert isinstance(decided(resolved(), 0.0, last=quiet), Tell)


def test_a_part_of_an_update_goes_on() -> None:
    """As what it was, with all its news."""
    before = told(incident(severity="warning"))
    last = TELLER.partial(notice("escalated", incident=incident(2)), before, {"ts": "2"}, later(5))
    decision = decided(incident(2), 3.0, last=last)
    assert isinstance(decision, Tell)
    assert (decision.notice.occasion, decision.notice.receipt) == ("escalated", {"ts": "2"})
    repeated = TELLER.partial(notice("repeated", incident=incident(1)), told(incident()), {}, later(5))
    decision = decided(incident(1), 3.0, last=repeated)
    assert isinstance(decision, Tell)
    assert decision.notice.occasion == "repeated"
