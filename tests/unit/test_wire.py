"""Bytes on the wire: what goes out comes back, the contract's examples stay as they are, and bad input says why."""

import contextlib
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline import wire
from leadline.errors import BadRecord
from leadline.model.action import Action
from leadline.model.alert import Evidence, Subject, Transition
from leadline.model.audit_look import AuditedRole, AuditedSetting, AuditLook
from leadline.model.audit_result import AuditCounts, AuditedFinding, AuditResult, FindingAcceptance, NotJudged
from leadline.model.change_record import ChangeRecord
from leadline.model.delivery import Delivery
from leadline.model.finding import EngineVitals, Finding, FindingReport
from leadline.model.ids import AlertId, ClusterName, IncidentId, LinkId, NodeName
from leadline.model.incident import Cause, Change, Incident, TimelineEntry
from leadline.model.lag import LagRollup
from leadline.model.node import Node
from leadline.model.observation import NodeSettings, Sample, SettingValue, Tick
from leadline.model.replication import Positions
from leadline.model.silence import Silence
from leadline.model.status import LinkStatus, NodeStatus
from leadline.model.verification import (
    ChunkCounts,
    ReportedRow,
    SchemaDifference,
    SequenceDifference,
    TableDifference,
    TableVerification,
    Verification,
)
from tests.unit.strategies import hostile, values

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 4, 10, 10, 0, 3, 120_000, tzinfo=UTC)
ORDERS = ClusterName("orders")
PG1, PG2 = NodeName("pg-1"), NodeName("pg-2")
LINK = LinkId("orders/pg-1->pg-2")
NODE = Node(name=PG2, cluster=ORDERS, boot="b1", datacenter="fra1", version_num=180006, role="standby", timeline=1)

