"""Every decision and the draft of a post-mortem, which the console reads from an incident log in a real PostgreSQL."""

import json
import urllib.request
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from leadline.settings.secret import Secret
from leadline.settings.sink import IncidentLogSettings
from leadline.settings.web_console import WebConsoleSettings
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.consoles import ServedConsole
from tests.fixtures.incident_logs import write_log
from tests.unit.console.story import delivery
from tests.unit.sinks.made import START, action, incident, resolved


def asked(console: ServedConsole, path: str) -> Any:
    with urllib.request.urlopen(console.url + path) as answer:
        return json.loads(answer.read())


def test_decisions_and_drafts_are_read_from_the_incident_log(log_server: Server, empty_log: str) -> None:
    """Also those that Kafka has no more; while its server is away, the pages say so and show what Kafka has."""
    about, over = incident(1, opened_at=START), resolved(2, opened_at=START)
    first, given = delivery(about), action(incident_id=about.incident_id)
    later = delivery(
        over,
        at=first.at + timedelta(seconds=60),
        occasion="acknowledged",
        actions=[given.action_id],
        first_at=first.at,
    )
    write_log(empty_log, about, first, given, later, over)
    console = ServedConsole(WebConsoleSettings(incident_log=IncidentLogSettings(dsn=Secret(empty_log))))
    try:
        console.take(over, given, later)
        ident = quote(about.incident_id)
        page = asked(console, f"/deliveries.json?incident={ident}&target=slack")
        assert [each["occasion"] for each in page["decisions"]] == ["opened", "acknowledged"]
        assert page["source"].startswith("From the incident log")
        draft = asked(console, f"/postmortem.json?id={ident}")
        assert draft["draft"].startswith("# Post-mortem: orders: replay on pg-2 is blocked by a query")
        assert asked(console, "/postmortem.json?id=inc_none")["why_not"].startswith("there is no incident 'inc_none'")
        log_server.stop()
        try:
            page = asked(console, f"/deliveries.json?incident={ident}&target=slack")
            assert [each["occasion"] for each in page["decisions"]] == ["acknowledged"]
            assert "the incident log at" in page["source"]
            assert "the incident log at" in asked(console, f"/postmortem.json?id={ident}")["why_not"]
        finally:
            log_server.start()
    finally:
        console.close()


def test_without_an_incident_log_the_page_says_what_to_set(console: ServedConsole) -> None:
    """With the command that needs only the settings of the sink."""
    console.take(incident())
    why = asked(console, f"/postmortem.json?id={quote(incident().incident_id)}")["why_not"]
    assert "set incident_log.dsn" in why
    assert f"leadline incidents export {incident().incident_id}" in why
