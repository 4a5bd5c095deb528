"""The targets of an incident."""

from typing import Any

from leadline.clock import ManualClock
from leadline.settings.routing import RouteMatch, RouteSettings
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import ConsoleSettings, PagerDutySettings, SlackSettings
from leadline_sinks.notify.routing import targets
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
