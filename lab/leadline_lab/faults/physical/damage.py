"""WAL is damaged."""

from leadline_lab.faults.fault import Broken, Course, Expected, Injected, Prepared, fault
from leadline_lab.faults.topologies import Pair, make_pair_with_server_logs
from leadline_lab.sandbox.postgres import Server

FILL = "INSERT INTO filler SELECT generate_series(1, 20000)"
SEGMENT_BYTES = 1 << 20
"""Of the sandbox."""


@fault(
    make_pair_with_server_logs,
    Expected(rule="replication_cut_off", cause="wal_corrupt", within_s=40.0),
    own_servers=True,
)
def wal_corrupt(pair: Pair) -> Course:
    """A WAL file of the primary was damaged while the standby was away: the standby asks for it again and again."""
    pair.primary.query("CREATE TABLE filler (n int)")
    pair.fleet.wait_caught_up()
    place = str(pair.standby.value("SELECT pg_last_wal_replay_lsn()::text"))
    yield Prepared()
    pair.standby.stop()
    for _ in range(4):
        pair.primary.query(FILL)
    pair.primary.restart()
    damage(pair.primary, place)
    yield Broken()
    pair.standby.start()
    yield Injected()


def damage(server: Server, place: str) -> None:
    """Overwrite WAL a little after a position, in the file alone."""
    server.report(f"overwrite a part of the WAL after {place}")
    high, low = (int(part, 16) for part in place.split("/"))
    at = low + 64 * 1024
    name = f"{1:08X}{high:08X}{at // SEGMENT_BYTES:08X}"
    with (server.data / "pg_wal" / name).open("r+b") as segment:
        segment.seek(at % SEGMENT_BYTES)
        segment.write(b"\xa5" * 512)