TICK = Tick(at=AT, worker="w1")
SAMPLE = Sample(
    node=NODE,
    seq=7,
    at=AT,
    sent_at=AT + timedelta(milliseconds=4),
    up=True,
    positions=Positions(received_lsn="0/5000200", replayed_lsn="0/5000148", replay_paused=True),
)
SETTINGS = NodeSettings(
    node=NODE,
    seq=8,
    at=AT,
    sent_at=AT,
    settings={"max_standby_streaming_delay": SettingValue(value="-1", unit="ms", source="configuration file")},
)
TRANSITION = Transition(
    alert_id=AlertId("a_5f1c"),
    seq=3,
    cluster=ORDERS,
    datacenter="fra1",
    rule="replication_lag",
    subject=Subject(kind="link", id=LINK, upstream=PG1, downstream=PG2, link_kind="physical"),
    from_="pending",
    to="firing",
    reason="breach",
    severity="critical",
    event_time=AT,
    started_at=AT - timedelta(seconds=30),
    value=42.5,
    threshold=30.0,
    unit="s",
    window_s=30.0,
    verdict="replay_stalled",
    summary="pg-2 is 42.5 s behind pg-1 and not catching up",
    evidence=[Evidence(name="replay_lsn", node=PG2, value="0/5000148", note="unchanged for 40 s")],
    observers=[PG1, PG2],
    runbook="docs/runbooks/replication_lag.md",
    labels={"team": "payments"},
)
INCIDENT = Incident(
    incident_id=IncidentId("inc_orders_20260410T100003Z_7c1e"),
    seq=5,
    cluster=ORDERS,
    datacenters=["fra1"],
    state="open",
    severity="critical",
    title="orders: replay on pg-2 is blocked by a query",
    opened_at=AT - timedelta(seconds=30),
    detected_at=AT,
    cause_at=AT,
    resolved_at=None,
    causes=[
        Cause(
            code="standby_query_blocks_replay",
            confidence=0.94,
            subject=Subject(kind="link", id=LINK),
            summary="query pid 4711 on pg-2 holds a snapshot that replay waits for",
            fix="end the query, or set max_standby_streaming_delay",
            evidence_for=[],
            evidence_against=[],
        )
    ],
    alerts=[AlertId("a_5f1c")],
    changes=[Change(node=PG2, setting="max_standby_streaming_delay", from_="30s", to="-1", at=AT)],
    timeline=[TimelineEntry(at=AT, what="replication_lag fires")],
    labels={},
)
ROLLUP = LagRollup(
    cluster=ORDERS,
    datacenter="fra1",
    link=LINK,
    upstream=PG1,
    downstream=PG2,
    link_kind="physical",
    window_s=10.0,
    start=AT,
    end=AT + timedelta(seconds=10),
    samples=10,
    lag_min_s=0.0,
    lag_avg_s=0.5,
    lag_max_s=2.0,
    lag_last_s=None,
    bytes_max=1024,
    bytes_last=None,
    verdict="catching_up",
    verdicts={"catching_up": 10},
)
LINK_STATUS = LinkStatus(
    cluster=ORDERS,
    datacenter="fra1",
    link=LINK,
    upstream=PG1,
    downstream=PG2,
    link_kind="physical",
    verdict="catching_up",
    since=AT,
    connected=True,
    lag_s=2.5,
    behind=1024,
    observers=[PG1, PG2],
    at=AT + timedelta(seconds=1),
)
NODE_STATUS = NodeStatus(
    cluster=ORDERS,
    datacenter="fra1",
    node=PG1,
    engine="postgresql",
    version="18.6",
    role="primary",
    health="up",
    since=AT,
    position="0/5000200",
    write_rate=100_000.0,
    at=AT + timedelta(seconds=1),
)
FINDINGS = FindingReport(
    cluster=ORDERS,
    source="audit",
    boot="b1",
    seq=1,
    sent_at=AT,
    valid_s=3600.0,
    findings=[
        Finding(
            rule="config_finding",
            subject=Subject(kind="setting", id="orders/pg-1/setting/fsync", node=PG1, name="fsync"),
            value=1.0,
            summary="fsync is off on pg-1",
            node=PG1,
        )
    ],
)
ACTION = Action(
    action_id="act_1", incident_id=INCIDENT.incident_id, kind="acknowledge", by="ada@example.org", text="on it", at=AT
)
SILENCE = Silence(
    silence_id="sil_1",
    matchers={"cluster": "orders*", "label.team": "payments"},
    starts_at=AT,
    ends_at=AT + timedelta(hours=2),
    created_by="ada@example.org",
    comment="upgrade",
)
DELIVERY = Delivery(
    incident_id=INCIDENT.incident_id,
    target="slack",
    sink="slack",
    outcome="sent",
    at=AT,
    seq=5,
    occasion="opened",
    severity="critical",
    state="open",
    first_at=AT,
    told_until=AT,
    actions=["act_1"],
    receipt={"channel": "C024BE91L", "ts": "1775815203.000100"},
)
LOOK = AuditLook(
    node=PG2,
    cluster=ORDERS,
    at=AT,
    round_trip_s=0.004,
    asked_at=AT,
    login="leadline",
    settings={"max_standby_streaming_delay": AuditedSetting(value="-1", unit="ms", source="configuration file")},
    roles=(AuditedRole(name="replicator", superuser=False, replication=True, login=True),),
    unseen={"hba": "leadline may not read pg_hba_file_rules"},
)
AUDITED = AuditResult(
    audit_id="orders/2026-04-10T10:00:03.120Z",
    cluster=ORDERS,
    audited_at=AT,
    facts_as_of="2026-04-01",
    nodes=(PG1, PG2),
    score=95,
    counts=AuditCounts(warning=1, accepted=1, held=140, not_judged=1),
    findings=(
        AuditedFinding(
            finding_id="f_0123456789ab",
            rule="PG-SBY-001",
            title="Queries on a standby may stop replay for ever",
            severity="warning",
            subject=Subject(kind="node", id="orders/pg-2", node=PG2),
            nodes=(PG2,),
            summary="pg-2 lets queries stop replay for ever",
            value="max_standby_streaming_delay = -1",
            since=AT,
            accepted=FindingAcceptance(owner="ada", reason="reports run there", until="2026-06-30"),
        ),
    ),
    not_judged=(NotJudged(rule="PG-SEC-001", subject="orders/pg-1", reason="pg-1: hba was not read"),),
)
VERIFICATION = Verification(
    cluster=ORDERS,
    link=LinkId("orders/pg-1->pg-4/s"),
    upstream=PG1,
    downstream=NodeName("pg-4"),
    link_kind="logical",
    name="s",
    run_id="run_1",
    started_at=AT - timedelta(seconds=90),
    ended_at=AT,
    asked_at=AT - timedelta(days=30),
    outcome="different",
    canary="found",
    tables=[
        TableVerification(
            table="public.items",
            rows_compared=20_000,
            upstream_rows=20_000,
            downstream_rows=19_990,
            coverage=1.0,
            chunks=ChunkCounts(matching=1, different=1),
            difference=TableDifference(
                table="public.items",
                changed=1,
                first=[ReportedRow(kind="changed", key="id=5", columns=["price"])],
                signs=[Evidence(name="updates_not_published", value="publish = 'insert'", node=PG1)],
            ),
            equal_at=AT - timedelta(days=1),
        )
    ],
    schema_differences=[
        SchemaDifference(code="column_missing", table="public.items", detail="note is not on pg-4", breaks=True)
    ],
    sequences_behind=[
        SequenceDifference(
            sequence="public.items_id_seq", upstream_value=20_000, downstream_value=1, used_by="public.items.id"
        )
    ],
    equal_at=AT - timedelta(days=1),
)
CHANGED = ChangeRecord(
    change_id="orders/pg-1/max_slot_wal_keep_size/2026-04-10T10:00:03.120Z",
    cluster=ORDERS,
    datacenter="fra1",
    change=Change(
        node=PG1,
        setting="max_slot_wal_keep_size",
        from_="10GB",
        to="1GB",
        at=AT,
        after=AT - timedelta(seconds=1),
        source="configuration file",
        file="/etc/postgresql/17/main/postgresql.conf",
        line=812,
    ),
)
EXAMPLES: dict[str, tuple[wire.Codec[Any], Any]] = {
    "samples_tick": (wire.OBSERVATIONS, TICK),
    "samples_findings": (wire.OBSERVATIONS, FINDINGS),
    "status_link": (wire.STATUS, LINK_STATUS),
    "status_node": (wire.STATUS, NODE_STATUS),
    "samples_sample": (wire.OBSERVATIONS, SAMPLE),
    "samples_settings": (wire.OBSERVATIONS, SETTINGS),
    "samples_audit": (wire.OBSERVATIONS, LOOK),
    "alerts": (wire.ALERTS, TRANSITION),
    "incidents": (wire.INCIDENTS, INCIDENT),
    "lag": (wire.LAG, ROLLUP),
    "verifications": (wire.VERIFICATIONS, VERIFICATION),
    "audits": (wire.AUDITS, AUDITED),
    "changes": (wire.CHANGES, CHANGED),
    "actions": (wire.ACTIONS, ACTION),
    "silences": (wire.SILENCES, SILENCE),
    "deliveries": (wire.DELIVERIES, DELIVERY),
}
each_codec = pytest.mark.parametrize("codec", wire.CODECS.values(), ids=lambda codec: codec.name)
each_example = pytest.mark.parametrize("name", EXAMPLES)
strict_json = {"parse_constant": lambda constant: pytest.fail(f"{constant} is not JSON")}


