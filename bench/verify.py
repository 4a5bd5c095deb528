"""The verifier: CPU of its digests beside ``count(*)`` and ``pg_dump | sha256sum``, and a soak under traffic.

The soak writes ``--transactions`` to a primary with a standby and a subscriber, while ``leadline verify`` compares both
again and again; nothing may be confirmed to differ. Then it changes ``--planted`` rows on the subscriber, in each way
in which a row can differ, and every one must be found.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from bench.footprint import cpu_s
from leadline.clock import SystemClock
from leadline_lab.sandbox.binaries import programs
from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server

GRANTS = Path(__file__).parents[1] / "deploy/sql/verify.sql"
TABLE = """
    CREATE TABLE big (id bigint PRIMARY KEY, a int NOT NULL, b numeric(12,2), t text, u uuid, ts timestamptz NOT NULL,
        f float8, j jsonb, fl boolean)
"""
FILL = """
    INSERT INTO big SELECT g, ((g::bigint * 7919) %% 1000003)::int, (g %% 100000) / 100.0,
        md5(g::text) || repeat('x', (g %% 20)::int), md5((g + 1)::text)::uuid,
        '2026-01-01'::timestamptz + g * interval '1 second', sqrt(g::float8),
        CASE WHEN g %% 5 = 0 THEN jsonb_build_object('k', g, 'v', md5(g::text)) END, g %% 2 = 0
    FROM generate_series(%s::bigint, %s::bigint) g
"""
TURNS = 4
"""The least CPU of so many counts: other programs on the machine only add to it."""
WRITERS = 4
PAUSE_S = 0.008
"""After each transaction, so that one apply worker keeps up."""
PLANTS = (
    "UPDATE big SET a = a + 1 WHERE id = {id}",
    "UPDATE big SET b = b + 0.01 WHERE id = {id}",
    "UPDATE big SET t = t || ' ' WHERE id = {id}",
    "UPDATE big SET f = '-0' WHERE id = {id}",
    "UPDATE big SET j = '{{\"k\": 1.0}}' WHERE id = {id}",
    "UPDATE big SET ts = ts + interval '1 microsecond' WHERE id = {id}",
    "UPDATE big SET fl = NOT fl WHERE id = {id}",
    "UPDATE big SET u = NULL WHERE id = {id}",
    "DELETE FROM big WHERE id = {id}",
    "INSERT INTO big SELECT -id, a, b, t, u, ts, f, j, fl FROM big WHERE id = {id}",
)


class Soak:
    """Traffic: hot rows, rows anywhere, inserts above the end, deletes, long, large and rolled back transactions."""

    def __init__(self, dsn: str, rows: int, seed: int) -> None:
        self._dsn, self._rows = dsn, rows
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self.transactions = 0
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        self.thread.join()

    def _run(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute("SET synchronous_commit = off")
            while not self._stop.is_set():
                self._write(connection, self._random.random(), self._random.randrange(1, self._rows))
                self.transactions += 1
                self._stop.wait(PAUSE_S)

    def _write(self, connection: psycopg.Connection[Any], chance: float, row: int) -> None:
        if chance < 0.45:
            connection.execute("UPDATE big SET a = a + 1, f = f + 1 WHERE id = %s", [row % 500 * 40 + 2])
        elif chance < 0.7:
            connection.execute("UPDATE big SET t = md5(t), j = '[1]' WHERE id = %s AND id %% 10 <> 7", [row])
        elif chance < 0.85:
            connection.execute(
                "INSERT INTO big (id, a, ts) SELECT max(id) + 1, 1, now() FROM big ON CONFLICT DO NOTHING"
            )
        elif chance < 0.95:
            connection.execute("DELETE FROM big WHERE id = %s AND id %% 10 = 3", [row])
        elif chance < 0.9995:
            with connection.transaction(force_rollback=chance > 0.98):
                connection.execute(
                    "UPDATE big SET b = b + 1 WHERE id BETWEEN %s AND %s AND id %% 10 <> 7", [row, row + 22]
                )
                self._stop.wait(0.02)
        else:
            with connection.transaction(force_rollback=chance > 0.9998):
                connection.execute(
                    "UPDATE big SET fl = NOT fl WHERE id BETWEEN %s AND %s AND id %% 10 <> 7", [row, row + 4000]
                )


def verifier(server: Server) -> str:
    """``NAME=DSN`` of the verifier's role."""
    return f"{server.name}={make_conninfo(server.dsn('app'), user='leadline_verify', password='verifies')}"


