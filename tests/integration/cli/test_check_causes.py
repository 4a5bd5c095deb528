"""`leadline check` on servers as most people have them, which broke before anybody looked: its first cause and step."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from leadline_lab.faults.injection import Injection
from leadline_lab.faults.registry import FAULTS
from leadline_lab.faults.topologies import Logical, Pair, make_logical, make_pair
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Result, Run
from tests.fixtures.fleets import Shelf
from tests.zoo.test_zoo import STOOD_S, Unseen

FAILS = "SELECT apply_error_count + sync_error_count FROM pg_stat_subscription_stats"
FAILED = 2
"""Attempts before somebody looks."""
DEFAULT_RETRY = "5s"


@pytest.fixture
def logical(shelf: Shelf) -> Iterator[Logical]:
    """Publisher and subscriber, which tries again as seldom as by default."""
    with shelf.lend(make_logical, plain=True, slots=False) as logical:
        logical.subscriber.configure(wal_retrieve_retry_interval=DEFAULT_RETRY)
        yield logical
        logical.subscriber.configure(wal_retrieve_retry_interval=None)


@pytest.mark.parametrize(
    ("fault", "cause", "step"),
    [
        ("missing_column", "subscriber_schema_drift", "ALTER TABLE public.items ADD COLUMN note text"),
        ("missing_table", "subscriber_schema_drift", "ALTER TABLE public.mislaid RENAME TO lost"),
        ("duplicate_key_5s", "subscriber_duplicate_key", "ALTER SUBSCRIPTION pg_3 SKIP"),
        ("table_sync_failing", "table_sync_failing", "find out who wrote them"),
    ],
)
def test_a_worker_that_fails_between_two_attempts(
    run: Run, logical: Logical, fault: str, cause: str, step: str
) -> None:
    """Most of the time it is not there: that it fails shows at its next attempt, and why in both servers."""
    with broken(fault, logical):
        failing(logical)
        rows = looked(run, logical, "json")
        (first, *_) = [row for row in map(json.loads, rows.out.splitlines()) if row["kind"] == "cause"]
    assert (first["code"], rows.code) == (cause, 1)
    assert first["confidence"] > 0.9
    assert step in first["fix"]
    assert "subscriber_cannot_connect" not in rows.out


def test_a_failure_whose_reason_is_written_elsewhere(run: Run, logical: Logical) -> None:
    """The tables are alike and no rows conflict: a guess, shown as one, and the place where the reason is."""
    with broken("apply_refused", logical):
        failing(logical)
        shown = looked(run, logical, "text")
    assert shown.code == 1
    assert "\nguess " in shown.out
    assert "\ncause " not in shown.out
    assert "Read the last ERROR of the worker in the server log" in shown.out
    assert "Careful" not in shown.out


def test_a_slot_that_was_dropped_before(run: Run, logical: Logical) -> None:
    """Nobody saw whose slot it was: the only server with the publications is a guess, and looking is proposed."""
    with broken("subscription_slot_dropped", logical):
        rows = looked(run, logical, "json")
        (first, *_) = [row for row in map(json.loads, rows.out.splitlines()) if row["kind"] == "cause"]
    assert (first["code"], rows.code) == ("publication_or_slot_dropped", 1)
    assert first["confidence"] <= 0.5
    assert {each["risk"] for each in first["steps"]} == {"look"}
    assert first["not_seen"]


def test_a_worker_that_does_not_connect(run: Run, logical: Logical) -> None:
    """No attempt gets as far as to fail: the network comes first, and no step changes anything."""
    with broken("subscriber_cut_off", logical):
        rows = looked(run, logical, "json")
        (first, *_) = [row for row in map(json.loads, rows.out.splitlines()) if row["kind"] == "cause"]
    assert (first["code"], rows.code) == ("subscriber_cannot_connect", 1)
    assert first["confidence"] <= 0.5
    assert {each["risk"] for each in first["steps"]} == {"look"}


@pytest.mark.parametrize(
    ("fault", "cause", "step"),
    [
        ("primary_down", "primary_down", "Start PostgreSQL on"),
        ("primary_replaced", "primary_replaced", "would take writes beside"),
    ],
)
def test_a_primary_that_never_answered(run: Run, fault: str, cause: str, step: str) -> None:
    """Nobody saw its role; its standby names its address, and a server that was promoted still does."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        pair = Pair(fleet, primary, fleet.standby("pg-2", primary), fleet.proxy(primary))
        fleet.wait_caught_up()
        with Injection(FAULTS[fault], pair) as injection:
            injection.prepare()
            injection.inject(Unseen())
            rows = run("check", *(server.dsn(user=AGENT) for server in fleet.servers.values()), "--format", "json")
    (first, *_) = [row for row in map(json.loads, rows.out.splitlines()) if row["kind"] == "cause"]
    assert (first["code"], rows.code) == (cause, 1)
    assert step in first["summary"] + first["fix"]
    assert "standby_down" not in rows.out


def test_a_process_that_stands_still(run: Run, shelf: Shelf) -> None:
    """That replay does not move shows within seconds, and only from then on that it hangs."""
    with shelf.lend(make_pair, plain=True, slots=False) as pair, broken("standby_process_hangs_startup", pair):
        threading.Event().wait(STOOD_S)
        rows = run("check", *(server.dsn(user=AGENT) for server in pair.fleet.servers.values()), "--format", "json")
        (first, *_) = [row for row in map(json.loads, rows.out.splitlines()) if row["kind"] == "cause"]
    assert (first["code"], rows.code) == ("standby_hung", 1)


@contextmanager
def broken(fault: str, topology: Any) -> Iterator[None]:
    """A fault of the zoo, injected for the block and healed after it."""
    with Injection(FAULTS[fault], topology) as injection:
        injection.prepare()
        injection.inject(Unseen())
        yield
        injection.heal()
        injection.restore()


def failing(logical: Logical) -> None:
    """Wait until the worker has failed more than once since now."""
    before = int(logical.subscriber.value(FAILS))
    eventually("it fails again", lambda: logical.subscriber.value(FAILS) >= before + FAILED, 30.0)


def looked(run: Run, logical: Logical, form: str) -> Result:
    """One look at both servers."""
    dsns = [server.dsn(logical.database, AGENT) for server in logical.fleet.servers.values()]
    return run("check", *dsns, "--format", form)
