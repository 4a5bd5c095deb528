"""Advice that went wrong for people who followed it: what is proposed where the thing is still needed.

Every step that is proposed is also held against the servers, see ``tests.zoo.advice``.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from leadline_lab.faults.topologies import LOGGED, Logical, Pair, make_logical, make_pair
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import write_wal, writing
from tests.fixtures.fleets import own
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import Watching, watched

GRANTS = (Path(__file__).parents[2] / "deploy" / "sql" / "server_log.sql").read_text()
SLOTS = ("fly-apps/postgres-flex#65", "patroni/patroni#3415", "EnterpriseDB/repmgr#452")
REBUILDS = (
    "GitLab: postmortem of the database outage of 2017-01-31",
    "patroni/patroni#2270",
    "EnterpriseDB/repmgr#264",
)
SKIPS = ("PostgreSQL docs: Logical Replication, Conflicts", "pgEdge/spock#40", "Nextdoor/pg-bifrost#63")
ENDS = ("patroni/patroni#1412", "neondatabase/neon#250", "EnterpriseDB/barman#333")
SYNCHRONOUS = ("hapostgres/pg_auto_failover#535", "sorintlab/stolon#514", "timescale/docs.timescale.com-content#121")


def destroys(seen: Watching) -> list[str]:
    """Every destructive step that was proposed so far, of any cause."""
    return [words for _, risk, _, words in seen.observation.advice.proposed if risk == "destructive"]


def statements(seen: Watching, part: str) -> list[str]:
    """Every proposed step with this text."""
    return [words for *_, words in seen.observation.advice.proposed if part in words]


@pytest.fixture
def pair() -> Iterator[Pair]:
    with own(make_pair) as pair:
        yield pair


@pytest.fixture
def logical() -> Iterator[Logical]:
    with own(make_logical) as logical:
        yield logical


@pytest.mark.situation(850, "The slot of a standby that is stopped for a while, or not watched", *SLOTS)
@pytest.mark.parametrize("both", [True, False], ids=["watched", "not watched"])
def test_the_slot_of_a_standby_that_comes_back(wild: Wild, pair: Pair, both: bool) -> None:
    """Its slot is all that keeps it from being rebuilt: nobody is advised to drop it."""
    with watched([pair.primary, pair.standby] if both else [pair.primary]) as seen:
        seen.until("the standby is known", lambda: seen.links)
        wild.begins()
        pair.standby.stop()
        write_wal(pair.primary, segments=3)
        wild.answers(seen.fires("slot_inactive", 40.0).summary)
        seen.look(8)
        assert not statements(seen, "pg_drop_replication_slot")
        assert destroys(seen) == []
        pair.standby.start()
        pair.fleet.wait_caught_up()


@pytest.mark.situation(851, "The slot of a subscriber that is moved to another server", *SLOTS)
def test_the_slot_of_a_subscriber_that_becomes_a_standby(wild: Wild, logical: Logical) -> None:
    """The subscriber's copy takes over, unwatched, and the old one follows it: the slot is that of the copy now."""
    fleet = logical.fleet
    copy = fleet.standby("pg-4", logical.subscriber, slot=False)
    with watched([logical.publisher, logical.subscriber], logical.database) as seen:
        seen.until("the subscription streams", lambda: any(link.connected for link in seen.links))
        wild.begins()
        logical.subscriber.stop()
        copy.execute("SELECT pg_promote()")
        eventually("it takes writes", lambda: not copy.value("SELECT pg_is_in_recovery()"))
        copy.execute("ALTER SUBSCRIPTION pg_3 DISABLE", dbname=logical.database)
        logical.subscriber.follow(copy.dsn(user="replicator"), "")
        logical.subscriber.start()
        seen.fires("slot_inactive", 40.0)
        seen.look(8)
        assert not statements(seen, "pg_drop_replication_slot")
        wild.answers("slot_inactive, and no step that drops the slot")


@pytest.mark.situation(852, "WAL that a standby needs was removed", *REBUILDS)
@pytest.mark.parametrize("restore", ["", "false"], ids=["no archive", "an archive"])
def test_a_standby_is_rebuilt_only_without_another_way(wild: Wild, restore: str) -> None:
    """With the name of the server, after a statement that shows which one it is, beside its old data directory."""
    with Fleet(binaries_for(18)) as fleet:
        primary = fleet.primary("pg-1", {"wal_keep_size": "0"})
        proxy = fleet.proxy(primary)
        standby = fleet.standby("pg-2", primary, through=proxy, slot=False, settings={"restore_command": restore})
        fleet.wait_caught_up()
        with watched([primary, standby], aliases={f"127.0.0.1:{primary.port}": [f"127.0.0.1:{proxy.port}"]}) as seen:
            seen.until("both are known", lambda: seen.links and seen.ask(_have_settings))
            wild.begins()
            proxy.cut()
            for _ in range(2):
                write_wal(primary, segments=4)
                primary.execute("CHECKPOINT")
            proxy.heal()
            cause = seen.names("wal_removed", 40.0)
            rebuilds = [step for step in cause.steps if step.risk == "destructive"]
            assert bool(rebuilds) is (restore == "")
            for step in rebuilds:
                assert step.node == f"127.0.0.1:{standby.port}"
                assert any("pg_is_in_recovery()" in (look.sql or "") and look.node == step.node for look in cause.steps)
                assert "rename its data directory" in (step.text or "")
            wild.answers(cause.fix)


