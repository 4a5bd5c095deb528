"""The records of an action at a vendor, and the answer to the person."""

from datetime import timedelta
from typing import Any

import pytest

from leadline.model.action import Action
from leadline.model.ids import IncidentId
from leadline.model.silence import Silence
from leadline.settings.inbound import InboundSettings
from leadline_sinks.inbound.person_action import Answer, PersonAction, answer
from leadline_sinks.notify.context import KnownIncident
from tests.unit.sinks import made

INCIDENT = made.incident().incident_id
OPEN = KnownIncident(seq=3, generation=2, state="open", merged_into=None)
NOW = made.later(60)


def pressed(kind: Any = "acknowledge", **changes: Any) -> PersonAction:
    given: dict[str, Any] = {
        "kind": kind,
        "incident_id": INCIDENT,
        "vendor": "Slack",
        "ident": "T0 U1 1",
        "person_id": "U1",
        "person": "ada",
        "at": made.later(59),
        "generation": 2,
    }
    return PersonAction(**given | changes)


def answered(given: PersonAction, known: KnownIncident | None = OPEN, *actions: Action, **settings: Any) -> Answer:
    return answer(given, known, actions, InboundSettings(**settings), NOW)


def test_an_acknowledgement() -> None:
    """It covers what the person saw; a vendor that delivers it again makes the same record."""
    (action,) = answered(pressed()).records
    assert isinstance(action, Action)
    assert (action.kind, action.by, action.generation, action.at) == ("acknowledge", "ada", 2, made.later(59))
    assert answered(pressed()).records == (action,)
    assert answered(pressed(ident="T0 U1 2")).records != (action,)
    assert answered(pressed(), OPEN, action).records == ()


def test_an_acknowledgement_of_what_is_older() -> None:
    """A message that was not yet updated: it covers the generation that it showed, and no later one."""
    (action,) = answered(pressed(generation=1)).records
    assert isinstance(action, Action)
    assert action.generation == 1
    (action,) = answered(pressed(generation=9)).records
    assert isinstance(action, Action)
    assert action.generation == 2, "none that there is not yet"


def test_a_silence() -> None:
    """Of this incident, for an hour from the press; the same one, however often it is delivered."""
    found = answered(pressed("silence"))
    (silence,) = found.records
    assert isinstance(silence, Silence)
    assert silence.matchers == {"incident": INCIDENT}
    assert silence.ends_at - silence.starts_at == timedelta(hours=1)
    assert silence.starts_at == made.later(59)
    assert answered(pressed("silence")).records == (silence,)
    assert "silenced until 11:01 UTC" in found.text


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (None, "has no incident"),
        (KnownIncident(9, 2, "resolved", None), "is resolved already"),
        (KnownIncident(9, 2, "resolved", IncidentId("inc_older")), "it is part of inc_older"),
    ],
)
def test_what_changes_nothing(known: KnownIncident | None, words: str) -> None:
    """The person learns why, and no record is written."""
    for kind in ("acknowledge", "silence"):
        found = answered(pressed(kind), known)
        assert found.records == ()
        assert words in found.text


def test_who_has_acknowledged_before() -> None:
    """The same person changes nothing; another one is recorded, and learns of the first."""
    mine = made.action(by="ada", generation=2)
    assert answered(pressed(), OPEN, mine) == Answer((), f"{INCIDENT} is acknowledged already by you.")
    hers = made.action(by="grace", generation=2)
    found = answered(pressed(), OPEN, hers)
    assert len(found.records) == 1
    assert "grace had acknowledged it before" in found.text
    lapsed = made.action(by="ada", generation=1)
    assert len(answered(pressed(), OPEN, lapsed).records) == 1, "it covered an earlier generation"


def test_names_of_people() -> None:
    """Those of the settings; others are refused kindly where only these may act."""
    (action,) = answered(pressed(), people={"U1": "Ada Lovelace"}).records
    assert isinstance(action, Action)
    assert action.by == "Ada Lovelace"
    refused = answered(pressed(person_id="U2"), people={"U1": "ada"}, only_people=True)
    assert refused.records == ()
    assert "does not know you (U2)" in refused.text


def test_somebody_in_pagerduty_who_may_not_act_here() -> None:
    """It cannot be prevented there, where nobody else is paged any more. So it is a note: others must not believe that
    somebody they know takes care, nor that nobody has looked.
    """
    given = pressed(vendor="PagerDuty", ident="01E", person_id="PEVE", person="Eve", text="in PagerDuty")
    alone = {"people": {"U1": "ada"}, "only_people": True}
    (note,) = answered(given, **alone).records
    assert isinstance(note, Action)
    assert (note.kind, note.by, note.generation) == ("note", "PagerDuty", None)
    assert note.text == "acknowledged in PagerDuty, by Eve (PEVE), who is not in inbound.people, not here"
    assert answered(given, OPEN, note, **alone).records == ()
    (note,) = answered(pressed("note", vendor="PagerDuty", person_id="PEVE", text="resolved there"), **alone).records
    assert isinstance(note, Action)
    assert note.text == "resolved there, by ada (PEVE), who is not in inbound.people"


def test_a_clock_that_is_ahead() -> None:
    """An action is not in the future."""
    (action,) = answered(pressed(at=made.later(900))).records
    assert isinstance(action, Action)
    assert action.at == NOW
