"""Recorded answers of every version as observations: complete, without secrets, without zeros for absent values."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import asdict, replace

from leadline import wire
from leadline.model.ids import ClusterName, NodeName
from leadline.model.node import Node
from leadline.model.observation import NodeSettings, Sample
from leadline_agents.engines.postgresql import answers, observations
from leadline_agents.engines.postgresql.answers import FilesAnswer, LookAnswer

DOCUMENTS = Path(__file__).parent / "documents"
MAJORS = range(13, 19)
NOW = datetime(2026, 4, 10, 10, 0, tzinfo=UTC)
NODE = Node(
    name=NodeName("pg-2"), cluster=ClusterName("orders"), boot="b", host="db2", port=5432, aliases=("10.0.0.2:5432",)
)


def look(name: str) -> LookAnswer:
    return answers.read_look((DOCUMENTS / f"{name}.json").read_bytes())


def sample(seen: LookAnswer, **known: Any) -> Sample:
    arguments = {"sent_at": NOW, "query_text": "masked", "reply_ages": {}} | known
    return observations.sample_of(NODE, seen, **arguments)


def changed(name: str, **node: Any) -> LookAnswer:
    seen = look(name)
    return replace(seen, node=replace(seen.node, **node))


@pytest.mark.parametrize("major", MAJORS)
def test_primary(major: int) -> None:
    """A primary has a position, downstreams of both kinds, slots and an archiver."""
    seen = sample(look(f"{major}-primary"))
    assert seen.up
    assert (seen.node.role, seen.node.version_num // 10000) == ("primary", major)
    assert seen.positions is not None
    assert seen.positions.current_lsn
    assert seen.positions.replayed_lsn is None
    assert [(d.name, d.kind, d.state) for d in seen.downstreams] == [
        ("pg-2", "physical", "streaming"),
        ("pg_3", "logical", "streaming"),
    ]
    assert [(s.name, s.kind, s.active, s.wal_status) for s in seen.slots] == [
        ("pg_2", "physical", True, "reserved"),
        ("pg_3", "logical", True, "reserved"),
    ]
    assert seen.archiver is not None
    assert seen.archiver.ready is None
    assert seen.upstream is None
    assert seen.conflicts == {}
    assert seen.not_permitted == ()


@pytest.mark.parametrize("major", MAJORS)
def test_standby(major: int) -> None:
    """A standby has its upstream, and the session that holds up its replay."""
    seen = sample(look(f"{major}-standby"))
    assert seen.node.role == "standby"
    assert seen.node.timeline == 1
    assert seen.positions is not None
    assert seen.positions.startup_wait == "Lock/relation"
    assert seen.positions.received_lsn != seen.positions.replayed_lsn
    assert seen.upstream is not None
    assert (seen.upstream.host, seen.upstream.slot, seen.upstream.application_name) == ("127.0.0.1", "pg_2", "pg-2")
    assert seen.upstream.configured
    assert seen.upstream.status == "streaming"
    assert set(seen.conflicts) == {"app", "postgres", "template1"}
    assert seen.conflicts["app"]["lock"] == 0
    assert ("active_logicalslot" in seen.conflicts["app"]) == (major >= 16)
    assert seen.archiver is None
    assert seen.activity is not None
    (blocker,) = seen.activity.blockers
    assert blocker.holds == "AccessShareLock on public.items"
    assert blocker.application == "shop"
    assert blocker.query == "SELECT * FROM items WHERE note <> ?"


@pytest.mark.parametrize("major", MAJORS)
def test_subscriber(major: int) -> None:
    """A subscriber has its worker, its tables and its blockers, and each counter since the version that has it."""
    seen = sample(look(f"{major}-subscriber"))
    (subscription,) = seen.subscriptions
    assert (subscription.name, subscription.database, subscription.slot) == ("pg_3", "app", "pg_3")
    assert subscription.enabled
    assert subscription.pid
    assert subscription.workers == 1
    assert subscription.wait == "Lock/relation"
    assert subscription.tables == {"r": 1}
    assert subscription.unsynced == ()
    assert seen.activity is not None
    assert list(subscription.blocked_by) == [blocker.pid for blocker in seen.activity.blockers]
    assert (subscription.apply_errors is not None) == (major >= 15)
    assert (subscription.origin is not None) == (major >= 16)
    assert (subscription.failover is not None) == (major >= 17)
    assert (subscription.conflicts != {}) == (major >= 18)


@pytest.mark.parametrize("file", sorted(DOCUMENTS.glob("*-*.json")), ids=lambda file: file.stem)
def test_no_secret_gets_out(file: Path) -> None:
    """Neither the password of primary_conninfo nor a literal of a query is on the wire, which can be decoded."""
    if file.stem.endswith("settings"):
        seen: Sample | NodeSettings = observations.settings_of(
            NODE, answers.read_settings(file.read_bytes()), sent_at=NOW
        )
    else:
        seen = sample(answers.read_look(file.read_bytes()))
    assert b"secret" in file.read_bytes()
    encoded = wire.encode(seen)
    assert b"secret" not in encoded
    assert wire.encode(wire.OBSERVATIONS.decode(encoded)) == encoded


@pytest.mark.parametrize("major", MAJORS)
def test_settings(major: int) -> None:
    """Values with unit, source and pending restart, as the server reports them."""
    answer = (DOCUMENTS / f"{major}-settings.json").read_bytes()
    seen = observations.settings_of(NODE, answers.read_settings(answer), sent_at=NOW)
    assert seen.node == NODE
    assert seen.settings["max_standby_streaming_delay"].unit == "ms"
    assert seen.settings["wal_level"].source == "configuration file"
    assert seen.settings["primary_conninfo"].value.startswith("user=replicator")
    assert ("sync_replication_slots" in seen.settings) == (major >= 17)


def test_groups_that_are_not_permitted_are_absent_and_named() -> None:
    """For a role that reads only NULLs no empty list is sent that looks healthy."""
    rights = {"may_read_stats": False, "may_read_settings": False, "may_list_wal": False}
    for name in ("18-primary", "18-standby"):
        seen = sample(changed(name, **rights))
        assert seen.not_permitted == ("downstreams", "upstream", "activity", "disk", "settings")
        assert seen.downstreams == ()
        assert seen.upstream is None
        assert seen.activity is None
        assert seen.up


def test_the_address_of_the_connection_is_an_alias() -> None:
    """The address at which the server accepted the connection comes after the configured aliases."""
    node = sample(changed("18-primary", address="10.0.0.9", port=5433)).node
    assert node.aliases == ("10.0.0.2:5432", "10.0.0.9:5433")
    assert (node.host, node.port, node.boot) == ("db2", 5432, "b")
    assert sample(changed("18-primary", address=None)).node.aliases == ("10.0.0.2:5432",)


@pytest.mark.parametrize(
    ("row", "host", "port", "name", "configured"),
    [
        ({"conninfo": "host=a,b port=1,2 application_name=x"}, "a", 1, "x", True),
        ({"conninfo": "host=a,b port=1,2", "sender_host": "b", "sender_port": 2}, "b", 2, "walreceiver", True),
        ({"conninfo": "hostaddr=10.0.0.1", "cluster_name": "c"}, "10.0.0.1", 5432, "c", True),
        ({"conninfo": "host=/run/postgresql port=none"}, "/run/postgresql", 5432, "walreceiver", True),
        ({"conninfo": "service=main"}, "", 0, "walreceiver", True),
        ({"conninfo": "not a connection string"}, "", 0, "walreceiver", True),
        ({"conninfo": ""}, "", 0, "walreceiver", False),
        ({}, "", 0, "walreceiver", True),
    ],
)
def test_the_upstream_of_a_standby(row: dict[str, Any], host: str, port: int, name: str, configured: bool) -> None:
    """The receiver's connection comes before the connection string; unknown is not "not configured"."""
    seen = sample(replace(look("18-standby"), upstream=answers.UpstreamAnswer(**row)))
    assert seen.upstream is not None
    upstream = seen.upstream
    assert (upstream.host, upstream.port, upstream.application_name, upstream.configured) == (
        host,
        port,
        name,
        configured,
    )


