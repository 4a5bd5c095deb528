"""Which of several things that are wrong on one cluster people are notified of, and how often."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from leadline.model.incident import Incident
from leadline_lab.faults.injection import Injection
from leadline_lab.faults.registry import FAULTS
from leadline_lab.faults.topologies import Logical, Pair
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.workload import writing
from leadline_streams.judge.policy import Policy
from tests.wild.conftest import Wild
from tests.wild.watching import Watching, address, watched

FIFTH = Policy(lateness_s=0.5, quiet_s=6.0, rules={"replay_paused": {"for_s": 12.0, "keep_s": 1.0}})
"""A fifth of the times of production, for a standby that is paused for a fifth of the time that was reported."""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    yield fleet
    fleet.close()


def pair(fleet: Fleet, **settings: str) -> tuple[Server, Server]:
    """A primary and a standby with nothing but an address between them: no name, no slot."""
    own = {"wal_keep_size": "256MB", "cluster_name": "", **settings}
    primary = fleet.primary("pg-1", own)
    return primary, fleet.standby("pg-2", primary, slot=False, conninfo={"application_name": ""}, settings=own)


def first(seen: Watching) -> dict[str, Incident]:
    """Incidents by the code of their first cause."""
    return {one.causes[0].code: one for one in seen.incidents()}


@pytest.mark.quick
@pytest.mark.situation(
    22, "The primary crashes while an older notice stands", "prometheus/alertmanager#1587", "librenms/librenms#12983"
)
def test_a_notice_does_not_hide_the_crash_of_the_primary(fleet: Fleet, wild: Wild) -> None:
    """The settings that differ raise a notice; the crash is an incident of its own, with nothing of the notice."""
    primary, standby = pair(fleet, wal_level="logical")
    standby.configure(wal_level="replica")
    standby.restart()
    with watched([primary, standby], settled=True) as seen:
        seen.fires("config_mismatch")
        assert seen.incidents() == []
        wild.begins()
        primary.stop("immediate")
        seen.names("primary_down", above=0.9)
        wild.answers(f"an incident of its own: {seen.incidents()[-1].title}")
        (crash,) = seen.incidents()
        assert "config_mismatch" not in crash.rules
        assert (crash.generation, crash.state) == (1, "open")


@pytest.mark.situation(22, "The primary crashes while an older incident is open", "prometheus/alertmanager#1587")
def test_an_open_incident_does_not_hide_the_crash_of_the_primary(fleet: Fleet, wild: Wild) -> None:
    """Replay was paused before. Its incident goes on beside that of the crash, which rings under a key of its own."""
    primary, standby = pair(fleet)
    with watched([primary, standby], settled=True) as seen:
        with writing(primary):
            standby.execute("SELECT pg_wal_replay_pause()")
            seen.names("replay_paused_by_operator")
        (paused,) = seen.incidents()
        wild.begins()
        primary.stop("immediate")
        seen.until("the crash is an incident", lambda: "primary_down" in first(seen))
        wild.answers("a second incident: " + first(seen)["primary_down"].title)
        found = first(seen)
        assert found["replay_paused_by_operator"].incident_id == paused.incident_id
        assert len(found) == 2


@pytest.mark.situation(22, "The primary crashes, with the rules as they are", "prometheus/alertmanager#1587")
def test_a_crash_is_critical_from_its_first_record(fleet: Fleet, wild: Wild) -> None:
    """A restart before it is quiet. The crash is critical in seconds, and nobody is notified twice of it."""
    primary, standby = pair(fleet)
    with watched([primary, standby], policy=Policy(lateness_s=0.5), settled=True) as seen:
        primary.restart()
        seen.quiet(10.0)
        wild.begins()
        primary.stop("immediate")
        seen.names("primary_down", above=0.9)
        wild.answers(f"critical at once: {seen.incidents()[-1].title}")
        seen.fires("node_down", within_s=45.0)
        records = [one for _, one in seen.observation.outputs if isinstance(one, Incident)]
        assert {one.severity for one in records} == {"critical"}, seen.history()
        assert {one.generation for one in records} == {1}
        assert {"node_down", "primary_lost"} <= set(seen.incidents()[-1].rules)


@pytest.mark.situation(
    25, "A standby that is paused again and again", "prometheus/alertmanager#204", "prometheus/alertmanager#3048"
)
def test_a_standby_that_is_paused_again_and_again(fleet: Fleet, wild: Wild) -> None:
    """Paused for 15 s and healthy for 6 s, three times, with limits of a fifth: one incident that ends once."""
    primary, standby = pair(fleet)
    with watched([primary, standby], policy=FIFTH) as seen:
        seen.until("the link is known", lambda: seen.links)
        wild.begins()
        for _ in range(3):
            standby.execute("SELECT pg_wal_replay_pause()")
            threading.Event().wait(15.0)
            standby.execute("SELECT pg_wal_replay_resume()")
            threading.Event().wait(6.0)
        seen.until("the incident ends", lambda: [one.state for one in seen.incidents()] == ["resolved"], 30.0)
        records = [one for _, one in seen.observation.outputs if isinstance(one, Incident)]
        assert [one.state for one in records].count("resolved") == 1, seen.history()
        assert {one.generation for one in records} == {1}
        wild.answers("one incident, one notification of its end")


@pytest.mark.situation(
    101, "Two faults on one cluster that have nothing to do with each other", "librenms/librenms#12983"
)
def test_two_faults_of_one_cluster_are_two_incidents(fleet: Fleet, wild: Wild) -> None:
    """A query blocks replay on a standby; a subscriber stops at a duplicate key. The chain behind is late."""
    primary = fleet.primary("pg-1")
    to_standby, to_subscriber = fleet.proxy(primary), fleet.proxy(primary)
    standby = fleet.standby("pg-2", primary, through=to_standby)
    fleet.standby("pg-3", standby)
    primary.query("CREATE DATABASE app")
    table = "CREATE TABLE items (id int PRIMARY KEY, note text)"
    primary.query(table, dbname="app")
    subscriber = fleet.subscriber("pg-4", primary, schema=table, through=to_subscriber)
    topologies = {
        "query_blocks_replay_snapshot": Pair(fleet, primary, standby, to_standby),
        "duplicate_key_500ms": Logical(fleet, primary, subscriber, to_subscriber, subscription="pg_4"),
    }
    with ExitStack() as stack:
        injections = [stack.enter_context(Injection(FAULTS[name], topology)) for name, topology in topologies.items()]
        for injection in injections:
            injection.prepare()
        aliases = {address(primary): [f"127.0.0.1:{proxy.port}" for proxy in (to_standby, to_subscriber)]}
        seen = stack.enter_context(watched(list(fleet.servers.values()), aliases=aliases))
        seen.until("three links", lambda: len(seen.links) == 3)
        wild.begins()
        for injection in injections:
            injection.inject(_Nothing())
        both = {"standby_query_blocks_replay", "subscriber_duplicate_key"}
        seen.until("each has its cause", lambda: first(seen).keys() == both, 40.0)
        wild.answers(" and ".join(sorted(one.title.partition(": ")[2] for one in seen.incidents())))
        seen.until("the chain is late", lambda: "replication_lag" in seen.fired)
        found = first(seen)
        assert not set(found["standby_query_blocks_replay"].alerts) & set(found["subscriber_duplicate_key"].alerts)
        for injection in injections:
            injection.heal()
        seen.until("both end", lambda: {one.state for one in seen.incidents()} == {"resolved"}, 60.0)
        assert first(seen).keys() == both, seen.history()


class _Nothing:
    """The surroundings of an injection that needs none."""

    def steady(self, seconds: float) -> None:
        """Time passes."""
        threading.Event().wait(seconds)

    def begins(self) -> None:
        """The test has a time of its own."""

    def stop_agent(self, node: str) -> None:
        """No agent is stopped."""
        raise AssertionError(node)

    def start_agent(self, node: str) -> None:
        """No agent is started."""
        raise AssertionError(node)

    def set_clock(self, node: str, ahead_s: float) -> None:
        """No clock is set."""
        raise AssertionError((node, ahead_s))
