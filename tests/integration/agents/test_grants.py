"""deploy/sql/grants.sql gives the agent what it needs, in every version."""

from pathlib import Path

import psycopg
import pytest

from leadline_agents.engines.postgresql import answers, catalog
from tests.fixtures.fleets import Pair

GRANTS = Path(__file__).parents[3] / "deploy" / "sql" / "grants.sql"


def test_the_role_can_read_statistics_and_no_table(any_pair: Pair, major: int) -> None:
    """The statements that every agent sends are answered in full, and no table can be read."""
    with psycopg.connect(any_pair.primary.dsn()) as connection:
        connection.execute("ALTER ROLE leadline RENAME TO sandbox")
        connection.execute("CREATE TABLE private (n int)")
        connection.execute(GRANTS.read_bytes())
        connection.execute("SET SESSION AUTHORIZATION leadline")
        rows = {}
        for name in (catalog.FRAME, catalog.FILES, catalog.SETTINGS):
            row = connection.execute(catalog.statement(name, major * 10000)).fetchone()
            assert row is not None
            rows[name] = row[0].encode()
        (rights,) = connection.execute("SELECT has_table_privilege('private', 'SELECT')").fetchone() or (None,)
        connection.rollback()
    look = answers.read_look(rows[catalog.FRAME])
    assert (look.node.may_read_stats, look.node.may_read_settings, look.node.may_list_wal) == (True, True, True)
    assert answers.read_files(rows[catalog.FILES]).wal_files > 0
    assert "primary_conninfo" in answers.read_settings(rows[catalog.SETTINGS]).settings
    assert rights is False


SERVER_LOG = GRANTS.with_name("server_log.sql")


def test_the_function_for_the_server_log_reads_nothing_else(any_pair: Pair, major: int) -> None:
    """The role may call it, only for a file of the server log, and nobody else may; other files stay closed."""
    with psycopg.connect(any_pair.primary.dsn()) as connection:
        connection.execute(SERVER_LOG.read_bytes())
        connection.execute("CREATE ROLE stranger LOGIN")
        connection.execute("SET SESSION AUTHORIZATION leadline")
        rights = connection.execute(catalog.statement(catalog.LOG_RIGHTS, major * 10000)).fetchone()
        assert rights is not None
        assert '"by_function" : true' in rights[0]
        assert '"may_read" : false' in rights[0]
        connection.execute("RESET SESSION AUTHORIZATION")
        connection.execute("SET SESSION AUTHORIZATION stranger")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT leadline.server_log('../PG_VERSION', 10)")
        connection.rollback()
