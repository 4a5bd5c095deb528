"""Messages: their text, and that no incident makes one that Slack rejects or that mentions anybody."""

import re
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline.model.alert import Evidence
from leadline.model.ids import IncidentId, NodeName
from leadline.model.incident import Affected, Incident, Step
from leadline.settings.routing import NotifySettings
from leadline_lab.receiver.slack_message import complaint
from leadline_sinks.slack import limits, render
from leadline_sinks.slack.blocks import Message, length
from tests.require import need
from tests.unit.sinks import made
from tests.unit.sinks.slack.shown import shown, texts
from tests.unit.strategies import values

RUNBOOKS = "https://runbooks.example/leadline"
NOTIFY = NotifySettings(runbook_url=RUNBOOKS)
GOLDEN = Path(__file__).parent / "golden"

QUERY = made.cause(
    summary="query pid 4711 on pg-2, 3 min 20 s old, holds a snapshot that replay on pg-2 waits for; "
    "max_standby_streaming_delay = -1 (never) lets it wait for ever; it was 30s until 09:59:03",
    steps=[
        Step(risk="careful", node=NodeName("pg-2"), sql="SELECT pg_terminate_backend(4711)"),
        Step(risk="safe", node=NodeName("pg-2"), sql="ALTER SYSTEM SET max_standby_streaming_delay = '30s'"),
        Step(risk="safe", node=NodeName("pg-2"), sql="SELECT pg_reload_conf()"),
    ],
)
SLOT = made.cause(
    "slot_abandoned",
    summary="slot old_sub on pg-1 keeps 40.2 GB of WAL; no consumer has used it for 3 d 2 h",
    steps=[
        Step(risk="look", node=NodeName("pg-1"), sql="SELECT active_pid FROM pg_replication_slots"),
        Step(risk="look", text="Ask the owner of old_sub whether the slot is still needed"),
        Step(
            risk="destructive",
            node=NodeName("pg-1"),
            database="app",
            sql="SELECT pg_drop_replication_slot('old_sub') WHERE 1 < 2",
        ),
    ],
)
OTHER = made.cause("replay_cannot_keep_up", confidence=0.4, summary="replay on pg-2 is slower than the primary writes")
CASES = {
    "unknown": made.incident(1, causes=[made.UNKNOWN], severity="warning", cause_at=None),
    "open": made.incident(
        3,
        causes=[QUERY, OTHER],
        changes=[made.change()],
        rules=["replication_lag", "config_x"],
        worst_lag_s=62.5,
        affected=Affected(links=["orders/pg-1->pg-2"], nodes=[NodeName("pg-2")]),
    ),
    "returned": made.incident(
        7,
        causes=[QUERY],
        generation=3,
        reopened=[made.later(400), made.later(900)],
        worst_lag_s=62.5,
        affected=Affected(links=["orders/pg-1->pg-2", "orders/pg-2->pg-3", "orders/pg-1->pg-4"]),
    ),
    "merged": made.resolved(5, causes=[QUERY], merged_into=IncidentId("inc_orders_20260410T095900Z_0001")),
    "destructive": made.incident(
        2, causes=[SLOT], severity="warning", title="orders: slot old_sub on pg-1 is inactive"
    ),
    "acknowledged": made.incident(3, causes=[QUERY], acknowledged_by="ada"),
    "resolved": made.resolved(
        5,
        causes=[QUERY, OTHER],
        changes=[made.change()],
        acknowledged_by="ada",
        why="the session of pid 4711 has ended",
        worst_lag_s=298.0,
        affected=Affected(links=["orders/pg-1->pg-2"], nodes=[NodeName("pg-4")]),
    ),
}
"""Incidents whose messages are in `golden/`."""

incidents = st.one_of(values(Incident), st.sampled_from(made.HOSTILE).map(made.hostile))
OURS = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time_secs\}\|[0-9: UTC-]+>|<https://[^<>|\s]+\|[^<>|]*>")
"""The only markup of ours in angle brackets: dates and runbooks."""


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    """The message has the agreed text. To change it, write the new text into the file and read it aloud."""
    assert shown(render.full(CASES[case], NOTIFY)) == (GOLDEN / f"{case}.txt").read_text("utf-8")


def every(incident: Incident) -> list[Message]:
    """Each form of the message."""
    return [render.full(incident, NOTIFY), render.compact(incident, NOTIFY), render.plain(incident)]


def marked_up(message: Message) -> list[str]:
    """The text that Slack interprets as mrkdwn: neither headers nor mobile notifications."""
    without = [block for block in message.blocks if block["type"] != "header"]
    return texts(Message("", tuple(without))) if message.blocks else [message.text]


