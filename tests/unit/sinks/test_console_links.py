"""Every target's message leads to the incident in the console, and to the form that silences it."""

from typing import Any

import orjson
import pytest

from leadline.model.ids import IncidentId
from leadline.model.incident import Incident
from leadline.settings.routing import NotifySettings
from leadline_sinks.alertmanager.alert import alert
from leadline_sinks.console_links import console_links, incident_url
from leadline_sinks.email.message import markup, plain
from leadline_sinks.message_parts import parts
from leadline_sinks.pagerduty.event import trigger
from leadline_sinks.slack import limits, render
from leadline_sinks.slack.blocks import length
from leadline_sinks.teams.card import card
from leadline_sinks.webhook import event
from tests.unit.sinks import made
from tests.unit.sinks.slack.shown import texts

BASE = "https://leadline.example.org"
NOTIFY = NotifySettings(console_url=BASE)
PAGE = f"{BASE}/incident?id={made.incident().incident_id}"
SILENCE = f"{BASE}/silences?incident={made.incident().incident_id}"
SUCH = f"{BASE}/silences?cluster=orders&cause=standby_query_blocks_replay"


def kept(text: Any) -> str:
    return text if isinstance(text, str) else orjson.dumps(text).decode()


def test_slack_links_both_below_the_title() -> None:
    """A long message is folded, so they stand before the cause; also in the short form.

    https://github.com/prometheus/alertmanager/issues/722: a message led to the expression and not to a form that
    silences. https://github.com/grafana/grafana/issues/51412: the link of a message about lag led to the settings of
    its rule.
    """
    both = f"<{PAGE}|Open in the console>  ·  <{SILENCE}|Silence it>"
    for message in (render.full(made.incident(), NOTIFY), render.compact(made.incident(), NOTIFY)):
        shown = texts(message)
        assert shown.index(both) < next(at for at, text in enumerate(shown) if text.startswith("*Cause*"))


def test_the_other_targets_link_both() -> None:
    """PagerDuty also as the address behind its client's name; Teams as buttons; e-mail as text and as HTML."""
    notification = made.notification()
    paged = trigger(notification, "k" * 32, NOTIFY)
    assert paged["client_url"] == PAGE
    assert [each["href"] for each in paged["links"]] == [PAGE, SILENCE]
    shown = parts(notification, NOTIFY)
    buttons = card("lead", "status", shown, "critical", "inc")["actions"]
    assert [(each["title"], each["url"]) for each in buttons] == [
        ("Open in the console", PAGE),
        ("Silence it", SILENCE),
    ]
    text = plain("lead", "status", shown)
    assert f"  Open in the console: {PAGE}\n  Silence it: {SILENCE}\n" in text
    assert f'<a href="{SILENCE}">Silence it</a>' in markup("lead", "status", shown, "critical", ended=False)


def test_programs_are_given_the_page() -> None:
    """Alertmanager as the source of the alert, to which its link *Source* leads; webhooks as a field."""
    now = made.later(0)
    assert alert({}, {}, now, now, incident_url(made.incident(), NOTIFY))["generatorURL"] == PAGE
    assert event(made.notification(), 0, NOTIFY)["data"]["console"] == PAGE


@pytest.mark.parametrize(
    ("about", "titles"),
    [
        (made.incident(), ["Open in the console", "Silence it"]),
        (made.incident(silenced_by="sil_1"), ["Open in the console"]),
        (made.resolved(merged_into=IncidentId("inc_other")), ["Open in the console"]),
        (made.resolved(causes=[], rules=[]), ["Open in the console"]),
    ],
)
def test_what_is_silent_or_over_is_not_to_be_silenced(about: Incident, titles: list[str]) -> None:
    assert [each.title for each in console_links(about, NOTIFY)] == titles


def test_what_comes_and_goes_is_silenced_after_its_end() -> None:
    """https://github.com/prometheus/alertmanager/issues/2717: an alarm that flaps at three in the morning has resolved
    before anybody looks, and then nobody finds the labels that would silence it."""
    link = console_links(made.resolved(), NOTIFY)[-1]
    assert link == ("Silence such incidents", SUCH)
    assert f"<{SUCH.replace('&', '&amp;')}|Silence such incidents>" in " ".join(
        texts(render.full(made.resolved(), NOTIFY))
    )
    unknown = made.resolved(causes=[made.UNKNOWN])
    assert console_links(unknown, NOTIFY)[-1].url == f"{BASE}/silences?cluster=orders&rule=replication_lag"


def test_without_the_setting_nothing_is_linked() -> None:
    """An address that is guessed would lead nowhere."""
    none = NotifySettings()
    assert console_links(made.incident(), none) == []
    assert "http" not in kept(trigger(made.notification(), "k" * 32, none))
    assert "generatorURL" not in alert({}, {}, made.later(0), made.later(0), incident_url(made.incident(), none))
    assert event(made.notification(), 0, none)["data"]["console"] == ""


@pytest.mark.parametrize("name", made.HOSTILE)
def test_a_hostile_identity_stays_within_its_link(name: str) -> None:
    """It is percent-encoded, and where that is too long for Slack there is no link."""
    about = made.incident(incident_id=IncidentId(f"inc|>{name}&"))
    assert all(each.url.isascii() and not set("<>|\" '") & set(each.url) for each in console_links(about, NOTIFY))
    assert length(render.full(about, NOTIFY).blocks) <= limits.TOTAL
