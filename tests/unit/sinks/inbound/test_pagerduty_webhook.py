"""Webhooks of PagerDuty: signed events, of which those of people count."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.action import Action
from leadline.model.ids import IncidentId
from leadline.settings.inbound import InboundSettings
from leadline_lab.receiver import pagerduty_webhook as stand_in
from leadline_lab.receiver.exchange import Event
from leadline_sinks.inbound.pagerduty_webhook import MOST_KEYS, IncidentKeys, action, is_signed, lacks_key
from leadline_sinks.inbound.person_action import answer
from leadline_sinks.notify.acknowledgements import covering
from leadline_sinks.notify.context import KnownIncident
from leadline_sinks.pagerduty.event import dedup_key
from tests.unit.sinks import made

SECRET = "secret of the subscription"
INCIDENT = made.incident().incident_id
HAND = "acknowledged by hand"


def event(kind: str = HAND, key: str = INCIDENT, by: str | None = "Ada", named: str | None = None, **more: str) -> Any:
    """The payload of a webhook."""
    payload = {"by": by, **more} if by is not None else {}
    body = stand_in.body(Event(made.later(7), "pagerduty", kind, key, payload), ("Grace",), named)
    return orjson.loads(body or b"null")


def test_a_signature() -> None:
    """One of several is enough, while the secret is replaced; a changed body or another secret is refused. A header
    with two signatures was taken for one, and every event of those days was lost (superplanehq/superplane pull request
    6494)."""
    body = orjson.dumps(event())
    header = stand_in.headers(body, SECRET)["x-pagerduty-signature"]
    assert is_signed(header, body, [SECRET])
    assert not is_signed(header, body + b" ", [SECRET])
    assert not is_signed(header, body, ["another"])
    assert is_signed(f"v1={'0' * 64},{header}", body, ["a new one", SECRET])
    assert not is_signed("", body, [SECRET])
    assert not is_signed(header, body, [])
    assert not is_signed("v1=ü,,v0=", body, [SECRET])


def test_the_body_is_signed_as_it_comes() -> None:
    """Names of people are Unicode; a body that was decoded and written anew has another signature
    (PagerDuty/developer-docs pull request 101)."""
    body = orjson.dumps(event(by="Žofie 🐘"))
    header = stand_in.headers(body, SECRET)["x-pagerduty-signature"]
    assert is_signed(header, body, [SECRET])
    assert not is_signed(header, json.dumps(orjson.loads(body)).encode(), [SECRET])


@pytest.mark.parametrize("key", [None, ""])
def test_an_incident_that_names_no_alert(key: str | None) -> None:
    """Some incidents have no key (PagerDuty/pdpyras issue 44): nothing is acknowledged by a guess, and the process log
    says why."""
    payload = event()
    payload["event"]["data"] |= {"type": "incident", "incident_key": key}
    assert lacks_key(payload)
    found = action(payload, [INCIDENT], made.START)
    assert found is None or found.incident_id != INCIDENT
    assert not lacks_key(event())
    ping = {"id": "x", "event_type": "pagey.ping", "data": {"type": "ping", "message": "Hello from your friend Pagey!"}}
    assert not lacks_key({"event": ping})


def test_an_acknowledgement() -> None:
    """By a person, of the generation that the alert is for; sent again, it is the same."""
    found = action(event(key=f"{INCIDENT}#3"), [INCIDENT], made.later(60))
    assert found is not None
    assert (found.kind, found.incident_id, found.generation, found.person) == ("acknowledge", INCIDENT, 3, "Ada")
    assert found.at == made.later(7)
    assert action(event(key=f"{INCIDENT}#3"), [INCIDENT], made.later(90)) == found


def test_our_own_events_do_not_come_back() -> None:
    """An acknowledgement or resolution that we sent is one of an integration: it would go round in circles."""
    for kind in ("acknowledge", "resolve"):
        assert action(event(kind, by=None), [INCIDENT], made.START) is None


@pytest.mark.parametrize(
    ("kind", "named", "words"),
    [
        ("resolved by hand", None, "resolved in PagerDuty; the incident is open"),
        ("x", "incident.reassigned", "reassigned in PagerDuty to Grace"),
        ("x", "incident.unacknowledged", "the acknowledgement in PagerDuty has ended"),
        ("x", "incident.escalated", "escalated in PagerDuty to Grace"),
    ],
)
def test_notes(kind: str, named: str | None, words: str) -> None:
    """The other changes in PagerDuty are in the timeline; none of them ends the incident."""
    found = action(event(kind, named=named), [INCIDENT], made.START)
    assert found is not None
    assert found.kind == "note"
    assert found.text.startswith(words)


def test_an_acknowledgement_that_ends_by_itself() -> None:
    """It has no person."""
    found = action(event("x", by=None, named="incident.unacknowledged"), [INCIDENT], made.START)
    assert found is not None
    assert (found.person_id, found.person) == ("", "PagerDuty")


def test_a_key_that_was_shortened() -> None:
    """It is found among the incidents that there are."""
    long = IncidentId("inc_" + "x" * 400)
    found = action(event(key=dedup_key(long, 2)), [INCIDENT, long], made.START)
    assert found is not None
    assert (found.incident_id, found.generation) == (long, 2)


def test_a_note_in_pagerduty() -> None:
    """Its event names PagerDuty's incident and not its key, which other events of the incident have."""
    keys = IncidentKeys()
    note = event("x", named="incident.annotated", content="the replica is being rebuilt")
    assert action(keys.with_key(note), [INCIDENT], made.START) is None
    assert lacks_key(keys.with_key(note))
    keys.observe(event("trigger", by=None))
    found = action(keys.with_key(note), [INCIDENT], made.START)
    assert found is not None
    assert (found.kind, found.incident_id, found.person) == ("note", INCIDENT, "Ada")
    assert found.text == "in PagerDuty: the replica is being rebuilt"
    by_program = {**note["event"], "agent": {"type": "app_reference", "id": "PAPP"}}
    assert action(keys.with_key({"event": by_program}), [INCIDENT], made.START) is None