def refused(codec: wire.Codec[Any], data: bytes | None) -> BadRecord:
    """The error that decoding gives; anything but BadRecord fails the test."""
    with pytest.raises(BadRecord) as caught:
        codec.decode(data)
    assert caught.value.reason in wire.BAD_RECORD_REASONS
    return caught.value


def changed(value: Any, path: str, to: object) -> bytes:
    """The bytes of a value with one field replaced."""
    plain = json.loads(wire.encode(value))
    *parents, last = path.split(".")
    inner = plain
    for parent in parents:
        inner = inner[parent]
    inner[last] = to
    return json.dumps(plain).encode()


@pytest.mark.slow
@each_codec
@given(data=st.data())
def test_what_goes_out_comes_back(codec: wire.Codec[Any], data: st.DataObject) -> None:
    """Every value survives encoding and decoding unchanged."""
    value = data.draw(values(codec.decoder.type))
    assert codec.decode(wire.encode(value)) == value


@each_example
def test_golden_bytes(name: str) -> None:
    """The bytes are part of the contract: a difference here breaks somebody's consumer."""
    codec, value = EXAMPLES[name]
    golden = (GOLDEN / f"{name}.json").read_bytes().rstrip(b"\n")
    assert wire.encode(value) == golden
    assert codec.decode(golden) == value


