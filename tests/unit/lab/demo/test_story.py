"""A story goes from step to step, keeps the times, and ends where something is missing."""

from hypothesis import given
from hypothesis import strategies as st

from leadline_lab.demo.observed import Seen
from leadline_lab.demo.progress import Missed, Saw, Story
from leadline_lab.demo.scenario import Expectation, Scenario, Step


def drafted(text: str, key: str = "") -> Expectation:
    """Met when the draft holds this letter: as good as anything that can be seen."""
    return Expectation(text, lambda seen: text in seen.draft, key)


def story(*steps: Step) -> Story:
    return Story(Scenario(name="test", about="", expected_cause="", steps=steps))


def step(*letters: str, within_s: float = 10.0, key: str = "", rest_s: float = 0.0) -> Step:
    return Step(
        title="", expect=tuple(drafted(letter, letter) for letter in letters), within_s=within_s, key=key, rest_s=rest_s
    )


def test_a_story_is_over_when_every_step_was_seen() -> None:
    """Each moment with a key is kept, and the time between two can be asked for."""
    play = story(step("a", key="injected"), step("b"))
    play.begin(100.0)
    assert [type(found) for found in play.look(Seen(draft="a"), 103.0)] == [Saw]
    assert (play.step, play.over) == (None, False)
    play.begin(104.0)
    assert list(play.look(Seen(draft="a"), 105.0)) == []
    (found,) = play.look(Seen(draft="ab"), 106.5)
    assert isinstance(found, Saw)
    assert found.after_s == 2.5
    assert (play.over, play.ok, play.done) == (True, True, 2)
    assert (play.between("injected", "b"), play.between("injected", "never")) == (6.5, None)


def test_what_is_expected_later_does_not_count_before() -> None:
    """That all is well again means nothing before the trouble was seen."""
    play = story(step("a", "b"))
    play.begin(0.0)
    assert list(play.look(Seen(draft="b"), 1.0)) == []
    assert play.waits_for == ["a", "b"]
    assert len(list(play.look(Seen(draft="ba"), 2.0))) == 2


def test_what_is_missed_ends_the_story() -> None:
    """Everything that was still expected of the step is named, and no further step begins."""
    play = story(step("a", "b", "c", within_s=5.0), step("d"))
    play.begin(0.0)
    list(play.look(Seen(draft="a"), 4.0))
    assert [type(found) for found in play.look(Seen(draft="a"), 5.1)] == [Missed, Missed]
    assert (play.over, play.ok, play.missing) == (True, False, ["b", "c"])


def test_a_step_does_not_end_while_its_deeds_are_done() -> None:
    """Neither well nor badly."""
    play = story(step("a", within_s=5.0))
    play.begin(0.0)
    list(play.look(Seen(), 6.0, doing=True))
    assert play.step is not None
    list(play.look(Seen(draft="a"), 7.0, doing=True))
    assert play.step is not None
    list(play.look(Seen(draft="a"), 7.1))
    assert play.ok


def test_a_step_is_left_standing() -> None:
    """For as long as it says, after the last was seen."""
    play = story(step("a", rest_s=3.0, within_s=4.0))
    play.begin(0.0)
    list(play.look(Seen(draft="a"), 3.5))
    list(play.look(Seen(draft="a"), 6.0))
    assert play.step is not None
    list(play.look(Seen(draft="a"), 6.5))
    assert play.ok


def test_a_deed_that_cannot_be_done_ends_the_story() -> None:
    """With the reason first."""
    play = story(step("a"))
    play.begin(0.0)
    play.fail("no such server")
    assert (play.over, play.ok, play.missing) == (True, False, ["no such server", "a"])


@given(st.lists(st.sampled_from("abcdxyz"), max_size=30))
def test_a_story_is_ok_only_when_all_was_seen_in_its_order(letters: list[str]) -> None:
    """Whatever comes in whatever order, ok means that every expectation was met, one after the other."""
    play = story(step("a", "b", within_s=1e9), step("c", within_s=1e9), step("d", within_s=1e9))
    seen, now = Seen(), 0.0
    for letter in letters:
        now += 1.0
        seen.draft += letter
        while not play.over and play.step is None:
            play.begin(now)
            list(play.look(seen, now))
        list(play.look(seen, now))
    assert play.ok == (not play.missing and play.at.keys() >= set("abcd"))
    moments = [play.at[key] for key in "abcd" if key in play.at]
    assert moments == sorted(moments)
    if play.ok:
        assert set("abcd") <= set(letters)
