"""Incidents as events of PagerDuty: every event is accepted, and the cause comes first."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from msgspec.structs import replace

from leadline.model.alert import Evidence, Subject
from leadline.model.ids import IncidentId, NodeName
from leadline.model.incident import Incident, Step
from leadline.settings.routing import NotifySettings
from leadline_lab.receiver.exchange import Request
from leadline_lab.receiver.pagerduty import CHANGE, ENQUEUE, answer
from leadline_sinks.pagerduty import event
from tests.unit.sinks import made
from tests.unit.sinks.made import notification
from tests.unit.sinks.pagerduty.vendor import KEY
from tests.unit.strategies import values

NOTIFY = NotifySettings(runbook_url="https://docs.example.com/main")
ASTRAL = "𝔸"
"""One code point, two units of UTF-16, four bytes of UTF-8."""


def refused(what: event.Event, path: str = ENQUEUE) -> str | None:
    """The reason why PagerDuty would reject an event."""
    reply, _ = answer(Request(path, {}, event.body(what), made.START), [])
    return reply.problem


def trigger(incident: Incident) -> dict[str, Any]:
    """The trigger as PagerDuty receives it."""
    sent: dict[str, Any] = orjson.loads(event.body(event.trigger(notification(incident=incident), KEY, NOTIFY)))
    return sent


def texts(value: Any) -> list[str]:
    """Every text in an event, names of fields too; the fix, which has a line for each step, by line."""
    if isinstance(value, dict):
        inner = [each.split("\n") if name == "fix" else each for name, each in value.items()]
        return [*value, *texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [str(value)]


@given(values(Incident))
def test_every_incident_is_accepted(incident: Incident) -> None:
    """PagerDuty accepts each event of any incident, and all texts are printable."""
    whole = event.trigger(notification(incident=incident), KEY, NOTIFY)
    assert refused(whole) is None
    assert refused(event.shorter(whole)) is None
    assert refused(event.acknowledge(incident, KEY, 2)) is None
    assert refused(event.resolve(incident, KEY, 1)) is None
    for change in incident.changes:
        assert refused(event.change([change], KEY, incident.cluster), CHANGE) is None
    assert [text for text in texts(trigger(incident)) if not text.isprintable()] == []
    assert len(whole["payload"]["custom_details"]) <= 30


@pytest.mark.parametrize("name", made.HOSTILE, ids=lambda name: ascii(name[:12]))
def test_hostile_names(name: str) -> None:
    """Names become printable text, cut where they are too long."""
    incident = made.hostile(name)
    sent = trigger(incident)
    assert refused(event.trigger(notification(incident=incident), KEY, NOTIFY)) is None
    assert refused(event.change(incident.changes, KEY, incident.cluster), CHANGE) is None
    assert [text for text in texts(sent) if not text.isprintable()] == []
    assert max(map(len, texts(sent["payload"]["custom_details"]))) <= 10_000


def test_the_content_of_a_trigger() -> None:
    """The summary has title and cause; the custom details are a flat table."""
    sent = trigger(made.incident(changes=[made.change()]))
    assert sent["payload"] == {
        "summary": "orders: replay on pg-2 is blocked by a query; since 10:00 UTC; "
        "query pid 4711 on pg-2 holds a snapshot that replay waits for",
        "source": "orders/pg-1->pg-2",
        "severity": "critical",
        "timestamp": "2026-04-10T10:00:05.120Z",
        "component": "link",
        "group": "orders",
        "class": "replication_lag",
        "custom_details": {
            "cause": f"standby_query_blocks_replay (0.94): {made.cause().summary}",
            "fix": "On pg-2:\n"
            "  Careful: this can interrupt running work; check first.\n"
            "  SELECT pg_terminate_backend(4711);",
            "evidence": "replay_lsn on pg-2 = 0/5000148 (unchanged for 40 s)",
            "changes": "max_standby_streaming_delay on pg-2: 30s → -1 (unlimited)",
            "runbook": f"leadline runbook replication_lag --incident {made.incident().incident_id}",
            "alerts": "replication_lag",
            "incident": made.incident().incident_id,
            "datacenters": "fra1",
            "opened at": "2026-04-10T10:00:03.120Z",
            "detected at": "2026-04-10T10:00:05.120Z",
            "label team": "payments",
        },
    }
    assert sent["links"] == [
        {
            "href": "https://docs.example.com/main/docs/runbooks/replication_lag.md",
            "text": "Runbook: replication_lag",
        }
    ]
    assert sent["client"] == "Leadline"


def test_an_unknown_cause_is_not_in_the_title() -> None:
    """Without a cause, the summary is the title and how bad it is."""
    sent = trigger(made.incident(causes=[made.UNKNOWN]))
    assert sent["payload"]["summary"] == f"{made.incident().title}; since 10:00 UTC"


def test_the_source_is_the_node_or_else_the_link() -> None:
    """The source is the subject of the first cause; a slot or subscription is the component."""
    node = Subject(kind="slot", id="orders/pg-1/s1", node=NodeName("pg-1"), name="s1")
    payload = trigger(made.incident(causes=[made.cause(subject=node)]))["payload"]
    assert (payload["source"], payload["component"]) == ("pg-1", "s1")
    payload = trigger(made.incident(causes=[]))["payload"]
    assert (payload["source"], payload["component"]) == ("orders", "cluster")


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_severities(severity: Any) -> None:
    """Our severities are PagerDuty's."""
    assert trigger(made.incident(severity=severity))["payload"]["severity"] == severity


