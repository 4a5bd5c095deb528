"""Damaged pages, text that is sorted otherwise, and writes that are refused: each as its server shows it."""

import pytest

from leadline_lab.faults.physical.damage import damage_page
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import Watching, address, watched

SORTED = "CREATE DATABASE shop TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
OLDER = "UPDATE pg_database SET datcollversion = '0' WHERE datname = 'shop'"
late = pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])


def pair(fleet: Fleet) -> tuple[Server, Server]:
    """A primary and its standby, as people have them."""
    primary = fleet.primary("pg-1")
    return primary, fleet.standby("pg-2", primary)


@late
@pytest.mark.situation(1001, "A page of a table is damaged", "OPMDG/check_pgactivity#226", "CrunchyData/pgmonitor#125")
def test_a_page_is_damaged_on_the_standby_alone(wild: Wild, run: Run, late: bool) -> None:
    """A query there finds it; check names it as well, and says where the rows may be whole."""
    with Fleet(plain=True, slots=False) as fleet:
        primary, standby = pair(fleet)
        primary.execute("CREATE TABLE ledger AS SELECT n, repeat('x', 100) AS note FROM generate_series(1, 1000) AS n")
        fleet.wait_caught_up()
        if late:
            damage_page(standby, "ledger")
        wild.begins()
        with watched([primary, standby], settled=not late) as seen:
            if not late:
                damage_page(standby, "ledger")
                wild.begins()
            cause = seen.names("page_damaged", 30.0)
            wild.answers(cause.summary)
            assert address(standby) in cause.summary
            assert f"Read the same rows on {address(primary)}" in str(cause.steps)
            assert {step.risk for step in cause.steps} <= {"look", "careful"}
        result = run("check", primary.dsn(user=AGENT), standby.dsn(user=AGENT))
        assert result.code != 0, result.out
        assert "whose checksum was wrong" in result.out, result.out


@late
@pytest.mark.situation(
    1002,
    "The image of a server was upgraded, and sorts text otherwise",
    "fly-apps/postgres-flex#208",
    "greenbone/gvmd#1878",
    "cloudfoundry/bosh#2430",
)
def test_text_is_sorted_otherwise(wild: Wild, late: bool) -> None:
    """Nobody is paged for what has been so for long, and the refresh that repairs nothing comes last."""
    with Fleet(plain=True, slots=False) as fleet:
        primary, standby = pair(fleet)
        primary.execute(SORTED)
        if late:
            primary.execute(OLDER)
        fleet.wait_caught_up()
        wild.begins()
        with watched([primary, standby], settled=not late) as seen:
            if not late:
                primary.execute(OLDER)
                wild.begins()
            fired = seen.fires("collation_changed", 40.0)
            wild.answers(fired.summary)
            cause = seen.names("collation_library_changed")
            assert "database shop" in cause.summary
            steps = str(cause.steps)
            assert 0 < steps.find("REINDEX") < steps.find("REFRESH COLLATION VERSION")
            assert not seen.incidents()


@late
@pytest.mark.parametrize("scope", [pytest.param("server", marks=pytest.mark.quick), "database"])
@pytest.mark.situation(
    1003,
    "A service sets its primary read-only because the disk is nearly full",
    "citusdata/pg_cron#270",
    "ovh/docs#6132",
    "MicrosoftDocs/azure-docs#79531",
)
def test_a_primary_is_read_only_by_its_settings(wild: Wild, run: Run, scope: str, late: bool) -> None:
    """The agent's own session is always read-only: others are asked for."""
    with Fleet(plain=True, slots=False) as fleet:
        primary, standby = pair(fleet)
        primary.execute("CREATE DATABASE shop")

        def set_read_only() -> None:
            if scope == "server":
                primary.configure(default_transaction_read_only="on")
            else:
                primary.execute("ALTER DATABASE shop SET default_transaction_read_only = on")

        if late:
            set_read_only()
        wild.begins()
        with watched([primary, standby], settled=not late) as seen:
            if not late:
                set_read_only()
                wild.begins()
            fired = seen.fires("writes_refused", 40.0)
            wild.answers(fired.summary)
            where = f"every database of {address(primary)}" if scope == "server" else "database shop"
            assert where in fired.summary
            cause = seen.names("default_read_only")
            if scope == "server" and not late:
                assert "was changed from off to on" in cause.summary
            assert not seen.incidents()
        result = run("check", primary.dsn(user=AGENT), standby.dsn(user=AGENT))
        assert "default_transaction_read_only is on" in result.out, result.out


@pytest.mark.situation(1004, "The agent's own role is read-only by its settings", "citusdata/pg_cron#270")
def test_a_role_that_is_read_only(wild: Wild) -> None:
    """As deploy/sql/grants.sql once proposed, and as reports have it."""
    with Fleet(plain=True, slots=False) as fleet:
        primary, standby = pair(fleet)
        primary.execute(f"ALTER ROLE {AGENT} SET default_transaction_read_only = on")
        fleet.wait_caught_up()
        with Watching(primary.dsn(user=AGENT), standby.dsn(user=AGENT), for_s=1.0) as seen:
            seen.quiet(12.0)
            wild.raises_nothing()
