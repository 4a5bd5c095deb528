"""A standby is refused by its primary, or asks a server that cannot serve it."""

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from leadline_lab.faults.fault import Course, Expected, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import (
    Cascade,
    Pair,
    PairAndStranger,
    make_cascade,
    make_pair,
    make_pair_and_stranger,
    make_pair_without_slot,
)
from leadline_lab.sandbox.fleet import REPLICATOR
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.workload import write_wal

END_STREAMING = "SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = %s"
NO_SERVER = "host=127.0.0.1 port=9 user=replicator"


@fault(make_pair, Expected(rule="replication_cut_off", cause="standby_cannot_connect", verdict="cut_off"))
def receiver_is_refused(pair: Pair) -> Course:
    """The password of the replication role was changed, and the standby still has the old one."""
    yield Prepared()
    _set_password(pair.primary, "rotated")
    pair.primary.query(END_STREAMING, [pair.application_name])
    yield Injected()
    _set_password(pair.primary, str(conninfo_to_dict(pair.primary.dsn())["password"]))
    yield Healed()


@fault(
    make_pair,
    Expected(
        rule="replication_cut_off",
        cause="standby_cannot_connect",
        verdict="cut_off",
        change=("primary_conninfo on pg-2 was changed",),
    ),
)
def wrong_primary_conninfo(pair: Pair) -> Course:
    """primary_conninfo was changed to an address without a server."""
    before = pair.standby.value("SHOW primary_conninfo")
    yield Prepared()
    pair.standby.configure(primary_conninfo=NO_SERVER)
    yield Injected()
    pair.standby.configure(primary_conninfo=before)
    yield Healed()


@fault(
    make_pair,
    Expected(rule="replication_cut_off", cause="restore_command_hangs", verdict="cut_off", resolved_within_s=60.0),
)
def restore_command_hangs(pair: Pair) -> Course:
    """The stream of a standby was ended, and its restore_command waits for an archive that does not answer."""
    gate = pair.fleet.folder / "archive-answers"
    gate.touch()
    pair.standby.configure(restore_command=f"while ! test -e {gate}; do sleep 0.2; done; false")
    yield Prepared()
    gate.unlink()
    pair.primary.query(END_STREAMING, [pair.application_name])
    yield Injected()
    gate.touch()
    yield Healed()
    pair.standby.configure(restore_command=None)


@fault(make_pair, Expected(rule="replication_cut_off", cause="wal_receiver_stopped", verdict="cut_off"))
def no_primary_conninfo(pair: Pair) -> Course:
    """primary_conninfo was set to an empty value."""
    before = pair.standby.value("SHOW primary_conninfo")
    yield Prepared()
    pair.standby.configure(primary_conninfo="")
    yield Injected()
    pair.standby.configure(primary_conninfo=before)
    yield Healed()


@fault(
    make_cascade,
    Expected(
        rule="upstream_circle",
        cause="standbys_follow_each_other",
        verdict="broken",
        link="pg-3->pg-2",
    ),
)
def standbys_follow_each_other(cascade: Cascade) -> Course:
    """A standby was pointed to the standby that follows it, and neither follows the primary."""
    before, slot = (cascade.standby.value(f"SHOW {name}") for name in ("primary_conninfo", "primary_slot_name"))
    below = cascade.fleet.conninfo(cascade.leaf, cascade.standby.name)
    yield Prepared()
    cascade.standby.configure(primary_conninfo=below, primary_slot_name="")
    yield Injected()
    cascade.standby.configure(primary_conninfo=before, primary_slot_name=slot)
    yield Healed()


@fault(
    make_pair_and_stranger,
    Expected(rule="replication_cut_off", cause="wrong_cluster", verdict="broken"),
    own_servers=True,
)
def wrong_cluster(servers: PairAndStranger) -> Course:
    """primary_conninfo leads to a server of another database cluster."""
    before = servers.standby.value("SHOW primary_conninfo")
    yield Prepared()
    address = servers.fleet.conninfo(servers.stranger, servers.standby.name)
    servers.standby.configure(primary_conninfo=address)
    yield Injected()
    servers.standby.configure(primary_conninfo=before)
    yield Healed()


@fault(
    make_pair_without_slot,
    Expected(rule="replication_cut_off", cause="wal_removed", verdict="cut_off", summary=("wal_keep_size = 0",)),
    own_servers=True,
)
def wal_removed(pair: Pair) -> Course:
    """A standby without a slot was away for two checkpoints; only a new base backup repairs it."""
    yield Prepared()
    pair.proxy.cut()
    for _ in range(2):
        write_wal(pair.primary, segments=4)
        pair.primary.execute("CHECKPOINT")
    pair.proxy.heal()
    yield Injected()


def _set_password(server: Server, password: str) -> None:
    server.report(f"ALTER ROLE {REPLICATOR} PASSWORD '***';")
    server.query(sql.SQL("ALTER ROLE replicator PASSWORD {}").format(sql.Literal(password)).as_string())
