"""What a courier does with one target, in the order in which it happens."""

from collections.abc import Callable
from datetime import timedelta
from math import inf
from typing import Any

import msgspec
import pytest

from leadline import metrics
from leadline.clock import ManualClock
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.settings.sink import ConsoleSettings, NotifySettings, SinkSettings
from leadline_sinks.notify.context import Known
from leadline_sinks.notify.notifier import Courier
from leadline_sinks.notify.sink import GiveUp, Notice, Outcome, Rate, Reason, Retry, Sent
from tests.unit.sinks import made

TARGET = "console"
Answer = Callable[[Notice], Outcome]


def taken(notice: Notice) -> Outcome:
    return Sent({"ts": "1"})


def failing(reason: Reason, **more: Any) -> Answer:
    return lambda notice: Retry(reason, "no", **more)


class Target:
    kind = "fake"

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.answer: Answer = taken
        self.asked: list[Notice] = []
        self.told: list[tuple[str, str]] = []

    async def deliver(self, notice: Notice) -> Outcome:
        self.asked.append(notice)
        outcome = self.answer(notice)
        if isinstance(outcome, Sent):
            self.told.append((notice.incident.cluster, notice.occasion))
        return outcome

    async def test(self) -> Outcome:
        raise AssertionError("a courier only delivers")

    async def close(self) -> None:
        raise AssertionError("a courier only delivers")


class Play:
    """A courier, its target, and what it wrote to Kafka."""

    def __init__(self, rate: Rate = Rate(1000.0, 1000), **notify: Any) -> None:  # noqa: B008 - a constant
        self.clock = ManualClock(made.later(2))
        self.target = Target(rate)
        self.deliveries: list[Delivery] = []
        self.troubles: list[Incident] = []
        self.settings = SinkSettings(console=ConsoleSettings(enabled=True), notify=NotifySettings(**notify))
        self.known = Known([TARGET])
        self.offset = 0
        self.restart()

    def restart(self) -> None:
        self.courier = Courier(TARGET, self.target, self.settings, self.known, self.write, self.clock, lambda: 0.9)

    async def write(self, value: Delivery | Incident) -> int:
        if isinstance(value, Incident):
            self.troubles.append(value)
            return 0
        self.deliveries.append(value)
        return len(self.deliveries)

    def take(self, incident: Incident) -> None:
        self.courier.take(incident, 0, self.offset)
        self.offset += 1

    async def rest(self) -> float:
        """Work until there is nothing to do now; seconds until there is."""
        for _ in range(1000):
            wait_s = await self.courier.step()
            if wait_s > 0:
                return wait_s
        raise AssertionError("it does not come to rest")

    async def pass_time(self, seconds: float, at_least_s: float = 0.001) -> None:
        """Work while time passes."""
        until = self.clock.monotonic() + seconds
        while (left_s := until - self.clock.monotonic()) > 0:
            self.clock.advance(min(left_s, max(at_least_s, await self.rest())))
        await self.rest()

    @property
    def outcomes(self) -> list[str]:
        return [delivery.outcome for delivery in self.deliveries]


def sample(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, {"target": TARGET, **labels}) or 0.0


async def test_an_hour_of_a_dead_vendor() -> None:
    """Nothing is lost and nothing told twice: each incident once, in its newest state; the end of what had begun."""
    play = Play(rate=Rate(1.0, 10), repeat_s=0)
    begun = made.incident(1, cluster="begun")
    play.take(begun)
    await play.rest()
    play.target.answer = failing(Reason.UNREACHABLE)
    asked = len(play.target.asked)
    for minute in range(60):
        opened_at = play.clock.now()
        open_ = made.incident(1, cluster=f"open{minute}", opened_at=opened_at)
        over = made.incident(1, cluster=f"over{minute}", opened_at=opened_at)
        for incident in (open_, over):
            play.take(incident)
            for seq in range(2, 20):
                play.take(msgspec.structs.replace(incident, seq=seq))
        await play.pass_time(30)
        play.take(msgspec.structs.replace(over, seq=30, state="resolved", resolved_at=play.clock.now()))
        await play.pass_time(30)
    play.take(made.resolved(2, cluster="begun"))
    await play.rest()
    assert len(play.target.asked) - asked < 60, "it is only probed"
    assert sample("leadline_sink_breaker_open") == 1
    assert sample("leadline_sink_pending") == 61
    assert sample("leadline_sink_oldest_pending_seconds") > 3500
    play.target.answer = taken
    await play.pass_time(600)
    expected = [("begun", "opened"), ("begun", "resolved"), *((f"open{minute}", "opened") for minute in range(60))]
    assert sorted(play.target.told) == sorted(expected)
    assert {it.incident.seq for it in play.target.asked if it.incident.cluster.startswith("open")} == {19}
    assert sample("leadline_sink_pending") == 0
    assert sample("leadline_sink_breaker_open") == 0
    assert [incident.state for incident in play.troubles] == ["open", "resolved"]


