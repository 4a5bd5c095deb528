"""The targets of an incident."""

from datetime import UTC, datetime
from math import inf
from typing import Any

from leadline.clock import ManualClock
from leadline.settings.hours import HoursSettings
from leadline.settings.routing import EscalateSettings, RouteMatch, RouteSettings
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import ConsoleSettings, PagerDutySettings, SlackSettings
from leadline_sinks.notify.routing import may_receive, targets, until_routed_s
from leadline_sinks.notify.self_incident import SelfIncident
from leadline_sinks.notify.sink import Reason
from tests.unit.sinks.made import START, incident

WARNING = incident(severity="warning")
CRITICAL = incident()


def settings(*routes: RouteSettings, **changes: Any) -> SinkSettings:
    slack = SlackSettings(webhook_url=Secret("https://hooks.example.org/x"))
    return SinkSettings(
        slack=slack, pagerduty=PagerDutySettings(routing_key=Secret("k" * 32)), routes=list(routes), **changes
    )


def route(*to: str, go_on: bool = False, **match: Any) -> RouteSettings:
    return RouteSettings(match=RouteMatch(**match), to=list(to), continue_=go_on)


def test_without_routes() -> None:
    """All targets are notified, or those of `default`."""
    assert targets(settings(), WARNING) == {"slack", "pagerduty"}
    assert targets(settings(default=["slack"]), WARNING) == {"slack"}
    assert targets(settings(default=[]), WARNING) == set()


def test_the_first_matching_route_decides() -> None:
    """With `continue`, later ones are added; `default` is for incidents that no route matches."""
    paged = route("pagerduty", severity="critical", go_on=True)
    given = settings(paged, route("slack"), route("pagerduty"), default=["pagerduty"])
    assert targets(given, CRITICAL) == {"slack", "pagerduty"}
    assert targets(given, WARNING) == {"slack"}
    assert targets(settings(paged, default=["slack"]), WARNING) == {"slack"}
    assert targets(settings(paged, default=["slack"]), CRITICAL) == {"pagerduty"}


def test_a_route_without_targets() -> None:
    """Only the console is notified."""
    assert targets(settings(route(cluster="orders")), CRITICAL) == set()
    assert targets(settings(route(cluster="orders"), console=ConsoleSettings(enabled=True)), CRITICAL) == {"console"}


def test_the_failure_of_a_target() -> None:
    """The other targets are notified: those of the routes, or all when the routes lead to the failing one alone."""
    about = SelfIncident("slack", "slack", ManualClock(START)).record_failure(Reason.UNAUTHORIZED, "no")
    assert about
    assert targets(settings(), about) == {"pagerduty"}
    assert targets(settings(default=["slack"]), about) == {"pagerduty"}
    assert targets(settings(route(cluster="leadline"), default=["slack"]), about) == set()
    console = ConsoleSettings(enabled=True)
    assert targets(settings(default=["slack"], console=console), about) == {"console"}


NOTICE = incident(class_="notice", severity="warning")
NIGHT, DAY = datetime(2026, 7, 1, 22, tzinfo=UTC), datetime(2026, 7, 1, 10, tzinfo=UTC)
UNTIL_DAY_S = 11 * 3600
HOURS = HoursSettings()


def waits(given: SinkSettings, about: Any, now: datetime, unacknowledged_s: float | None = 0.0) -> dict[str, float]:
    """The seconds for each target that is notified at some time."""
    found = {name: until_routed_s(given, about, name, now, unacknowledged_s) for name in given.names()}
    return {name: wait_s for name, wait_s in found.items() if wait_s < inf}


def test_without_hours_and_escalation() -> None:
    """The routes lead to their targets at once, and to no other."""
    for about in (WARNING, CRITICAL, NOTICE):
        for given in (settings(), settings(default=["slack"]), settings(route("slack"), default=["pagerduty"])):
            assert waits(given, about, NIGHT) == dict.fromkeys(targets(given, about), 0.0)


def test_nobody_acknowledges() -> None:
    """The next target is notified after its time, unless somebody has acknowledged; a notice is no reason."""
    steps = [EscalateSettings(after_s=900, to=["pagerduty"])]
    given = settings(RouteSettings(to=["slack"], escalate=steps))
    assert waits(given, CRITICAL, DAY) == {"slack": 0.0, "pagerduty": 900.0}
    assert waits(given, CRITICAL, DAY, 800) == {"slack": 0.0, "pagerduty": 100.0}
    assert waits(given, CRITICAL, DAY, 5000) == {"slack": 0.0, "pagerduty": 0.0}
    assert waits(given, CRITICAL, DAY, None) == {"slack": 0.0}
    assert waits(given, NOTICE, DAY, 5000) == {"slack": 0.0}
    assert may_receive(given, "pagerduty", "orders", "fra1")


def test_outside_of_the_hours() -> None:
    """Notices wait until the hours begin; a page never does, unless the settings say so."""
    given = settings(RouteSettings(to=["slack"], hours=HOURS))
    assert waits(given, NOTICE, NIGHT) == {"slack": UNTIL_DAY_S}
    assert waits(given, NOTICE, DAY) == {"slack": 0.0}
    assert waits(given, CRITICAL, NIGHT) == {"slack": 0.0}
    held = settings(RouteSettings(to=["slack"], hours=HOURS, hold="pages"))
    assert waits(held, CRITICAL, NIGHT) == {"slack": UNTIL_DAY_S}


def test_other_targets_outside_of_the_hours() -> None:
    """They are notified at once, and those of the day when it begins."""
    given = settings(RouteSettings(to=["slack"], hours=HOURS, outside_to=["pagerduty"]))
    assert waits(given, CRITICAL, NIGHT) == {"slack": UNTIL_DAY_S, "pagerduty": 0.0}
    assert waits(given, CRITICAL, DAY) == {"slack": 0.0}
    assert may_receive(given, "pagerduty", "orders", "fra1")


def test_held_pages_are_escalated() -> None:
    """Held back until the morning, and nobody can acknowledge: the next target does not wait for that."""
    steps = [EscalateSettings(after_s=900, to=["pagerduty"])]
    given = settings(RouteSettings(to=["slack"], hours=HOURS, hold="pages", escalate=steps))
    assert waits(given, CRITICAL, NIGHT) == {"slack": UNTIL_DAY_S, "pagerduty": 900.0}
