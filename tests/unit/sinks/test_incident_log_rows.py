"""Records of Kafka as rows of the incident log."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.action import Action
from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.wire import CODECS
from leadline_sinks.incident_log.rows import exact, row, visible
from tests.unit.sinks import made
from tests.unit.sinks.log_made import delivery, topic_record, transition
from tests.unit.strategies import values


@pytest.mark.parametrize(
    ("value", "kind", "what"),
    [
        (
            transition(),
            "transition",
            "replication_lag pending → firing: pg-2 is 42 s behind pg-1 and not catching up",
        ),
        (made.incident(), "incident", "open, critical: orders: replay on pg-2 is blocked by a query; since 10:00 UTC"),
        (made.action(), "acknowledgement", "acknowledge"),
        (made.action("note"), "note", "looking at it"),
        (delivery(), "notification", "slack: opened sent"),
        (delivery(outcome="partial"), "notification", "slack: opened partial"),
        (delivery(outcome="given_up", reason="rejected"), "notification", "slack: opened given_up (rejected)"),
        (delivery(outcome="suppressed", reason="s_1"), "suppression", "slack: opened suppressed (s_1)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_record_has_its_kind(value: Any, kind: str, what: str) -> None:
    """A record of each of the four topics is a row of its kind, with one line of text."""
    stored = row(topic_record(value))
    assert (stored.kind, stored.what) == (kind, what)


@given(st.one_of(values(Transition), values(Incident), values(Action), values(Delivery)))
def test_nothing_is_lost(value: Any) -> None:
    """PostgreSQL can store the columns of any record, and the record is decoded to the same value."""
    stored = row(topic_record(value))
    for text in (
        stored.event_id,
        stored.incident_id,
        stored.alert_id,
        stored.cluster,
        stored.who,
        stored.what,
        stored.source,
    ):
        assert text is None or "\0" not in text
    assert stored.what.isprintable()
    codec = CODECS[topic_record(value).topic]
    assert stored.record.isascii()
    assert codec.decode(stored.record.encode()) == value


def test_text_that_is_not_unicode() -> None:
    """NUL characters and lone surrogates are escapes, in the columns and in the record."""
    assert visible("a\0b\ud800c\u202e𝔸") == "a\\x00b\\ud800c\u202e𝔸"
    noted = msgspec.structs.replace(made.action("note"), by="a\ud800\0")
    assert (row(topic_record(noted)).who, '"by":"a\\ud800\\u0000"' in exact(noted)) == ("a\\ud800\\x00", True)


def test_the_same_value_has_the_same_record() -> None:
    """The order of labels does not matter."""
    one, other = made.incident(labels={"a": "1", "b": "2"}), made.incident(labels={"b": "2", "a": "1"})
    assert exact(one) == exact(other)
