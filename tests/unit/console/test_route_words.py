"""Which route an incident takes, as the page of deliveries explains it, from the file of the sink."""

from datetime import timedelta
from math import inf
from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline.model.incident import Incident
from leadline.settings.sink_routes import read_routes
from leadline_console.route_words import routed
from tests.unit.sinks.made import incident

FILE = """
slack: {token_file: /nowhere/token, channel: "#dba"}
pagerduty: {routing_key_file: /nowhere/key}
targets:
  payments: {slack: {webhook_url_file: /nowhere/url}}
console: {enabled: true}
incident_log: {dsn_file: /nowhere/dsn}
routes:
  - match: {labels: {team: payments}, severity: warning}
    to: [payments]
    continue: true
  - match: {cluster: "ord*"}
    to: [pagerduty]
  - match: {rule: audit_*}
    to: []
default: [slack]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sink.yaml"
    path.write_text(FILE)
    return path


def test_no_secret_of_the_sink_is_read(file: Path) -> None:
    """The files that it names need not be there."""
    assert read_routes(file).names() == ["console", "slack", "pagerduty", "payments"]


def test_the_routes_that_decide_are_named(file: Path) -> None:
    """As the sinks take them: the first that matches, and further ones where it says `continue`."""
    settings, about = read_routes(file), incident()

    def at(about: Incident, target: str) -> tuple[float, str]:
        return routed(settings, about, target, about.detected_at, acknowledged=False)

    both = (
        "It takes route 1 (label team payments, from warning on), which leads to payments, "
        "and then route 2 (cluster ord*), which leads to pagerduty."
    )
    assert at(about, "pagerduty") == (0.0, both)
    assert at(about, "payments") == (0.0, both)
    assert at(about, "slack") == (inf, both)
    other = incident(cluster="billing", labels={})
    assert at(other, "slack") == (
        0.0,
        "No route matches it, so the default holds, which leads to slack.",
    )
    nobody = incident(cluster="billing", labels={}, rules=["audit_finding"])
    assert at(nobody, "slack") == (inf, "It takes route 3 (rule audit_*), which leads to nobody.")
    assert at(about, "teams") == (inf, "The settings of the sink have no target teams.")
    assert at(about, "console")[0] == 0.0


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """With the line; the page says so and goes on."""
    path = tmp_path / "sink.yaml"
    with pytest.raises(UsageError, match="cannot read the settings"):
        read_routes(path)
    path.write_text("routes:\n  - match: {severity: loud}\n    to: [slack]\n")
    with pytest.raises(UsageError, match="severity"):
        read_routes(path)


def test_escalation_and_hours_are_a_part_of_the_route(tmp_path: Path) -> None:
    """With the time until they lead to the target; an acknowledgement ends the escalation."""
    path = tmp_path / "sink.yaml"
    path.write_text(
        "slack: {channel: x}\npagerduty: {url: x}\nemail: {host: x}\nroutes:\n  - to: [slack]\n"
        "    escalate: [{after_s: 900, to: [pagerduty]}]\n    hours: {begin: '09:00'}\n    outside_to: [email]\n"
    )
    settings, about = read_routes(path), incident()  # a Friday, 10:00
    now = about.detected_at + timedelta(seconds=300)
    wait_s, why = routed(settings, about, "pagerduty", now, acknowledged=False)
    assert wait_s == 600.0
    assert why == (
        "It takes route 1 (everything), which leads to slack, outside of its hours to email, "
        "after 15 min without acknowledgement to pagerduty."
    )
    assert routed(settings, about, "pagerduty", now, acknowledged=True)[0] == inf
    assert routed(settings, about, "slack", now, acknowledged=True)[0] == 0.0
    at_night = now - timedelta(hours=4)
    assert 0.0 < routed(settings, about, "slack", at_night, acknowledged=True)[0] < inf
