"""Which route an incident takes, as the page of deliveries explains it, from the file of the sink."""

from pathlib import Path

import pytest

from leadline.errors import UsageError
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
    both = (
        "It takes route 1 (label team payments, from warning on), which leads to payments, "
        "and then route 2 (cluster ord*), which leads to pagerduty."
    )
    assert routed(settings, about, "pagerduty") == (True, both)
    assert routed(settings, about, "payments") == (True, both)
    assert routed(settings, about, "slack") == (False, both)
    other = incident(cluster="billing", labels={})
    assert routed(settings, other, "slack") == (
        True,
        "No route matches it, so the default holds, which leads to slack.",
    )
    nobody = incident(cluster="billing", labels={}, rules=["audit_finding"])
    assert routed(settings, nobody, "slack") == (False, "It takes route 3 (rule audit_*), which leads to nobody.")
    assert routed(settings, about, "teams") == (False, "The settings of the sink have no target teams.")
    assert routed(settings, about, "console")[0]


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """With the line; the page says so and goes on."""
    path = tmp_path / "sink.yaml"
    with pytest.raises(UsageError, match="cannot read the settings"):
        read_routes(path)
    path.write_text("routes:\n  - match: {severity: loud}\n    to: [slack]\n")
    with pytest.raises(UsageError, match="severity"):
        read_routes(path)
