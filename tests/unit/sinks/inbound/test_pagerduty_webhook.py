"""Webhooks of PagerDuty: signed events, of which those of people count."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.ids import IncidentId
from leadline_lab.receiver import pagerduty_webhook as stand_in
from leadline_lab.receiver.exchange import Event
from leadline_sinks.inbound.pagerduty_webhook import action, is_signed, lacks_key
from leadline_sinks.pagerduty.event import dedup_key
from tests.unit.sinks import made

SECRET = "secret of the subscription"
INCIDENT = made.incident().incident_id
HAND = "acknowledged by hand"


def event(kind: str = HAND, key: str = INCIDENT, by: str | None = "Ada", named: str | None = None) -> Any:
    """The payload of a webhook."""
    payload = {"by": by} if by is not None else {}
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
