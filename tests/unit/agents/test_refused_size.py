"""A size that Kafka refused once is not given up for ever."""

from leadline.clock import ManualClock
from leadline_agents.refused_size import TRIED_AGAIN_MOST_S, TRIED_AGAIN_S, RefusedSize


def test_the_smallest_counts_until_it_is_tried_again() -> None:
    """max.message.bytes of a topic may be raised at any time; nobody restarts the agents for it."""
    clock = ManualClock()
    refused = RefusedSize(clock)
    assert refused.bytes == 0
    for size in (3000, 2000, 2500):
        refused.note(size)
    assert refused.bytes == 2000
    clock.advance(TRIED_AGAIN_S - 1)
    assert refused.bytes == 2000
    clock.advance(1)
    assert refused.bytes == 0


def test_what_is_refused_again_and_again_is_tried_ever_less_often() -> None:
    """Each attempt costs a look. At most once a day in the end."""
    clock, tried = ManualClock(), 0
    refused = RefusedSize(clock)
    for _ in range(int(10 * 86_400 / 300)):
        if not refused.bytes:
            refused.note(2000)
            tried += 1
        clock.advance(300)
    assert 10 <= tried <= 20
    assert refused.bytes
    clock.advance(TRIED_AGAIN_MOST_S)
    assert refused.bytes == 0


def test_a_size_that_was_taken_meanwhile_is_tried_soon_again() -> None:
    clock = ManualClock()
    refused = RefusedSize(clock)
    for _ in range(4):
        refused.note(2000)
        clock.advance(30 * 86_400)
    refused.note(2000)
    clock.advance(TRIED_AGAIN_S)
    assert refused.bytes == 0