def _have_settings(state: object) -> bool:
    return all(node.settings for node in state.memory.nodes.values())  # type: ignore[attr-defined]


@pytest.mark.situation(853, "A transaction is skipped to get rid of a conflict", *SKIPS)
@pytest.mark.parametrize("publisher", [True, False], ids=["publisher watched", "publisher not watched"])
def test_a_transaction_is_skipped_by_its_own_position(wild: Wild, publisher: bool) -> None:
    """Only where its rows can be copied from the publisher; run as proposed, it skips that transaction and no other."""
    with Fleet(binaries_for(18)) as fleet:
        logical = make_logical(fleet)
        for server in (logical.publisher, logical.subscriber):
            server.configure(**LOGGED)
            server.restart()
            server.query(GRANTS, dbname=logical.database)
        fleet.wait_caught_up()
        servers = [logical.publisher, logical.subscriber] if publisher else [logical.subscriber]
        with watched(servers, logical.database) as seen:
            seen.look(6)
            wild.begins()
            logical.on_subscriber(f"INSERT INTO {logical.table} VALUES (5000, 'local')")
            logical.on_publisher(
                f"INSERT INTO {logical.table} VALUES (5000, 'theirs'), (5001, 'in the same transaction')",
                f"INSERT INTO {logical.table} VALUES (5002, 'after')",
            )
            seen.names("subscriber_duplicate_key", 40.0)
            if not publisher:
                seen.look(8)
                assert destroys(seen) == []
                wild.answers("no transaction is skipped whose rows nobody can copy")
                return
            seen.until("the statement is complete", lambda: statements(seen, "SKIP (lsn = '0/"), 40.0)
            skip = statements(seen, "SKIP (lsn = '0/")[-1]
            wild.answers(skip)
            logical.on_subscriber(skip)
            rows = f"SELECT count(*) FROM {logical.table} WHERE id = 5002"
            eventually("it goes on", lambda: logical.subscriber.value(rows, dbname=logical.database) == 1, 30.0)
            note = f"SELECT note FROM {logical.table} WHERE id = 5000"
            assert logical.subscriber.value(note, dbname=logical.database) == "local"
            assert any("copy what is missing" in words for words in destroys(seen))


@pytest.mark.situation(854, "A session is ended whose commit waits for a standby", *ENDS)
def test_a_commit_that_waits_is_not_given_up(wild: Wild, logical: Logical) -> None:
    """It blocks the apply worker by its row lock; ending it would show a commit that no standby has."""
    logical.on_publisher(f"INSERT INTO {logical.table} VALUES (6000, 'before')")
    logical.fleet.wait_caught_up()
    logical.subscriber.configure(synchronous_standby_names="nobody")
    update = f"UPDATE {logical.table} SET note = '{{}}' WHERE id = 6000"
    with watched([logical.publisher, logical.subscriber], logical.database) as seen:
        seen.until("the subscription streams", lambda: any(link.connected for link in seen.links))
        with psycopg.connect(logical.subscriber.dsn(logical.database), autocommit=True) as client:
            client.pgconn.send_query(update.format("local").encode())
            pid = client.info.backend_pid
            wait = "SELECT wait_event FROM pg_stat_activity WHERE pid = %s"
            eventually("its commit waits", lambda: logical.subscriber.value(wait, [pid]) == "SyncRep")
            wild.begins()
            logical.on_publisher(update.format("remote"))
            seen.until("something fires", lambda: seen.fired, 40.0)
            seen.look(12)
            assert not statements(seen, f"pg_terminate_backend({pid})")
            wild.answers(" ".join(sorted(seen.fired)))
            logical.subscriber.configure(synchronous_standby_names=None)
            client.pgconn.get_result()
            client.pgconn.get_result()


def _stops(pair: Pair) -> None:
    pair.standby.stop("immediate")


def _is_cut(pair: Pair) -> None:
    pair.standby.freeze()


@pytest.mark.situation(855, "Synchronous replication is switched off while commits wait", *SYNCHRONOUS)
@pytest.mark.parametrize(("goes", "gives_up"), [(_stops, True), (_is_cut, False)], ids=["is down", "is silent"])
def test_commits_wait_on_for_a_standby_that_may_lead(
    wild: Wild, pair: Pair, goes: Callable[[Pair], None], gives_up: bool
) -> None:
    """A standby that does not answer may have been promoted: commits on the primary alone would be lost then."""
    pair.primary.configure(synchronous_standby_names=f'"{pair.application_name}"', wal_sender_timeout="3s")
    try:
        with watched([pair.primary, pair.standby], settled=True) as seen, writing(pair.primary):
            wild.begins()
            goes(pair)
            seen.until("it is named", lambda: statements(seen, "synchronous_standby_names"), 40.0)
            seen.look(8)
            assert bool(statements(seen, "SET synchronous_standby_names = ''")) is gives_up, seen.history()
            wild.answers("commits may be let go" if gives_up else "commits wait on")
            pair.standby.thaw() if not gives_up else pair.standby.start()
            pair.primary.configure(synchronous_standby_names=None)
    finally:
        pair.primary.configure(synchronous_standby_names=None)