async def test_a_restart_repeats_nothing() -> None:
    """What was told is known from the deliveries."""
    play = Play()
    play.take(made.incident(1))
    await play.rest()
    play.restart()
    play.take(made.incident(1))
    assert await play.rest() == 60
    assert play.target.told == [("orders", "opened")]
    play.take(made.resolved(2))
    assert await play.rest() == inf
    assert play.target.told[1:] == [("orders", "resolved")]
    play.restart()
    play.take(made.incident(1))
    play.take(made.resolved(2))
    assert await play.rest() == inf
    assert len(play.target.told) == 2


async def test_what_may_be_forgotten() -> None:
    """Not the newest record of what is open, and all of what is over."""
    play = Play()
    for seq in (1, 2):
        play.take(made.incident(seq))
    play.take(made.incident(1, cluster="other"))
    play.take(made.resolved(2, cluster="other"))
    assert play.courier.settled(0, 4) == 1
    assert play.courier.settled(7, 9) == 9
    await play.rest()
    assert play.courier.settled(0, 4) == 1
    play.take(made.resolved(3))
    assert play.courier.settled(0, 5) == 4
    await play.rest()
    assert play.courier.settled(0, 5) == 5


async def test_records_that_come_again_when_all_is_over() -> None:
    """A worker that was restarted writes them once more, one by one: nobody is told what was over before."""
    play = Play()
    about = made.incident(1, causes=[made.UNKNOWN])
    play.take(about)
    play.take(made.resolved(2))
    await play.rest()
    play.take(about)
    await play.pass_time(60)
    play.take(made.resolved(2))
    await play.rest()
    assert play.target.asked == []


async def test_the_target_says_how_long_to_wait() -> None:
    """Nothing is sent to it meanwhile, for no incident; it is no failure of the target."""
    play = Play()
    play.target.answer = failing(Reason.RATE_LIMITED, after_s=40.0)
    for name in ("a", "b"):
        play.take(made.incident(cluster=name))
    assert await play.rest() == 40.0
    assert len(play.target.asked) == 1
    await play.pass_time(39.0)
    assert len(play.target.asked) == 1
    play.target.answer = taken
    await play.pass_time(2.0)
    assert sorted(play.target.told) == [("a", "opened"), ("b", "opened")]
    assert sample("leadline_sink_breaker_open") == 0


async def test_the_most_severe_first() -> None:
    """When there is more to tell than the target takes."""
    play = Play(rate=Rate(1.0, 1))
    for name, severity in (("a", "warning"), ("b", "critical"), ("c", "warning"), ("d", "critical")):
        play.take(made.incident(cluster=name, severity=severity))
    await play.pass_time(10.0)
    assert [name for name, _ in play.target.told] == ["b", "d", "a", "c"]


async def test_what_the_target_will_not_have() -> None:
    """It is given up and said why; what follows is tried; others are told meanwhile."""
    play = Play()
    play.target.answer = lambda notice: GiveUp(Reason.REJECTED, "no") if notice.incident.seq == 1 else taken(notice)
    before = sample("leadline_sink_given_up_total", reason="rejected")
    play.take(made.incident(1))
    assert await play.rest() == inf
    assert play.deliveries[-1].outcome == "given_up"
    assert play.deliveries[-1].reason == "rejected"
    assert sample("leadline_sink_given_up_total", reason="rejected") == before + 1
    play.restart()
    play.take(made.incident(1))
    assert await play.rest() == inf
    assert len(play.target.asked) == 1
    play.take(made.incident(2))
    await play.pass_time(10.0)
    assert play.target.told == [("orders", "opened")]


async def test_a_refused_login_is_nothing_to_give_up_for() -> None:
    """Whatever the sink calls it: what is to be told waits until the login is right."""
    play = Play()
    play.target.answer = lambda notice: GiveUp(Reason.UNAUTHORIZED, "no")
    play.take(made.incident(1))
    assert await play.rest() == 30.0
    (trouble,) = play.troubles
    assert (trouble.title, trouble.labels) == (
        "leadline: console cannot be told: it does not accept our token, key or login",
        {"target": "console"},
    )
    play.target.answer = taken
    await play.pass_time(31.0)
    assert play.target.told == [("orders", "opened")]
    assert [(it.incident_id, it.seq, it.state) for it in play.troubles] == [
        (trouble.incident_id, 1, "open"),
        (trouble.incident_id, 2, "resolved"),
    ]


async def test_trouble_that_a_process_before_this_one_wrote_down() -> None:
    """It is over with the next success; and it is not opened a second time."""
    play = Play()
    play.target.answer = failing(Reason.FULL)
    play.take(made.incident(1))
    await play.rest()
    (trouble,) = play.troubles
    play.restart()
    play.take(made.incident(1))
    play.take(trouble)
    await play.rest()
    assert len(play.troubles) == 1
    play.target.answer = taken
    await play.pass_time(31.0)
    assert [it.state for it in play.troubles] == ["open", "resolved"]
    assert play.target.told == [("orders", "opened")], "it is not told about itself"


