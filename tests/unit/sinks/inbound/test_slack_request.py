"""Requests of Slack: signatures that hold now and once, and buttons of ours only."""

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.clock import moment
from leadline.errors import UsageError
from leadline_lab.receiver import pressed as stand_in
from leadline_lab.receiver.exchange import Event
from leadline_sinks.inbound.slack_request import TOLERANCE_S, Signatures, form, pressed
from leadline_sinks.slack.buttons import ACKNOWLEDGE, buttons
from tests.unit.sinks import made

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
USER = ("U012AB3CD", "ada")
RESPOND = "https://hooks.slack.com/actions/T0/1/x"


def shown(**changes: Any) -> list[Event]:
    """A message with the buttons of an incident, as the stand-in has it."""
    content = {"ts": "1.000001", "channel": "C0DBA1234", "name": "#dba", "blocks": [buttons(made.incident(**changes))]}
    return [Event(made.START, "slack", "post", "1.000001", content)]


def press(button: str = "Acknowledge") -> dict[str, Any]:
    return stand_in.payload(shown(generation=2), button, USER, made.later(5), RESPOND)


def test_the_signature_of_slacks_own_page() -> None:
    """The example of docs.slack.dev, with its secret."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=fo"
        b"obar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks."
        b"slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.474456291"
        b"21.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    assert Signatures().problem(headers, body, [SECRET], moment(1531420618.0)) is None


def test_a_signature_holds_for_five_minutes_and_once() -> None:
    """Both clocks may differ by that much, and the reason names this host's: one that had stood still since the year
    before refused every request (slackapi/bolt-python issue 195, slackapi/bolt-js issue 1502). A request that is sent
    again is refused (uhavin/slackers issue 3)."""
    body, headers = stand_in.request(press(), SECRET, made.START)
    for seconds in (-TOLERANCE_S + 1, TOLERANCE_S - 1):
        assert Signatures().problem(headers, body, [SECRET], made.later(seconds)) is None
    for seconds in (-TOLERANCE_S - 1, TOLERANCE_S + 1):
        assert "the timestamp" in str(Signatures().problem(headers, body, [SECRET], made.later(seconds)))
    signatures = Signatures()
    assert signatures.problem(headers, body, [SECRET], made.START) is None
    assert signatures.problem(headers, body, [SECRET], made.later(200)) == "the request was used before"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=ü"},
        {"x-slack-request-timestamp": "٣"},
        {"x-slack-request-timestamp": "9" * 400},
        {"x-slack-request-timestamp": ""},
    ],
)
def test_a_request_that_is_not_slacks(wrong: dict[str, str]) -> None:
    """Whatever is in the headers, there is a reason: one that is no ASCII was an error of the server elsewhere
    (PostHog/posthog pull request 103577)."""
    body, headers = stand_in.request(press(), SECRET, made.START)
    given = headers | wrong if wrong else headers
    secret = SECRET if wrong else "another secret"
    assert Signatures().problem(given, body, [secret], made.START)
    assert Signatures().problem(headers, body + b"x", [SECRET], made.START)


def test_two_secrets_while_one_is_replaced() -> None:
    """A request that is signed with either is taken, so nobody's button fails in between (sandbaseai/sandbase-harness
    issue 325, resend/resend-openapi pull request 113)."""
    for secret in ("the new one", SECRET):
        body, headers = stand_in.request(press(), secret, made.START)
        assert Signatures().problem(headers, body, ["the new one", SECRET], made.START) is None
        assert Signatures().problem(headers, body, ["another", "neither"], made.START)
        assert Signatures().problem(headers, body, [], made.START)


def test_a_press() -> None:
    """The stand-in makes it of what Slack documents."""
    body, _ = stand_in.request(press(), SECRET, made.START)
    found = pressed(form(body), made.START)
    assert found is not None
    given, url = found
    assert (given.kind, given.person_id, given.person, given.generation) == ("acknowledge", *USER, 2)
    assert given.incident_id == made.incident().incident_id
    assert given.at == made.later(5)
    assert url == RESPOND
    silence = pressed(press("Silence 1 h"), made.START)
    assert silence is not None
    assert silence[0].kind == "silence"
    assert silence[0].ident != given.ident


def test_buttons_that_are_shown() -> None:
    """Those that would change something."""
    assert buttons(made.resolved()) is None
    assert buttons(made.incident(acknowledged_by="ada", silenced_by="s")) is None
    with pytest.raises(UsageError, match="no message has a button 'Acknowledge'"):
        stand_in.payload(shown(acknowledged_by="ada"), "Acknowledge", USER, made.START, RESPOND)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "view_submission"},
        {"actions": []},
        {"actions": [{"action_id": "other", "value": "x", "action_ts": "1"}]},
        {"actions": [{"action_id": ACKNOWLEDGE, "value": "not JSON", "action_ts": "1"}]},
        {"actions": [{"action_id": ACKNOWLEDGE, "value": '{"incident": "", "generation": 1}', "action_ts": "1"}]},
        {"user": None},
    ],
)
def test_what_is_no_button_of_ours(change: dict[str, Any]) -> None:
    """It is taken, and nothing is done."""
    assert pressed(press() | change, made.START) is None


LEAVES = st.none() | st.text() | st.integers(-1000, 1000)


@given(payload=st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_payload(payload: Any) -> None:
    """No content raises an error."""
    pressed(payload, made.START)
    form(urlencode({"payload": orjson.dumps(payload).decode()}).encode())


@given(body=st.binary(max_size=200))
def test_any_body(body: bytes) -> None:
    """A form, or nothing."""
    form(body)