def test_every_topic_has_golden_bytes() -> None:
    """No value goes on the wire without an example of its bytes."""
    assert {codec.name for codec, _ in EXAMPLES.values()} == set(wire.CODECS)


@each_example
def test_unknown_fields_are_ignored(name: str) -> None:
    """A newer writer does not stop an older reader."""
    codec, value = EXAMPLES[name]
    assert codec.decode(changed(value, "from_the_future", {"a": [1, {}]})) == value


@pytest.mark.parametrize(
    ("value", "field", "to", "path"),
    [
        (SAMPLE, "seq", "7", "$.seq"),
        (SAMPLE, "seq", -1, "$.seq"),
        (SAMPLE, "seq", 2**63, "$.seq"),
        (SAMPLE, "seq", 10**40, "$.seq"),
        (SAMPLE, "up", 1, "$.up"),
        (SAMPLE, "at", "2026-04-10T10:00:03", "$.at"),
        (SAMPLE, "at", 1775815203, "$.at"),
        (SAMPLE, "at", "2026-02-30T00:00:00Z", "$.at"),
        (SAMPLE, "kind", "smaple", "$.kind"),
        (SAMPLE, "node.name", "", "$.node.name"),
        (SAMPLE, "node.cluster", "x" * 256, "$.node.cluster"),
        (SAMPLE, "node.role", "leader", "$.node.role"),
        (SAMPLE, "positions.replayed_lsn", 5, "$.positions.replayed_lsn"),
        (SAMPLE, "positions.replayed_lsn", "0" * 18, "$.positions.replayed_lsn"),
        (SAMPLE, "slots", [{"name": "s"}, {"name": None}], "$.slots[1].name"),
        (SETTINGS, "settings.max_standby_streaming_delay.value", None, "$.settings[...].value"),
        (TRANSITION, "severity", "panic", "$.severity"),
        (INCIDENT, "causes", None, "$.causes"),
        (ROLLUP, "verdicts", {"healthy": 1.5}, "$.verdicts[...]"),
    ],
)
def test_an_error_names_the_path(value: Any, field: str, to: object, path: str) -> None:
    """A wrong field is refused with the path that leads to it."""
    codec = next(codec for codec, example in EXAMPLES.values() if example is value)
    error = refused(codec, changed(value, field, to))
    assert (error.reason, error.detail.endswith(f"`{path}`")) == (wire.INVALID, True), error.detail


@each_example
def test_a_missing_field_is_named(name: str) -> None:
    """A record without a field that it must have is refused by the field's name."""
    codec, value = EXAMPLES[name]
    field = next(name for name in ("at", "cluster", "ends_at") if name in value.__struct_fields__)
    plain = json.loads(wire.encode(value))
    del plain[field]
    error = refused(codec, json.dumps(plain).encode())
    assert (error.reason, f"`{field}`" in error.detail) == (wire.INVALID, True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, wire.EMPTY),
        (b"", wire.EMPTY),
        (b"\0", wire.NOT_JSON),
        (b"{", wire.NOT_JSON),
        (b"\x80\x04K\x01.", wire.NOT_JSON),
        (b"\xff\xfe{}", wire.NOT_JSON),
        (b"\xef\xbb\xbf{}", wire.NOT_JSON),
        (wire.encode(TICK)[:-1], wire.NOT_JSON),
        (wire.encode(TICK) + b"}", wire.NOT_JSON),
        (b'{"kind":"tick","at":"2026-01-01T00:00:00Z","worker":"\xff"}', wire.NOT_JSON),
        (b'{"kind":"tick","at":"2026-01-01T00:00:00Z","worker":"\\ud800"}', wire.NOT_JSON),
        (b'{"kind":"tick","at":NaN}', wire.NOT_JSON),
        (b'{"kind":"tick","at":"2026-01-01T00:00:00Z","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", wire.NOT_JSON),
        (b"[" * 100_000, wire.NOT_JSON),
        (b'["oracle","pg-1"]', wire.INVALID),
        (b'["postgresql","pg-1","b1",7]', wire.INVALID),
        (b"null", wire.INVALID),
        (b"1e999", wire.INVALID),
        (b" " * (wire.MAX_OBSERVATION_BYTES + 1), wire.TOO_LARGE),
    ],
    ids=lambda part: repr(part[:24]) if part else "none",
)
def test_garbage_is_refused_with_its_reason(data: bytes | None, reason: str) -> None:
    """Every kind of broken record has its own reason."""
    assert refused(wire.OBSERVATIONS, data).reason == reason