async def test_a_minute_of_failures_is_trouble() -> None:
    """Not before."""
    play = Play()
    play.target.answer = failing(Reason.UNAVAILABLE)
    play.take(made.incident(1))
    await play.pass_time(55.0)
    assert play.troubles == []
    await play.pass_time(70.0)
    assert [it.causes[0].evidence_for[0].name for it in play.troubles] == ["unavailable"]


async def test_what_arrived_in_part_goes_on() -> None:
    """From the receipt; also after a restart."""
    play = Play()
    play.target.answer = failing(Reason.UNAVAILABLE, receipt={"ts": "7"})
    play.take(made.incident(1))
    await play.rest()
    assert play.outcomes == ["attempted", "partial"]
    play.restart()
    play.take(made.incident(1))
    play.target.answer = taken
    await play.pass_time(5.0)
    assert play.target.asked[-1].receipt == {"ts": "7"}
    assert play.target.asked[-1].occasion == "opened"
    assert play.outcomes[2:] == ["sent"]


@pytest.mark.parametrize(("reason", "told"), [(Reason.TIMEOUT, ["resolved"]), (Reason.UNREACHABLE, [])])
async def test_an_end_after_a_first_word_that_may_have_arrived(reason: Reason, told: list[str]) -> None:
    """Without an answer the target may have it, so it hears of the end; without a connection it has nothing."""
    play = Play()
    play.target.answer = failing(reason)
    play.take(made.incident(1))
    await play.rest()
    play.take(made.resolved(2))
    play.target.answer = taken
    await play.pass_time(60.0)
    assert [occasion for _, occasion in play.target.told] == told


async def test_a_sink_with_a_defect() -> None:
    """Its exception ends as a failure of that attempt; other incidents are told."""

    def broken(notice: Notice) -> Outcome:
        if notice.incident.cluster == "a":
            raise ZeroDivisionError
        return taken(notice)

    play = Play()
    play.target.answer = broken
    play.take(made.incident(cluster="a"))
    play.take(made.incident(cluster="b"))
    await play.pass_time(3.0)
    assert play.target.told == [("b", "opened")]
    play.target.answer = taken
    await play.pass_time(60.0)
    assert play.target.told == [("b", "opened"), ("a", "opened")]


async def test_a_silence_is_written_down_once_and_ends() -> None:
    """Then what is open is told, also when the process was restarted in between."""
    play = Play()
    now = play.clock.now()
    ends_at = now + timedelta(seconds=600)
    quiet = Silence(silence_id="s", matchers={"cluster": "*"}, starts_at=now, ends_at=ends_at, created_by="ada")
    play.known.silence("s", quiet)
    play.take(made.incident(1))
    play.take(made.incident(2))
    assert await play.rest() == 60.0
    await play.pass_time(300.0)
    assert play.outcomes == ["suppressed"]
    assert play.courier.settled(0, 2) == 1
    play.restart()
    play.take(made.incident(2))
    await play.pass_time(301.0)
    assert play.target.told == [("orders", "opened")]
    assert play.outcomes[0] == "suppressed"


async def test_partitions_that_go_elsewhere() -> None:
    """Nothing is told of them any more."""
    play = Play()
    play.take(made.incident(1))
    play.courier.release()
    assert await play.rest() == inf
    assert play.target.asked == []


async def test_an_older_record_after_a_newer_one() -> None:
    """The highest seq holds, in whatever order they come."""
    play = Play()
    for seq in (1, 3, 2):
        play.take(made.incident(seq))
    assert play.courier.settled(0, 3) == 1
    await play.rest()
    assert [notice.incident.seq for notice in play.target.asked] == [3]


async def test_news_about_what_was_told_long_ago() -> None:
    """An acknowledgement is told, and so is what a silence that ended early kept back."""
    play = Play(repeat_s=0)
    play.take(made.incident(1))
    assert await play.rest() == inf
    play.known.action(made.action())
    assert await play.rest() == inf
    now = play.clock.now()
    ends_at = now + timedelta(days=1)
    quiet = Silence(silence_id="s", matchers={"cluster": "*"}, starts_at=now, ends_at=ends_at, created_by="ada")
    play.known.silence("s", quiet)
    play.take(made.incident(2))
    await play.rest()
    play.known.silence("s", None)
    await play.pass_time(10.0)
    assert [occasion for _, occasion in play.target.told] == ["opened", "acknowledged", "updated"]
    assert play.target.asked[-1].incident.acknowledged_by == "ada"


async def test_a_delivery_that_is_read_after_a_later_one_was_written() -> None:
    """The later one holds; those of targets of other processes are not kept."""
    play = Play()
    play.take(made.incident(1))
    await play.rest()
    first, last = play.deliveries[0], play.deliveries[-1]
    play.known.delivered(last, 7)
    play.known.delivered(first, 6)
    assert play.known.delivery(last.incident_id, TARGET) == last
    play.known.delivered(msgspec.structs.replace(last, target="other"), 8)
    assert play.known.delivery(last.incident_id, "other") is None