def test_the_wal_directory_when_it_was_listed() -> None:
    """Its size and the archive's backlog are in that sample, and its volume when it is on this machine."""
    files = FilesAnswer(wal_files=3, wal_bytes=48, ready=2)
    seen = sample(look("18-primary"), files=files, free=(10, 100))
    assert seen.archiver is not None
    assert seen.archiver.ready == 2
    assert seen.disk is not None
    assert asdict(seen.disk) == {"wal_bytes": 48, "wal_files": 3, "free_bytes": 10, "total_bytes": 100}
    remote = sample(look("18-standby"), files=files)
    assert remote.disk is not None
    assert remote.disk.free_bytes is None


def test_the_age_of_replies_is_measured_by_the_agent() -> None:
    """reply_time itself, on another host's clock, is not sent."""
    pid = look("18-primary").downstreams[0].pid
    first, second = sample(look("18-primary"), reply_ages={pid: 2.5}).downstreams
    assert first.reply_age_s == 2.5
    assert second.reply_age_s is None


def test_bytes_that_are_not_text_are_replaced() -> None:
    """A database in SQL_ASCII may have any byte in a name or a query."""
    answer = (DOCUMENTS / "18-standby.json").read_bytes().replace(b'"shop"', b'"sh\xff\xfep"')
    seen = sample(answers.read_look(answer))
    assert seen.activity is not None
    assert seen.activity.blockers[0].application == "sh\ufffd\ufffdp"


def test_an_answer_of_another_shape_is_refused_with_its_path() -> None:
    """The types of an answer are checked."""
    with pytest.raises(msgspec.ValidationError, match=r"\$\.node\.version_num"):
        answers.read_look(
            (DOCUMENTS / "18-primary.json").read_bytes().replace(b'"version_num": 180006', b'"version_num": "x"')
        )


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"replay_lsn": None}, "backup"),
        ({"replay_lsn": None, "write_lsn": None, "flush_lsn": None}, "physical"),
        ({"replay_lsn": None, "write_lsn": None, "flush_lsn": None, "name": "pg_receivewal"}, "backup"),
        ({}, "physical"),
    ],
)
def test_a_sender_whose_replies_name_no_replay_serves_a_backup(fields: dict[str, Any], kind: str) -> None:
    """A standby names its replayed position in its first reply; a program that only keeps WAL never does."""
    seen = look("18-primary")
    rows = [replace(row, **fields) if row.kind == "physical" else row for row in seen.downstreams]
    assert [row.kind for row in sample(replace(seen, downstreams=rows)).downstreams] == [kind, "logical"]
