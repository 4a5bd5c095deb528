"""Subscriptions whose connection was lost halfway: one end does not notice, or attempts to connect get no answer."""

from collections.abc import Iterator

import pytest

from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.workload import writing
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

SOURCES = ("2ndQuadrant/pglogical#78", "2ndQuadrant/pglogical#311", "2ndQuadrant/bdr#233")


@pytest.fixture(params=[15, 18])
def logical(request: pytest.FixtureRequest, wild: Wild) -> Iterator[Logical]:
    """The publisher notices a lost connection early, the subscriber late."""
    wild.server_version = str(request.param)
    with Fleet(binaries_for(request.param)) as fleet:
        logical = make_logical(fleet)
        logical.publisher.configure(wal_sender_timeout="4s")
        logical.subscriber.configure(wal_receiver_timeout="40s")
        fleet.wait_caught_up()
        yield logical


@pytest.mark.parametrize("busy", [True, False])
@pytest.mark.situation(156, "A subscription has no sender left, and its worker waits for it", *SOURCES)
def test_a_worker_that_waits_for_a_sender_that_ended(wild: Wild, logical: Logical, busy: bool) -> None:
    """Both servers answer, and nothing passes between them; also while the publisher writes nothing."""
    ends = logical.publisher, logical.subscriber
    with watched(ends, logical.database, settled=True) as seen:
        wild.begins()
        logical.proxy.blackhole()
        if busy:
            with writing(logical.publisher, dbname=logical.database):
                cause = seen.names("subscriber_cannot_connect", 30.0, above=0.9)
        else:
            cause = seen.names("subscriber_cannot_connect", 30.0, above=0.9)
        wild.answers(cause.summary)
        up, down = address(logical.publisher), address(logical.subscriber)
        assert cause.summary.startswith(
            f"subscription pg_3 on {down} receives nothing from {up}, and both servers answer"
        )
        assert f"{up} has ended the sender, and the worker" in cause.summary
        assert "drops packets" in cause.summary
        assert {step.risk for step in cause.steps} == {"look"}


@pytest.mark.situation(157, "A subscription's attempts to connect get no answer", *SOURCES)
def test_a_worker_whose_attempts_get_no_answer(wild: Wild, run: Run, logical: Logical) -> None:
    """The worker has noticed the loss, and its next attempt waits; check names it as well."""
    logical.subscriber.configure(wal_receiver_timeout="4s")
    ends = logical.publisher, logical.subscriber
    with watched(ends, logical.database, settled=True) as seen:
        wild.begins()
        logical.proxy.blackhole()
        seen.until(
            "it waits for an answer",
            lambda: any("answer to its attempt to connect" in cause.summary for cause in seen.causes()[:1]),
            60.0,
        )
        cause = seen.names("subscriber_cannot_connect", above=0.88)
        wild.answers(cause.summary)
        result = run("check", *(each.dsn(logical.database, AGENT) for each in ends))
        assert result.code != 0, result.out
        assert "answer to its attempt to connect" in result.out, result.out
