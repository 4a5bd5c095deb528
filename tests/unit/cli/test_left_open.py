"""The lines that a watch prints at its end about incidents that are still open."""

import shlex
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.delivery import Delivery
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import PagerDutySettings
from leadline_cli.left_open import KEY, left_open
from tests.unit.sinks import made

SETTINGS = SinkSettings(
    pagerduty=PagerDutySettings(routing_key=Secret("a" * 32), url="https://events.eu.pagerduty.com")
)


def delivery(target: str, **changes: Any) -> Delivery:
    given: dict[str, Any] = {
        "incident_id": made.incident().incident_id,
        "target": target,
        "sink": target,
        "outcome": "sent",
        "at": made.START,
        "seq": 1,
        "occasion": "opened",
        "severity": "critical",
        "state": "open",
    }
    return Delivery(**given | changes)


def lines(*deliveries: Delivery) -> list[str]:
    ident = made.incident().incident_id
    return list(left_open([made.incident()], {ident: {each.target: each for each in deliveries}}, SETTINGS))


def test_every_page_that_is_not_resolved_has_its_command() -> None:
    """The shell puts the routing key in; the alert that is resolved already is not named."""
    ident = made.incident().incident_id
    first, *commands = lines(delivery("pagerduty", rang=[1, 2, 3], receipt={"ended": "2"}))
    assert first == f"still open: {made.incident().title} ({ident}); to close it there:"
    assert len(commands) == 2
    for command, key in zip(commands, (ident, f"{ident}#3"), strict=True):
        assert shlex.split(command) == [
            "pagerduty:",
            "curl",
            "-sS",
            "https://events.eu.pagerduty.com/v2/enqueue",
            "-H",
            "content-type: application/json",
            "-d",
            f'{{"routing_key": "${KEY}", "event_action": "resolve", "dedup_key": "{key}"}}',
        ]
        assert f'"${KEY}"' in command


def test_the_key_stays_in_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command reads the file, too."""
    monkeypatch.setenv(f"{KEY}_FILE", "/run/secrets/key")
    assert f'"$(cat "${KEY}_FILE")"' in lines(delivery("pagerduty"))[1]


def test_a_message_has_its_address() -> None:
    """Nothing can be sent to Slack without a token; the address leads to the message."""
    receipt = {"channel": "C0DBA1234", "ts": "1775815203.000100"}
    assert lines(delivery("slack", receipt=receipt))[1] == (
        "  slack: reply to its message, https://slack.com/archives/C0DBA1234/p1775815203000100"
    )


def test_an_incident_of_which_nobody_was_notified_is_not_listed() -> None:
    """Nor of an incident that has ended."""
    assert lines() == []
    over = replace(made.incident(), state="resolved")
    assert list(left_open([over], {over.incident_id: {"slack": delivery("slack")}}, SETTINGS)) == []