@pytest.mark.parametrize(
    "written", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "\\u0039999-12-31T23:59:59-23:59"]
)
@pytest.mark.parametrize(
    "name", ["samples_sample", "incidents", "lag", "status_link", "silences", "deliveries", "actions"]
)
def test_a_time_that_cannot_be_written_is_refused(name: str, written: str) -> None:
    """In every time field of every topic: whatever is made of it could be neither saved nor sent."""
    codec = wire.CODECS[name.partition("_")[0]]
    text = (GOLDEN / f"{name}.json").read_text()
    codec.decode(text.encode())
    times = {found.start() for found in re.finditer(r"2\d{3}-\d\d-\d\dT[0-9:.]+Z", text)}
    assert times
    for start in times:
        end = text.index("Z", start) + 1
        with pytest.raises(BadRecord):
            codec.decode(f"{text[:start]}{written}{text[end:]}".encode())


def test_the_size_limit_is_inclusive() -> None:
    """A value of exactly the limit is read."""
    data = wire.encode(TICK)
    assert wire.OBSERVATIONS.decode(data + b" " * (wire.MAX_OBSERVATION_BYTES - len(data))) == TICK


@given(value=values(EngineVitals))
def test_vitals_come_back(value: EngineVitals) -> None:
    """They are read from the topic of the samples, and have no headers."""
    record = wire.outgoing_vitals(value, "orders", "leadline.")
    assert (record.topic, record.key, record.headers) == ("leadline.samples", b"orders", [])
    assert wire.OBSERVATIONS.decode(record.value) == value


@each_codec
@given(data=st.binary(max_size=200))
def test_random_bytes_never_crash(codec: wire.Codec[Any], data: bytes) -> None:
    """No byte string is a value by chance, and none gives another error than BadRecord."""
    refused(codec, data)


@each_example
@given(data=st.data())
def test_damaged_records_never_crash(name: str, data: st.DataObject) -> None:
    """A record with a piece overwritten is still the value, or refused."""
    codec, value = EXAMPLES[name]
    good = wire.encode(value)
    start = data.draw(st.integers(0, len(good)))
    bad = good[:start] + data.draw(st.binary(max_size=5)) + good[start + data.draw(st.integers(0, 5)) :]
    with contextlib.suppress(BadRecord):
        wire.encode(codec.decode(bad))


def test_a_long_value_does_not_flood_the_error() -> None:
    """The detail is bounded, and keeps what is wrong and where."""
    error = refused(wire.OBSERVATIONS, changed(SAMPLE, "kind", "x" * 100_000))
    assert len(error.detail) <= 500
    assert error.detail.startswith("Invalid value 'xxx")
    assert error.detail.endswith("`$.kind`")


@given(text=st.one_of(hostile, st.text(st.characters(codec=None), max_size=20)))
def test_any_text_of_a_database_can_be_written(text: str) -> None:
    """Also text that is not Unicode: it arrives with the surrogates replaced."""
    data = wire.encode(Tick(at=AT, worker=text))
    assert wire.OBSERVATIONS.decode(data) == Tick(at=AT, worker=text.encode("utf-8", "replace").decode())