@pytest.mark.parametrize("letter", ["x", "é", ASTRAL])
def test_a_summary_is_cut_at_1024_characters(letter: str) -> None:
    """A title or cause that is too long ends with an ellipsis; how bad it is stays between them. Longer ones were
    refused, and nobody was paged of an outage (prometheus/alertmanager issue 1700, grafana/grafana issue 18727,
    livepeer/stream-tester pull request 354)."""
    incident = made.incident(title=letter * 700, causes=[])
    assert trigger(incident)["payload"]["summary"] == f"{letter * 700}; since 10:00 UTC"
    incident = made.incident(title=letter * 701, causes=[made.cause(summary=letter * 1000)], worst_lag_s=42.0)
    summary = trigger(incident)["payload"]["summary"]
    assert summary.startswith(f"{letter * 699}…; up to 42 s behind, since 10:00 UTC; {letter}")
    assert (len(summary), summary[-1]) == (1024, "…")
    assert refused(event.trigger(notification(incident=incident), KEY, NOTIFY)) is None


@pytest.mark.parametrize("letter", ["x", ASTRAL])
def test_a_key_of_255_characters_is_the_incidents(letter: str) -> None:
    """A longer one keeps its beginning and gets a hash that distinguishes it."""
    assert event.dedup_key(letter * 255) == letter * 255
    long, longer = event.dedup_key(letter * 256), event.dedup_key(letter * 257)
    assert long != longer
    assert {len(long), len(longer)} == {255}
    assert long.startswith(letter * 222)


@pytest.mark.parametrize("ident", ["", "a\0b", "a\nb", "\ud800", "a\\x00b"])
def test_keys_that_are_not_printable_differ(ident: str) -> None:
    """Any identity has a key that PagerDuty accepts and that no other identity has: where parts of a key were empty,
    all alerts were one, and the end of one resolved the others (kubestellar/console issues 7378 and 8389)."""
    incident = made.incident(incident_id=IncidentId(ident))
    assert refused(event.resolve(incident, KEY, 1)) is None
    assert event.dedup_key(ident) != event.dedup_key(ident + "x")
    assert event.dedup_key("a\0b") != event.dedup_key("a\\x00b")


@pytest.mark.slow
@pytest.mark.parametrize("letter", ["x", ASTRAL, '"', "\x1b"])
def test_an_event_of_512_kb_sheds_details_from_the_last_on(letter: str) -> None:
    """However large an incident is, the cause and the fix are kept and PagerDuty accepts the event
    (prometheus/alertmanager issue 2178)."""
    text = letter * 20_000
    labels = {f"{number}": text for number in range(100)}
    full = made.incident(
        causes=[made.cause(summary=text, steps=[], fix=text, evidence_for=[Evidence(name="x", value=text)])] * 5,
        labels=labels,
    )
    body = event.body(event.trigger(notification(incident=full), KEY, NOTIFY))
    details = orjson.loads(body)["payload"]["custom_details"]
    assert len(body) <= 512_000
    assert list(details)[:3] == ["cause", "fix", "evidence"]
    assert refused(event.trigger(notification(incident=full), KEY, NOTIFY)) is None
    assert len(details) == 30 if letter == "x" else len(details) >= 10


def test_no_statement_is_cut() -> None:
    """A fix that is too long for a detail keeps whole lines, and the number of lines that were left out."""
    statement = f"SELECT '{'s' * 1800}'"
    steps = [Step(risk="safe", node=NodeName("pg-1"), sql=statement)] * 9
    lines = trigger(made.incident(causes=[made.cause(steps=steps)]))["payload"]["custom_details"]["fix"].split("\n")
    assert lines == ["On pg-1:", *[f"  {statement};"] * 5, "… lines left out: 4"]


def test_no_more_details_are_shed_than_needed() -> None:
    """At the limit nothing is left out; one byte above it, the last detail is."""
    what = event.trigger(notification(), KEY, NOTIFY)
    room = 512_000 - len(event.body(what)) - len(',"more":""')
    what["payload"]["custom_details"]["more"] = "x" * room
    assert len(event.body(what)) == 512_000
    what["payload"]["custom_details"]["more"] += "x"
    assert "more" not in orjson.loads(event.body(what))["payload"]["custom_details"]


@pytest.mark.parametrize(("labels", "shown"), [(20, 30), (18, 30), (17, 29)])
def test_thirty_details(labels: int, shown: int) -> None:
    """Details after the thirtieth are left out."""
    incident = made.incident(
        changes=[made.change()], parent=IncidentId("p"), labels={f"{n}": "x" for n in range(labels)}
    )
    details = trigger(replace(incident, causes=[*incident.causes, made.UNKNOWN]))["payload"]["custom_details"]
    assert len(details) == shown


def test_links_to_runbooks() -> None:
    """At most five; the name of a rule cannot change the address."""
    sent = trigger(made.incident(rules=["a/../b", "x" * 300, "c d", "e", "f", "g"]))
    assert [link["href"].removeprefix("https://docs.example.com/main/docs/runbooks/") for link in sent["links"]] == [
        "a%2F..%2Fb.md",
        "c%20d.md",
        "e.md",
        "f.md",
    ]
    assert "links" not in trigger(made.incident(rules=[]))


def test_a_change_event() -> None:
    """Node, settings, and their values before and after."""
    assert event.change([made.change()], KEY, "orders")["payload"] == {
        "summary": "orders: settings changed on pg-2: max_standby_streaming_delay 30s → -1 (unlimited)",
        "source": "pg-2",
        "timestamp": "2026-04-10T09:59:03.120Z",
        "custom_details": {"max_standby_streaming_delay": "30s → -1 (unlimited)"},
    }
    unset = event.change([replace(made.change(), from_=None)], KEY, "orders")
    assert unset["payload"]["custom_details"] == {"max_standby_streaming_delay": "unset → -1 (unlimited)"}