def test_keys_are_bounded() -> None:
    """The oldest are forgotten."""
    keys = IncidentKeys()
    for number in range(MOST_KEYS + 1):
        keys.observe({"event": {"data": {"id": f"Q{number}", "incident_key": f"inc_{number}"}}})
    gone, kept = ({"event_type": "incident.annotated", "data": {"incident": {"id": f"Q{each}"}}} for each in (0, 1))
    assert lacks_key(keys.with_key({"event": {**gone, "data": {"type": "incident_note", **gone["data"]}}}))
    assert keys.with_key({"event": kept})["event"]["data"]["incident_key"] == "inc_1"


STORY = [
    event("trigger", by=None),
    event(),
    event("acknowledge", by=None),
    event("x", by=None, named="incident.unacknowledged"),
    event("x", named="incident.reassigned"),
    event(by="Grace", key=f"{INCIDENT}#2"),
    event("resolved by hand", by="Grace"),
    event("x", by="Grace", named="incident.annotated", content="done"),
]


def taken(events: list[Any]) -> list[Action]:
    """The records of events, taken one after another as they come."""
    keys, found = IncidentKeys(), list[Action]()
    keys.observe(STORY[0])
    for each in events:
        keys.observe(each)
        given = action(keys.with_key(each), [INCIDENT], made.later(60))
        if given is not None:
            known = KnownIncident(seq=3, generation=2, state="open", merged_into=None)
            records = answer(given, known, found, InboundSettings(), made.later(60)).records
            found += [each for each in records if isinstance(each, Action)]
    return sorted(found, key=lambda each: each.action_id)


@given(order=st.permutations([*STORY, *STORY]))
def test_events_in_any_order_and_twice(order: list[Any]) -> None:
    """PagerDuty promises neither order nor that an event comes once. Each of our records states one fact and takes none
    back, so none comes too late: elsewhere a late event undid a newer one (getsentry/sentry pull request 121084).
    """
    found = taken(order)
    assert found == taken(STORY)
    assert [each.kind for each in found].count("acknowledge") == 2
    assert [covering(found, None, generation) for generation in (1, 2)] != [None, None]


@pytest.mark.parametrize("payload", [None, [], {}, {"event": 1}, {"event": {"id": "x", "event_type": "pagey.ping"}}])
def test_what_is_no_action(payload: Any) -> None:
    """It is taken, and nothing is done; so is the ping by which a subscription is tried."""
    assert action(payload, [INCIDENT], made.START) is None


@given(
    data=st.dictionaries(st.sampled_from(["incident_key", "assignees", "x"]), st.text() | st.lists(st.integers())),
    more=st.dictionaries(st.sampled_from(["agent", "occurred_at", "id", "event_type"]), st.text() | st.integers()),
)
def test_any_event(data: Any, more: Any) -> None:
    """No content raises an error."""
    action({"event": {"id": "x", "event_type": "incident.reassigned", "data": data, **more}}, [INCIDENT], made.START)
