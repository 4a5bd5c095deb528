"""Failing on purpose: when it begins and when it ends."""

import pytest

from leadline.errors import UsageError
from leadline_lab.receiver.faults import Fault, Faults, Kind, parse, reply
from tests.unit.sinks import made


def test_the_next_requests() -> None:
    """So many, of this vendor only."""
    faults = Faults()
    faults.set(Fault("slack", Kind.UNAVAILABLE, requests=2), made.START)
    assert faults.next("pagerduty", made.START) is None
    assert [faults.next("slack", made.START) is not None for _ in range(3)] == [True, True, False]


def test_for_a_while() -> None:
    """Until the time is over."""
    faults = Faults()
    faults.set(Fault("slack", Kind.UNAVAILABLE, for_s=10), made.START)
    assert faults.next("slack", made.later(9.9))
    assert faults.next("slack", made.later(10)) is None
    assert faults.next("slack", made.later(5)) is None


def test_until_another_is_set() -> None:
    """Without an end it stays; the last one that was set holds."""
    faults = Faults()
    faults.set(Fault("slack", Kind.UNAVAILABLE), made.START)
    assert faults.next("slack", made.later(10**6))
    faults.set(Fault("slack", Kind.GONE), made.START)
    assert faults.next("slack", made.START) == Fault("slack", Kind.GONE)
    faults.set(Fault("slack", Kind.NONE), made.START)
    assert faults.next("slack", made.START) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("slack:gone", Fault("slack", Kind.GONE)),
        ("slack:half:3", Fault("slack", Kind.HALF, requests=3)),
        ("slack:half:1.5s", Fault("slack", Kind.HALF, for_s=1.5)),
    ],
)
def test_parse(text: str, expected: Fault) -> None:
    """As the command line has it."""
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["slack", "slack:explode", "slack:half:x", "slack:half:xs", ""])
def test_what_is_no_fault(text: str) -> None:
    """The error shows how to write one."""
    with pytest.raises(UsageError, match="VENDOR:KIND"):
        parse(text)


@pytest.mark.parametrize("path", ["/api/chat.postMessage", "/services/T0/B0/x", "/v2/enqueue"])
@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.TIMEOUT, Kind.HALF, Kind.SLOW, Kind.CLOSED, Kind.NONE}))
def test_every_vendor_fails_in_its_way(path: str, kind: Kind) -> None:
    """Each fault with an answer has one, and says on the page that it is meant."""
    answered = reply(Fault("x", kind), path)
    assert answered.body
    assert answered.problem == f"on purpose: {kind}"