def admitted(server: Server) -> None:
    """Create the role."""
    server.query(GRANTS.read_text())
    server.query("ALTER ROLE leadline_verify PASSWORD 'verifies'")


def verified(up: Server, down: Server, *options: str) -> tuple[list[dict[str, Any]], float, int]:
    """The lines of a run, its own CPU seconds, and the largest resident memory of any run so far in MiB."""
    command = [
        sys.executable,
        "-m",
        "leadline_cli",
        "verify",
        verifier(up),
        verifier(down),
        "--format",
        "json",
        *options,
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if not lines:
        raise SystemExit(done.stderr)
    own_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return lines, own_s, after.ru_maxrss // 1024


def digest_cost(server: Server, rows: int, chunk: int = 10_000) -> dict[str, float]:
    """CPU of digests of all chunks in one backend, beside ``count(*)`` of the same ranges."""
    from leadline_verify.column_hash import column_hash, row_hash
    from leadline_verify.table_facts import Column

    columns = server.query(
        "SELECT attname, typname, typcategory FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid "
        "WHERE attrelid = 'big'::regclass AND attnum > 0 ORDER BY attnum",
        dbname="app",
    )
    known = [Column(name=name, type_name=base, base_type=base, category=kind) for name, base, kind in columns]
    hashed = row_hash([column_hash(column, at, 18) for at, column in enumerate(known, 1)], 0, (0, "id"))
    found: dict[str, float] = {}
    with psycopg.connect(server.dsn("app"), autocommit=True) as connection:
        for setting in ("jit = off", "max_parallel_workers_per_gather = 0", "timezone = 'UTC'"):
            connection.execute(f"SET {setting}".encode())
        for _ in range(TURNS):
            for name, what in (
                ("count", "count(*)"),
                ("digest", f"count(*), sum({hashed})"),
            ):
                start = cpu_s(connection.info.backend_pid)
                for lowest in range(0, rows, chunk):
                    text = f"SELECT {what} FROM big WHERE id > {lowest} AND id <= {lowest + chunk}"
                    connection.execute(text.encode()).fetchall()
                taken = cpu_s(connection.info.backend_pid) - start
                found[name] = min(taken, found.get(name, taken))
    return {
        "verify_digest_us_per_row": found["digest"] / rows * 1e6,
        "verify_digest_to_count_ratio": found["digest"] / found["count"],
    }


def dump_cost(server: Server) -> float:
    """CPU seconds of ``pg_dump | sha256sum`` of one side, the server's own included."""
    started = server_cpu_s(server)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = f"'{programs().path('pg_dump')}' -a -t big --dbname '{server.dsn('app')}' | sha256sum"
    subprocess.run(["bash", "-c", command], check=True, stdout=subprocess.DEVNULL)
    time.sleep(1)  # the server counts a session when it has ended
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return own + server_cpu_s(server) - started


def server_cpu_s(server: Server) -> float:
    """CPU seconds of the postmaster and all of its children, those that ended included."""
    pid = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    tick = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        fields = text.rsplit(")", 1)[1].split()
        if int(stat.parent.name) == pid:
            total += sum(map(int, fields[11:15])) / tick
        elif int(fields[1]) == pid:
            total += sum(map(int, fields[11:13])) / tick
    return total


def soak(
    primary: Server, standby: Server, subscriber: Server, rows: int, wanted: int, planted: int
) -> dict[str, float]:
    """Compare under traffic until enough was written, then plant and compare once more."""
    writers = [Soak(primary.dsn("app"), rows, seed) for seed in range(WRITERS)]
    transient = compared = wrong = undecided = runs = 0
    peak = 0
    try:
        while sum(writer.transactions for writer in writers) < wanted:
            for down in (standby, subscriber):
                lines, _, peak = verified(primary, down, "--max-lag", "30")
                runs += 1
                for line in lines:
                    if line["kind"] == "table":
                        transient += line.get("chunks_differed_at_first", 0)
                        compared += line.get("rows_upstream", 0)
                        undecided += len(line.get("undecided", []))
                    wrong += line["kind"] == "difference"
                total = sum(writer.transactions for writer in writers)
                print(
                    f"{total:,} transactions, {compared:,} rows, {transient} transient, {wrong} wrong", file=sys.stderr
                )
        keys = random.Random(1).sample(range(7, rows, 10), planted)
        with psycopg.connect(subscriber.dsn("app"), autocommit=True) as connection:
            for at, key in enumerate(keys):
                connection.execute(PLANTS[at % len(PLANTS)].format(id=key).encode())
        lines, _, peak = verified(primary, subscriber, "--max-lag", "30")
        written = sum(writer.transactions for writer in writers)
    finally:
        for writer in writers:
            writer.stop()
    expected = {str(-key if at % len(PLANTS) == len(PLANTS) - 1 else key) for at, key in enumerate(keys)}
    found = {line["key"]["id"] for line in lines if line["kind"] == "difference"}
    return {
        "verify_soak_transactions": written,
        "verify_soak_runs": runs,
        "verify_soak_rows": compared,
        "verify_soak_transient_chunks": transient,
        "verify_soak_false_differences": wrong + len(found - expected),
        "verify_soak_undecided_chunks": undecided,
        "verify_planted": len(expected),
        "verify_planted_found": len(expected & found),
        "verify_resident_mib": peak,
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.verify", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--transactions", type=int, default=200_000)
    parser.add_argument("--planted", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    clock = SystemClock()
    settings = {"wal_level": "logical", "max_wal_size": "4GB", "shared_buffers": "512MB"}
    with Fleet() as fleet:
        primary = fleet.primary("pg-1", settings)
        admitted(primary)
        primary.query("CREATE DATABASE app")
        primary.query(TABLE, dbname="app")
        primary.query(FILL, [1, options.rows], dbname="app")
        primary.query("VACUUM (FREEZE, ANALYZE) big", dbname="app")
        standby = fleet.standby("pg-2", primary, settings={"shared_buffers": "512MB"})
        subscriber = fleet.subscriber("pg-3", primary, schema=TABLE, settings={"max_wal_size": "4GB"})
        primary.query(f"GRANT SELECT ON big TO {REPLICATOR}", dbname="app")
        admitted(subscriber)
        fleet.wait_caught_up(600)
        numbers = digest_cost(primary, options.rows)
        verified(primary, standby)  # the pages of the standby are read once
        started = clock.monotonic()
        before = sum(map(server_cpu_s, (primary, standby)))
        lines, own_s, _ = verified(primary, standby)
        numbers["verify_cpu_s"] = own_s + sum(map(server_cpu_s, (primary, standby))) - before
        numbers["verify_rows_per_s"] = options.rows / (clock.monotonic() - started)
        assert lines[-1]["equal"], lines[-1]
        numbers["verify_to_dump_ratio"] = numbers["verify_cpu_s"] / (dump_cost(primary) + dump_cost(standby))
        print(json.dumps(numbers, indent=1), file=sys.stderr)
        numbers |= soak(primary, standby, subscriber, options.rows, options.transactions, options.planted)
    print(json.dumps(numbers, indent=1), file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(numbers))


if __name__ == "__main__":
    main()
