"""The standby is turned away."""

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from leadline_lab.sandbox.postgres import Server
from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch

HANG_UP = "SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = 'pg-2'"


def set_password(server: Server, password: str) -> None:
    server.query(sql.SQL("ALTER ROLE replicator PASSWORD {}").format(sql.Literal(password)).as_string())


def test_receiver_is_refused(pair: Pair, watch: Watch) -> None:
    """The password of the replication role was rotated, and the standby was forgotten."""
    rig = watch(pair)
    set_password(pair.primary, "rotated")
    pair.primary.query(HANG_UP)
    rig.expect(rule="replication_cut_off", cause="standby_cannot_connect", verdict="cut_off")
    set_password(pair.primary, str(conninfo_to_dict(pair.primary.dsn())["password"]))
    rig.expect_resolved()


def test_wrong_primary_conninfo(pair: Pair, watch: Watch) -> None:
    """Somebody changed primary_conninfo, and there is no server at that address."""
    before = pair.standby.value("SHOW primary_conninfo")
    rig = watch(pair)
    pair.standby.configure(primary_conninfo="host=127.0.0.1 port=9 user=replicator")
    incident = rig.expect(rule="replication_cut_off", cause="standby_cannot_connect", verdict="cut_off")
    assert "primary_conninfo on pg-2 was changed" in incident.causes[0].summary
    pair.standby.configure(primary_conninfo=before)
    rig.expect_resolved()


def test_no_primary_conninfo(pair: Pair, watch: Watch) -> None:
    """Somebody emptied primary_conninfo."""
    before = pair.standby.value("SHOW primary_conninfo")
    rig = watch(pair)
    pair.standby.configure(primary_conninfo="")
    rig.expect(rule="replication_cut_off", cause="wal_receiver_stopped", verdict="cut_off")
    pair.standby.configure(primary_conninfo=before)
    rig.expect_resolved()
