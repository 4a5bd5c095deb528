"""The check of all advice, on real servers: it finds what is in use, and fails the test in which it was proposed."""

from collections.abc import Iterator

import psycopg
import pytest

from leadline.model.activity import Session
from leadline.model.alert import Subject
from leadline.model.incident import Cause, Step
from leadline_lab.faults.topologies import Logical, Pair, make_logical
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_streams.causes import slot_abandoned
from leadline_streams.engines.postgresql.statements import drop_slot, end_session, rebuild_standby
from tests.fixtures.fleets import own
from tests.zoo.advice import in_use
from tests.zoo.observation import Observation, quick


@pytest.fixture
def logical() -> Iterator[Logical]:
    with own(make_logical) as logical:
        yield logical


def dsns(*servers: Server) -> dict[str, str]:
    return {server.name: server.dsn(user=AGENT) for server in servers}


def found(step: Step, servers: dict[str, str], node: str = "pg-1") -> list[str]:
    about = Subject(kind="node", id=f"zoo/{node}", node=node)
    cause = Cause(
        code="made_up", confidence=1.0, subject=about, summary="", fix="", evidence_for=[], evidence_against=[]
    )
    return list(in_use(cause, step, servers))


def test_what_is_in_use_on_a_pair_is_found(pair: Pair) -> None:
    """A slot that is read, a standby that streams, a primary that takes writes, and steps that nothing can check."""
    servers = dsns(pair.primary, pair.standby)
    assert any("reads slot pg_2" in one for one in found(drop_slot("pg-1", "pg_2"), servers))
    assert any("has primary_slot_name = pg_2" in one for one in found(drop_slot("pg-1", "pg_2"), servers))
    assert found(drop_slot("pg-1", "no_such_slot"), servers) == []
    assert any("pg-2 streams" in one for one in found(rebuild_standby("pg-2", "pg-1"), servers))
    assert any("pg-1 takes writes" in one for one in found(rebuild_standby("pg-1", "pg-2"), servers))
    assert found(Step(risk="destructive", text="promote the standby"), servers) == ["pg-1 takes writes"]
    assert found(Step(risk="destructive", text="Remove everything"), servers) == ["nothing checks such a step"]
    assert found(Step(risk="destructive", node="pg-1", sql="TRUNCATE items"), servers)


def test_a_subscription_that_exists_uses_its_slot(logical: Logical) -> None:
    """Also while it is disabled, and its publications while one of them is there; what never failed is not skipped."""
    servers = {server.name: server.dsn(logical.database, AGENT) for server in (logical.publisher, logical.subscriber)}
    logical.disable()
    slot = "SELECT 1 FROM pg_replication_slots WHERE NOT active AND slot_name = 'pg_3'"
    eventually("nobody reads the slot", lambda: bool(logical.publisher.query(slot)))
    assert found(drop_slot("pg-1", "pg_3"), servers) == ["subscription pg_3 reads a slot pg_3"]
    advance = "SELECT pg_replication_slot_advance('pg_3', pg_current_wal_flush_lsn())"
    assert any(
        "is still read from it" in one for one in found(Step(risk="destructive", node="pg-1", sql=advance), servers)
    )
    skip = "ALTER SUBSCRIPTION pg_3 SKIP (lsn = '0/1')"
    assert found(Step(risk="destructive", node="pg-3", sql=skip), servers) == ["subscription pg_3 never failed"]


def test_a_test_fails_in_which_a_slot_in_use_is_proposed_for_dropping(
    logical: Logical, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judgement that takes every slot without a reader for one whose owner is gone: a defect that is made up."""
    monkeypatch.setattr(slot_abandoned, "owners_of", lambda *_: [])
    monkeypatch.setattr(slot_abandoned, "orphan_of", lambda *_: "somebody")
    agents = {server.name: server.dsn(logical.database, AGENT) for server in (logical.publisher, logical.subscriber)}
    observation = Observation(agents, quick())
    observation.start_agents({}, {})
    logical.disable()
    try:
        eventually("the advice is found out", lambda: bool(observation.advice.problems), 30.0)
    finally:
        with pytest.raises(AssertionError, match="destroys what is in use"):
            observation.close()
    assert any("pg_drop_replication_slot('pg_3')" in step for *_, step in observation.advice.proposed)
    assert "subscription pg_3 reads a slot pg_3" in observation.advice.problems[0]


def test_a_session_is_not_ended_whose_commit_waits(pair: Pair) -> None:
    """The statement that was left out is one that the check would have found."""
    servers = dsns(pair.primary, pair.standby)
    pair.primary.configure(synchronous_standby_names="nobody")
    try:
        with psycopg.connect(pair.primary.dsn(), autocommit=True) as client:
            pid = client.info.backend_pid
            client.pgconn.send_query(b"CREATE TABLE waits (n int)")
            wait = "SELECT wait_event_type || '/' || wait_event FROM pg_stat_activity WHERE pid = %s"
            eventually("it waits", lambda: pair.primary.value(wait, [pid]) == "IPC/SyncRep")
            ends = f"SELECT pg_terminate_backend({pid})"
            assert found(Step(risk="careful", node="pg-1", sql=ends), servers) == ["its commit waits for a standby"]
            assert end_session("pg-1", Session(pid=pid, wait="IPC/SyncRep")) == []
            pair.primary.configure(synchronous_standby_names=None)
            client.pgconn.get_result()
            client.pgconn.get_result()
            client.execute("DROP TABLE waits")
    finally:
        pair.primary.configure(synchronous_standby_names=None)
