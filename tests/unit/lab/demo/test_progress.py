"""A scenario goes from step to step, keeps the times, and ends where something is missing."""

from hypothesis import given
from hypothesis import strategies as st

from leadline_lab.demo.observed import Observed
from leadline_lab.demo.progress import Met, Missed, Progress
from leadline_lab.demo.scenario import Expectation, Scenario, ScenarioStep


def drafted(text: str, key: str = "") -> Expectation:
    """Met when the draft holds this letter, which stands for anything that can be observed."""
    return Expectation(text, lambda observed: text in observed.draft, key)


def progress_of(*steps: ScenarioStep) -> Progress:
    return Progress(Scenario(name="test", about="", expected_cause="", steps=steps))


def step(*letters: str, within_s: float = 10.0, key: str = "", pause_s: float = 0.0) -> ScenarioStep:
    expectations = tuple(drafted(letter, letter) for letter in letters)
    return ScenarioStep(title="", expect=expectations, within_s=within_s, key=key, pause_s=pause_s)


def test_a_scenario_is_over_when_every_step_was_observed() -> None:
    """Each moment with a key is kept, and gives the time between two."""
    progress = progress_of(step("a", key="injected"), step("b"))
    progress.begin(100.0)
    assert [type(found) for found in progress.evaluate(Observed(draft="a"), 103.0)] == [Met]
    assert (progress.step, progress.over) == (None, False)
    progress.begin(104.0)
    assert list(progress.evaluate(Observed(draft="a"), 105.0)) == []
    (found,) = progress.evaluate(Observed(draft="ab"), 106.5)
    assert isinstance(found, Met)
    assert found.after_s == 2.5
    assert (progress.over, progress.ok, progress.done) == (True, True, 2)
    assert (progress.between("injected", "b"), progress.between("injected", "never")) == (6.5, None)


def test_an_expectation_does_not_count_before_the_ones_that_precede_it() -> None:
    """That everything is healthy again means nothing before the problem was observed."""
    progress = progress_of(step("a", "b"))
    progress.begin(0.0)
    assert list(progress.evaluate(Observed(draft="b"), 1.0)) == []
    assert progress.waits_for == ["a", "b"]
    assert len(list(progress.evaluate(Observed(draft="ba"), 2.0))) == 2


def test_a_missed_expectation_ends_the_scenario() -> None:
    """Everything that was still expected of the step is named, and no further step begins."""
    progress = progress_of(step("a", "b", "c", within_s=5.0), step("d"))
    progress.begin(0.0)
    list(progress.evaluate(Observed(draft="a"), 4.0))
    assert [type(found) for found in progress.evaluate(Observed(draft="a"), 5.1)] == [Missed, Missed]
    assert (progress.over, progress.ok, progress.missing) == (True, False, ["b", "c"])


def test_a_step_does_not_end_while_its_actions_are_performed() -> None:
    """Neither met nor missed."""
    progress = progress_of(step("a", within_s=5.0))
    progress.begin(0.0)
    list(progress.evaluate(Observed(), 6.0, busy=True))
    assert progress.step is not None
    list(progress.evaluate(Observed(draft="a"), 7.0, busy=True))
    assert progress.step is not None
    list(progress.evaluate(Observed(draft="a"), 7.1))
    assert progress.ok


def test_a_step_stays_for_its_pause() -> None:
    """The pause begins with the last observation."""
    progress = progress_of(step("a", pause_s=3.0, within_s=4.0))
    progress.begin(0.0)
    list(progress.evaluate(Observed(draft="a"), 3.5))
    list(progress.evaluate(Observed(draft="a"), 6.0))
    assert progress.step is not None
    list(progress.evaluate(Observed(draft="a"), 6.5))
    assert progress.ok


def test_an_action_that_cannot_be_performed_ends_the_scenario() -> None:
    """With the reason first."""
    progress = progress_of(step("a"))
    progress.begin(0.0)
    progress.fail("no such server")
    assert (progress.over, progress.ok, progress.missing) == (True, False, ["no such server", "a"])


@given(st.lists(st.sampled_from("abcdxyz"), max_size=30))
def test_a_scenario_is_ok_only_when_everything_was_observed_in_its_order(letters: list[str]) -> None:
    """Whatever comes in whatever order, ok means that every expectation was met, one after the other."""
    progress = progress_of(step("a", "b", within_s=1e9), step("c", within_s=1e9), step("d", within_s=1e9))
    observed, now = Observed(), 0.0
    for letter in letters:
        now += 1.0
        observed.draft += letter
        while not progress.over and progress.step is None:
            progress.begin(now)
            list(progress.evaluate(observed, now))
        list(progress.evaluate(observed, now))
    assert progress.ok == (not progress.missing and progress.at.keys() >= set("abcd"))
    moments = [progress.at[key] for key in "abcd" if key in progress.at]
    assert moments == sorted(moments)
    if progress.ok:
        assert set("abcd") <= set(letters)