def test_ten_kilobytes_of_text_survive() -> None:
    """A long query text is no reason to lose a sample."""
    tick = Tick(at=AT, worker="é\0" * 5000)
    assert wire.OBSERVATIONS.decode(wire.encode(tick)) == tick


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_no_number_is_null(number: float) -> None:
    """NaN and infinity are not JSON; they are written as "not known"."""
    data = wire.encode(msgspec.structs.replace(TRANSITION, value=number))
    assert json.loads(data, **strict_json)["value"] is None
    assert wire.ALERTS.decode(data).value is None


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (AT, "2026-04-10T10:00:03.120Z"),
        (AT.astimezone(timezone(timedelta(hours=2))), "2026-04-10T10:00:03.120Z"),
        (AT.replace(microsecond=999_999), "2026-04-10T10:00:03.999Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_utc_with_milliseconds(moment: datetime, text: str) -> None:
    """One way to write a time, wherever it was read."""
    assert wire.timestamp(moment) == text


@pytest.mark.parametrize(
    "moment", [datetime(2026, 1, 1), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))], ids=["naive", "year 0"]
)
def test_a_time_that_means_nothing_is_not_written(moment: datetime) -> None:
    """A time without a zone, or outside the calendar, is a mistake of the caller."""
    with pytest.raises(ValueError, match=r"zone|years"):
        wire.timestamp(moment)
    with pytest.raises(ValueError, match=r"zone|years"):
        wire.encode(Tick(at=moment))


@pytest.mark.parametrize(
    ("name", "topic", "key", "ident", "source", "subject"),
    [
        ("samples_sample", "leadline.samples", b"orders", b"orders/pg-2/b1/7", b"/agents/orders/pg-2", b"pg-2"),
        ("samples_settings", "leadline.samples", b"orders", b"orders/pg-2/b1/8", b"/agents/orders/pg-2", b"pg-2"),
        ("samples_tick", "leadline.samples", None, b"tick/w1/2026-04-10T10:00:03.120Z", b"/streams/w1", b"tick"),
        ("alerts", "leadline.alerts", b"orders", b"a_5f1c:3", b"/streams/orders", b"orders/pg-1->pg-2"),
        (
            *("incidents", "leadline.incidents", INCIDENT.incident_id.encode()),
            *(INCIDENT.incident_id.encode() + b":5", b"/streams/orders", b"orders"),
        ),
        (
            *("lag", "leadline.lag", b"orders", b"orders/pg-1->pg-2:10:2026-04-10T10:00:13.120Z"),
            *(b"/streams/orders", b"orders/pg-1->pg-2"),
        ),
    ],
)
def test_address(name: str, topic: str, key: bytes | None, ident: bytes, source: bytes, subject: bytes) -> None:
    """Topic, key and CloudEvents attributes of each value."""
    codec, value = EXAMPLES[name]
    record = wire.outgoing(value, "leadline.")
    headers = dict(record.headers)
    assert (record.topic, record.key, record.value) == (topic, key, wire.encode(value))
    assert (headers["ce_id"], headers["ce_source"]) == (ident, source)
    assert headers["ce_type"] == f"io.leadline.{codec.name}.v1".encode()
    assert (headers["ce_specversion"], headers["content-type"]) == (b"1.0", b"application/json")
    if codec is wire.OBSERVATIONS:
        assert len(headers) == 5, "CloudEvents requires no more, and there are very many of these records"
        return
    assert headers["ce_subject"] == subject
    assert headers["ce_dataschema"] == f"urn:leadline:schema:{codec.name}:v1".encode()
    assert wire.timestamp(datetime.fromisoformat(headers["ce_time"].decode())).encode() == headers["ce_time"]


@given(cluster=st.text(st.characters(codec=None), min_size=1), node=st.text(st.characters(codec=None), min_size=1))
def test_names_cannot_forge_headers(cluster: str, node: str) -> None:
    """Whatever a cluster is called, header values are visible ASCII."""
    there = Node(name=NodeName(node), cluster=ClusterName(cluster), boot="b\r\n1")
    record = wire.outgoing(Sample(node=there, seq=0, at=AT, sent_at=AT, up=False), "leadline.")
    assert all(0x21 <= byte <= 0x7E for _, value in record.headers for byte in value)


def test_two_nodes_never_share_an_event_id() -> None:
    """A slash in a name is not a separator: redelivery is recognized by the event id."""
    ids = set()
    for cluster, name in (("a/b", "c"), ("a", "b/c")):
        node = Node(name=NodeName(name), cluster=ClusterName(cluster), boot="1")
        ids.add(dict(wire.outgoing(Sample(node=node, seq=0, at=AT, sent_at=AT, up=False), "").headers)["ce_id"])
    assert len(ids) == 2
