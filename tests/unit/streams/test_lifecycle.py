"""The lifecycle of an alert: every step is legal, due times are exact, missing data neither starts nor ends it."""

from math import isnan, nan

from hypothesis import given
from hypothesis import strategies as st

from leadline.model.alert import Subject
from leadline.model.ids import AlertId, NodeName
from leadline_streams.judge import lifecycle
from leadline_streams.judge.lifecycle import LifecycleStep
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.problem_state import AlertState

GRACE_S = 3.0
LIMITS = Limits(warning=10.0, critical=100.0, for_s=5.0, keep_s=7.0)
EDGES = {
    ("ok", "pending"),
    ("ok", "firing"),
    ("pending", "ok"),
    ("pending", "firing"),
    ("firing", "firing"),
    ("firing", "unknown"),
    ("firing", "resolved"),
    ("unknown", "firing"),
}


class Timeline:
    """One alert, driven as the cluster drives it: due steps are taken before each measurement."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.alert: AlertState | None = None
        self.steps: list[LifecycleStep] = []

    def measure(self, now: float, value: float | None) -> None:
        """Let time pass to ``now``, then take a value; nan is missing data, None is all well."""
        self.pass_time(now)
        if self.alert is None:
            severity = self.limits.severity(value) if value is not None and not isnan(value) else None
            if severity is None:
                return
            subject = Subject(kind="node", id="c/n")
            self.alert = AlertState(AlertId("a"), "r", subject, NodeName("n"), "ok", severity, now, None)
            self._done(lifecycle.open_pending(self.alert, self.limits, now))
        elif value is not None and isnan(value):
            self._done(lifecycle.lost(self.alert, now))
        else:
            self._done(lifecycle.measured(self.alert, self.limits, value, now))

    def pass_time(self, now: float) -> None:
        """Take the steps that become due without a measurement."""
        while self.alert is not None:
            when = lifecycle.next_due(self.alert, self.limits, GRACE_S)
            if when is None or when > now:
                return
            step = lifecycle.due(self.alert, self.limits, GRACE_S)
            assert step is not None
            assert step.at == when
            self._done([step])

    def _done(self, steps: list[LifecycleStep]) -> None:
        self.steps += steps
        if self.alert is not None and self.alert.state in ("ok", "resolved"):
            self.alert = None


def steps(*readings: tuple[float, float | None], limits: Limits = LIMITS) -> list[tuple[str, str, str, float]]:
    """The steps that readings (time, value) lead to."""
    timeline = Timeline(limits)
    for now, value in readings:
        timeline.measure(now, value)
    return [(step.from_, step.to, step.reason, step.at) for step in timeline.steps]


def test_fires_when_the_breach_has_lasted_and_resolves_when_clear_has() -> None:
    """Each step carries the time at which it became due, not when it was noticed."""
    assert steps((0, 20), (9, 20), (10, 0), (60, 0)) == [
        ("ok", "pending", "breach", 0),
        ("pending", "firing", "breach", 5.0),
        ("firing", "resolved", "clear", 17.0),
    ]


def test_no_duration_fires_at_once() -> None:
    """``for`` of zero skips pending."""
    assert steps((3, 20), limits=Limits(warning=10.0, for_s=0.0)) == [("ok", "firing", "breach", 3)]


def test_one_good_reading_does_not_restart_the_wait() -> None:
    """A breach that flaps faster than the grace still fires on time."""
    readings = [(float(second), 0.0 if second % 3 == 2 else 20.0) for second in range(8)]
    assert steps(*readings)[1] == ("pending", "firing", "breach", 5.0)


def test_a_short_breach_is_dropped() -> None:
    """Clear for the grace before it was due."""
    assert steps((0, 20), (1, 0), (20, 0)) == [("ok", "pending", "breach", 0), ("pending", "ok", "clear", 4.0)]


def test_between_the_level_and_its_clear_level_nothing_moves() -> None:
    """Hysteresis: 9 is neither a breach of 10 nor clear of it."""
    assert steps((0, 20), (6, 20), (7, 9), (90, 9))[-1][1] == "firing"


def test_severity_rises_at_once_and_falls_after_keep() -> None:
    """One identity, two severities."""
    assert steps((0, 20), (6, 20), (7, 200), (8, 20), (14.9, 20), (15, 20))[2:] == [
        ("firing", "firing", "escalate", 7),
        ("firing", "firing", "deescalate", 15),
    ]


def test_missing_data_is_unknown_and_back() -> None:
    """Unknown keeps the alert; clearing starts when data is back."""
    assert steps((0, 20), (6, 20), (7, nan), (60, 0), (66, 0), (67, 0))[2:] == [
        ("firing", "unknown", "no_data", 7),
        ("unknown", "firing", "data_back", 60),
        ("firing", "resolved", "clear", 67.0),
    ]


def test_pending_waits_anew_for_data() -> None:
    """An alert that was pending when data went missing needs its full duration again."""
    assert steps((0, 20), (3, nan), (30, 20), (34, 20), (35, 20))[1:] == [("pending", "firing", "breach", 35.0)]


def test_low_is_bad_works_the_other_way_round() -> None:
    """A forecast breaches below its level and clears above it."""
    limits = Limits(warning=100.0, for_s=5.0, keep_s=5.0, low_is_bad=True)
    found = steps((0, 50), (5, 50), (6, 110), (7, 130), (20, 130), limits=limits)
    assert found[1:] == [("pending", "firing", "breach", 5.0), ("firing", "resolved", "clear", 12.0)]


READINGS = st.lists(
    st.tuples(st.sampled_from([0.5, 1.0, 2.0, 6.0]), st.sampled_from([None, 0.0, 9.0, 20.0, 200.0, nan])), max_size=60
)


@given(READINGS)
def test_every_timeline_is_legal(readings: list[tuple[float, float | None]]) -> None:
    """Steps join up, times never go back, only known edges, missing data never clears."""
    timeline, now, data = Timeline(LIMITS), 0.0, True
    for gap, value in readings:
        now += gap
        before = len(timeline.steps)
        timeline.measure(now, value)
        missing = value is not None and isnan(value)
        if missing and not data:
            assert all(step.to not in ("resolved", "ok") for step in timeline.steps[before:])
        data = not missing
    state, at = "ok", 0.0
    for step in timeline.steps:
        assert (step.from_, step.to) in EDGES
        assert step.from_ == state
        assert step.at >= at
        state, at = ("ok" if step.to == "resolved" else step.to), step.at


@given(READINGS)
def test_firing_means_that_the_breach_lasted(readings: list[tuple[float, float | None]]) -> None:
    """From the first breach of a period to firing at least ``for`` passed."""
    timeline, now = Timeline(LIMITS), 0.0
    for gap, value in readings:
        now += gap
        timeline.measure(now, value)
    since = 0.0
    for step in timeline.steps:
        if step.to == "pending":
            since = step.at
        elif step.from_ == "pending" and step.to == "firing":
            assert step.at - since >= LIMITS.for_s
