"""A server does not run, does not answer, or has no disk space left."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from leadline.errors import UsageError
from leadline.model.alert import Verdict
from leadline_lab.faults.fault import Broken, Course, Expected, Fault, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import Pair, make_pair, make_pair_that_keeps_wal
from leadline_lab.sandbox.fleet import REPLICATOR
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import writing

FILL: Final = "SELECT pg_logical_emit_message(true, 'leadline', repeat('x', 900000)), pg_switch_wal()"
UNREAD_PRIMARY: Final = Expected(rule="node_down", cause="primary_down", summary=("the upstream of pg-2, is down",))
"""A server that has not answered since looking began is known by what others say of it."""
SMALL_MB, LARGE_MB = 32, 96
"""The size of the WAL volume before and after the repair."""


@fault(
    make_pair,
    Expected(rule="node_down", cause="primary_down", verdict="upstream_unreachable", rules=("primary_lost",)),
    late=UNREAD_PRIMARY,
    older=True,
)
def primary_down(pair: Pair) -> Course:
    """The primary has crashed."""
    yield Prepared()
    pair.primary.kill()
    yield Injected()
    pair.primary.start()
    yield Healed()


@fault(
    make_pair,
    Expected(rule="node_down", cause="standby_down", verdict="downstream_unreachable"),
    # Nothing shows whom a server follows that never answered.
    late=Expected(rule="node_down", cause="server_not_seen", summary=("whether it is a primary or a standby",)),
)
def standby_down(pair: Pair) -> Course:
    """The standby was stopped and not started again."""
    yield Prepared()
    pair.standby.stop()
    yield Injected()
    pair.standby.start()
    yield Healed()


@fault(
    make_pair,
    Expected(rule="node_down", cause="standby_hung", verdict="downstream_unreachable"),
    late=Expected(rule="node_down", cause="standby_hung"),
)
def standby_server_hangs(pair: Pair) -> Course:
    """Every process of the standby is frozen, as on a hanging host."""
    yield Prepared()
    with writing(pair.primary):
        pair.standby.freeze()
        yield Injected()
        pair.standby.thaw()
        yield Healed()


def _standby_process_hangs(process: str, rule: str, verdict: Verdict, named: str) -> Fault[Pair]:
    @fault(make_pair, Expected(rule=rule, cause="standby_hung", verdict=verdict, title=named), variant=process)
    def standby_process_hangs(pair: Pair) -> Course:
        """One process of the standby is frozen: the WAL receiver receives nothing, or replay applies nothing."""
        pair.standby.configure(wal_receiver_timeout="2s")
        yield Prepared()
        with writing(pair.primary):
            with pair.standby.paused(process):
                yield Injected()
            yield Healed()
        pair.standby.configure(wal_receiver_timeout=None)

    return standby_process_hangs


STANDBY_PROCESS_HANGS: Final = (
    _standby_process_hangs("walreceiver", "replication_cut_off", "cut_off", "WAL receiver"),
    _standby_process_hangs("startup", "replication_stalled", "replay_stalled", "replay"),
)


@fault(
    make_pair_that_keeps_wal,
    Expected(
        rule="node_down",
        cause="disk_full",
        verdict="upstream_unreachable",
        summary=("are left on the volume of its WAL",),
    ),
    # Where its WAL is can be asked only of a server that answers.
    late=UNREAD_PRIMARY,
    own_servers=True,
)
def disk_full(pair: Pair) -> Course:
    """The primary is to keep more WAL than its volume has room for: it ends and cannot start."""
    pair.primary.stop()
    with wal_volume(pair.primary) as volume:
        pair.primary.start()
        pair.fleet.wait_caught_up()
        yield Prepared()
        with contextlib.suppress(psycopg.Error):
            while True:
                pair.primary.query(FILL)
        yield Broken()
        yield Injected()
        eventually("the primary has ended", lambda: not pair.primary.running)
        subprocess.run(["mount", "-o", f"remount,size={LARGE_MB}m", volume], check=True)  # noqa: S603, S607
        pair.primary.start()
        yield Healed()
        pair.primary.stop("immediate")


@contextmanager
def wal_volume(server: Server) -> Iterator[Path]:
    """Put the WAL of a stopped server on a small volume of its own. Raises UsageError without the right to mount."""
    wal, volume = server.data / "pg_wal", server.data.parent / "volume"
    volume.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_MB}m,mode=700", "tmpfs", str(volume)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode != 0:  # noqa: S603
        raise UsageError("a full disk needs a volume of its own, and this user may not mount a tmpfs: run as root")
    try:
        shutil.copytree(wal, volume, dirs_exist_ok=True)
        for each in (volume, *volume.rglob("*")):
            give(each)
        shutil.rmtree(wal)
        wal.symlink_to(volume)
        yield volume
    finally:
        subprocess.run(["umount", "--lazy", volume], check=True)  # noqa: S603, S607


@fault(
    make_pair,
    Expected(rule="log_went_back", cause="primary_restored_older", subject="pg-1", summary=("pg-2 holds",)),
    own_servers=True,
    restarts=True,
)
def primary_restored_older(pair: Pair) -> Course:
    """The primary was restored from an older copy of its files, and its standby was not."""
    older = pair.primary.data.with_name("older")
    pair.primary.stop()
    copy_files(pair.primary.data, older)
    pair.primary.start()
    pair.fleet.wait_caught_up()
    yield Prepared()
    pair.primary.execute("CREATE TABLE lost AS SELECT generate_series(1, 200000) AS n")
    pair.fleet.wait_caught_up()
    restore(pair.primary, older)
    yield Injected()
    rebuild(pair.standby, pair)
    yield Healed()


def restore(server: Server, older: Path) -> None:
    """Stop a server, put older files in the place of its own, and start it."""
    server.stop()
    shutil.rmtree(server.data)
    copy_files(older, server.data)
    server.start()


def copy_files(files: Path, to: Path) -> None:
    """Copy the files of a stopped server, with their owner."""
    shutil.copytree(files, to)
    for path in (to, *to.rglob("*")):
        give(path)


def rebuild(standby: Server, pair: Pair) -> None:
    """Make a standby anew from its primary, with the name, the address and the slot that it had."""
    name, conninfo, slot = map(standby.value, ("SHOW cluster_name", "SHOW primary_conninfo", "SHOW primary_slot_name"))
    standby.stop()
    shutil.rmtree(standby.data)
    source = pair.primary.address(user=REPLICATOR)
    standby.run("pg_basebackup", "-D", standby.data, "--dbname", source, "--checkpoint=fast", "--no-sync")
    standby.configure_files({"cluster_name": name})
    standby.follow(conninfo, slot)
    standby.start()
