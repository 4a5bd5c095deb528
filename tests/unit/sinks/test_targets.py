"""The sinks that the settings configure."""

import pytest

from leadline.clock import ManualClock
from leadline.errors import UsageError
from leadline.settings.alertmanager_target import AlertmanagerSettings
from leadline.settings.email_target import EmailSettings
from leadline.settings.secret import Secret
from leadline.settings.sink import IncidentLogSettings, SinkSettings
from leadline.settings.targets import ConsoleSettings, PagerDutySettings, SlackSettings, TargetSettings, WebhookSettings
from leadline.settings.teams_target import TeamsSettings
from leadline.settings.template_target import TemplateSettings
from leadline_sinks.targets import chosen, log_writer, sink

SLACK = SlackSettings(webhook_url=Secret("https://hooks.example.org/x"))
PAGER = PagerDutySettings(routing_key=Secret("k" * 32))
HOOK = WebhookSettings(url=Secret("https://example.org/x"), signing_key=Secret("k"))
MAIL = EmailSettings(host="smtp.example.org", sender="leadline@example.org", to=["dba@example.org"])
TEAMS = TeamsSettings(url=Secret("https://example.org/workflows/x"))
ALL = SinkSettings(
    slack=SLACK,
    pagerduty=PAGER,
    webhook=HOOK,
    email=MAIL,
    teams=TEAMS,
    alertmanager=AlertmanagerSettings(urls=["http://127.0.0.1:9093"]),
    template=TemplateSettings(url=Secret("https://example.org/x"), file="chat.json.j2"),
    console=ConsoleSettings(enabled=True),
    incident_log=IncidentLogSettings(dsn=Secret("host=127.0.0.1")),
    targets={
        "dba": TargetSettings(slack=SLACK),
        "night": TargetSettings(pagerduty=PAGER),
        "hook": TargetSettings(webhook=HOOK),
        "mail": TargetSettings(email=MAIL),
    },
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("slack", "slack"),
        ("pagerduty", "pagerduty"),
        ("webhook", "webhook"),
        ("email", "email"),
        ("teams", "teams"),
        ("alertmanager", "alertmanager"),
        ("template", "template"),
        ("console", "console"),
        ("mail", "email"),
        ("dba", "slack"),
        ("night", "pagerduty"),
        ("hook", "webhook"),
    ],
)
async def test_each_target_gets_its_sink(name: str, kind: str) -> None:
    """Its kind decides, also for a target with a name of its own."""
    made = sink(ALL, name, ManualClock())
    assert made.kind == kind
    await made.close()


async def test_the_incident_log() -> None:
    """Making its writer does not connect."""
    made = log_writer(ALL, ManualClock())
    assert made.kind
    await made.close()


def test_chosen_targets() -> None:
    """All that are configured, or those named, each once."""
    everything = ["slack", "pagerduty", "webhook", "email", "teams", "alertmanager", "template", "console"]
    everything += ["dba", "night", "hook", "mail", "incident_log"]
    assert chosen(ALL, ()) == everything
    assert chosen(ALL, ["incident_log", "dba", "dba"]) == ["incident_log", "dba"]


def test_wrong_names() -> None:
    """The error lists the configured targets, or the settings that would configure one."""
    with pytest.raises(UsageError, match=r"^no target is named 'nobody'; configured are: slack$"):
        chosen(SinkSettings(slack=SLACK), ["slack", "nobody"])
    with pytest.raises(
        UsageError, match=r"^no target is configured, .* set one of slack, pagerduty, webhook, email, teams, alert"
    ):
        chosen(SinkSettings(), [])