@given(incidents)
def test_slack_accepts_every_message(incident: Incident) -> None:
    """It is within all limits, the undocumented total included: Slack takes none of a message of which one text is too
    long, or one link no address (sourcegraph/sourcegraph-public-snapshot issue 49979, lightdash/lightdash pull request
    22504, louislam/uptime-kuma issue 941, openobserve/openobserve issue 13742)."""
    for message in every(incident):
        assert complaint({"text": message.text, "blocks": list(message.blocks)}) is None
        assert length(message.blocks) <= limits.PARTS <= limits.TOTAL
        assert len(message.blocks) <= limits.BLOCKS
    assert len(render.fallback(incident)) <= limits.FALLBACK


@given(incidents)
def test_nothing_foreign_is_markup(incident: Incident) -> None:
    """No name mentions anybody, makes a link or ends a code block."""
    for message in every(incident):
        for text in [message.text, *texts(message)]:
            assert not re.search(r"[<>]", OURS.sub("", text))
            assert all(line.isprintable() for line in text.split("\n"))
        for text in marked_up(message):
            assert text.count("```") % 2 == 0
            assert text.replace("```", "").count("`") % 2 == 0


@given(incidents)
def test_the_sdk_agrees(incident: Incident) -> None:
    """The Python SDK of Slack accepts every block."""
    need(find_spec("slack_sdk") is not None, "Slack's SDK: pip install 'leadline[dev]'")
    from slack_sdk.models.blocks import Block

    for block in render.full(incident, NOTIFY).blocks:
        parsed: Any = Block.parse(dict(block))
        assert parsed.to_dict()["type"] == block["type"]


def test_a_large_incident_stays_within_the_budget() -> None:
    """Every text is as long, and every list as full, as possible."""
    ampersands = made.hostile("&" * 5000)
    for message in every(ampersands):
        assert length(message.blocks) <= limits.TOTAL
        assert complaint({"text": message.text, "blocks": list(message.blocks)}) is None


@pytest.mark.parametrize("letters", [1, 120, 121, 1000])
def test_a_long_title_leaves_room_for_the_impact(letters: int) -> None:
    """The title ends in an ellipsis where it is too long; the lag and the time of the first breach follow it."""
    shown_title = texts(render.full(made.incident(title="x" * letters, worst_lag_s=42.0), NOTIFY))[0]
    bad = "; up to 42 s behind, since 10:00 UTC"
    room = limits.HEADER - len("🔴 CRITICAL ") - len(bad)
    title = "x" * letters if letters <= room else "x" * (room - 1) + "…"
    assert shown_title == f"🔴 CRITICAL {title}{bad}"


def test_a_statement_can_be_copied() -> None:
    """Each statement is alone on a line of a code block, unchanged once Slack has read its three escapes."""
    (text,) = [text for text in texts(render.full(CASES["destructive"], NOTIFY)) if "Do this" in text]
    lines = [line for block in re.findall(r"```(.*?)```", text, re.DOTALL) for line in unescape(block).split("\n")]
    assert lines == [f"{step.sql};" for step in SLOT.steps if step.sql]


def test_a_query_is_shown_as_code() -> None:
    """A note that is a query is one code span."""
    fact = made.cause().evidence_for[0]
    facts = [replace(fact, note="SELECT count(*) FROM t"), replace(fact, note="WAL of 16 MB")]
    message = render.full(made.incident(causes=[made.cause(evidence_for=facts)]), NOTIFY)
    evidence = next(text for text in texts(message) if "Evidence" in text).split("\n")
    assert evidence[1].endswith(", `SELECT count(*) FROM t`")
    assert evidence[2].endswith(", WAL of 16 MB")


def test_what_was_not_seen() -> None:
    """It follows the evidence, with what would show it."""
    fact = Evidence(name="pg_stat_activity", node="pg-2", value="hidden", note="grant pg_monitor to the agent")
    message = render.full(made.incident(causes=[made.cause(evidence_for=[], not_seen=[fact])]), NOTIFY)
    (text,) = [text for text in texts(message) if "Evidence" in text]
    assert text.split("\n")[1] == (
        "• _not seen:_ `pg_stat_activity` on `pg-2` = `hidden`, grant `pg_monitor` to the agent"
    )


def test_a_changed_setting_is_shown_once() -> None:
    """It is listed as a change, and not as another possible cause, too."""
    changed = made.cause("config_changed", summary="x was changed")
    with_list = made.incident(causes=[QUERY, changed], changes=[made.change()])
    assert not any(text.startswith("Other") for text in texts(render.full(with_list, NOTIFY)))
    without = made.incident(causes=[QUERY, changed])
    assert any(
        text == "Other possible cause: x was changed (very likely, 94%)" for text in texts(render.full(without, NOTIFY))
    )


def test_runbook_links_are_encoded() -> None:
    """The name of a rule cannot end the link or change its address."""
    message = render.full(made.incident(rules=["a|`b>c/../d e"]), NotifySettings(runbook_url=f"{RUNBOOKS}/|x"))
    link = next(text for text in texts(message) if "Runbook" in text)
    assert link == f"<{RUNBOOKS}/%7Cx/docs/runbooks/a%7C%60b%3Ec%2F..%2Fd%20e.md|Runbook: a¦ˋb&gt;c/../d e>"
