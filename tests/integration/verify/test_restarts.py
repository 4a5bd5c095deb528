"""The process that compares around the clock is killed again and again: its results are those of one that was not."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from leadline.model.verification import TableVerification, Verification
from leadline.topic_table import latest
from leadline.wire import VERIFICATIONS
from leadline_lab.pipeline import Pipeline
from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_verify.checkpoint import Checkpoint
from tests.fixtures.verified import admit, verifier

ROWS = 100_000
SCHEMA = "CREATE TABLE long (id int PRIMARY KEY, v text); CREATE TABLE short (id int PRIMARY KEY, v text)"
CHANGES = (
    "UPDATE long SET v = 'other' WHERE id IN (1, 25000, 99999)",
    "DELETE FROM long WHERE id IN (40000, 100000)",
    "INSERT INTO long VALUES (-1, 'extra'), (200000, 'extra')",
)
WITHIN_S = 90.0


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    """A publisher, and a subscriber on which rows differ in the first, the last and other chunks."""
    with Fleet() as fleet:
        up = fleet.primary("pg-1", {"wal_level": "logical"})
        admit(up)
        up.query("CREATE DATABASE app")
        up.query(SCHEMA, dbname="app")
        for name, rows in (("long", ROWS), ("short", 100)):
            up.query(f"INSERT INTO {name} SELECT g, 'v' || g FROM generate_series(1, {rows}) g", dbname="app")
        down = fleet.subscriber("pg-4", up, schema=SCHEMA)
        up.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname="app")
        admit(down)
        fleet.wait_caught_up(60)
        for name in ("long", "short"):
            up.query(f"ANALYZE {name}", dbname="app")
        for statement in CHANGES:
            down.query(statement, dbname="app")
        yield up, down


class Verifier:
    """``leadline verify -c FILE``, which can be killed and started again."""

    def __init__(self, pipeline: Pipeline, servers: tuple[Server, Server], state: Path) -> None:
        self.pipeline, self.servers, self.state = pipeline, servers, state
        self.log = state / "verify.log"

    def start(self, cluster: str, rows_per_s: float) -> subprocess.Popen[bytes]:
        """Start it for the link under this name of its cluster."""
        up, down = (verifier(server).partition("=")[2] for server in self.servers)
        link = {"cluster": cluster, "upstream": "pg-1", "downstream": "pg-4", "subscription": "pg_4"}
        settings = {
            "links": [{**link, "upstream_dsn": up, "downstream_dsn": down}],
            "report_every_s": 1.0,
            "budget": {"rows_per_s": rows_per_s},
            "state_dir": str(self.state),
        }
        file = self.pipeline.write(cluster, settings)
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "leadline_cli", "verify", "-c", str(file)]
            return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def record(self, cluster: str) -> Verification | None:
        found = asyncio.run(latest(self.pipeline.kafka, VERIFICATIONS, "test"))
        return next((each for each in found.values() if each.cluster == cluster), None)

    def result(self, cluster: str) -> dict[str, TableVerification] | None:
        """The tables, once all of them are compared to their ends."""
        record = self.record(cluster)
        if record is None or len(record.tables) < 2 or any(each.coverage < 1 for each in record.tables):
            return None
        return {each.table: each for each in record.tables}

    def position(self) -> int:
        """The rows of the long table that a restart would not read again."""
        files = list(self.state.glob("verify-*.json"))
        found = [msgspec.json.decode(file.read_bytes(), type=Checkpoint) for file in files]
        return max((each.rows_upstream for run in found for each in run.tables.values()), default=0)


def answer(tables: dict[str, TableVerification]) -> dict[str, Any]:
    """The parts of a result that do not depend on time."""
    return {
        name: (each.rows_compared, each.coverage, each.chunks, each.difference, each.undecided, each.equal_at is None)
        for name, each in tables.items()
    }


@pytest.mark.timeout(300)
def test_a_process_that_is_killed_at_several_points_reports_the_same(
    servers: tuple[Server, Server], tmp_path: Path
) -> None:
    """It goes on within the long table each time, and leaves no file in the end."""
    with Pipeline() as pipeline:
        process = Verifier(pipeline, servers, tmp_path)
        running = process.start("whole", 1_000_000)
        try:
            eventually("the whole result", lambda: process.result("whole"), WITHIN_S)
            running.kill()
            running.wait()
            before = 0
            for _ in range(3):
                running = process.start("killed", 20_000)
                eventually("it has gone on", lambda b=before: process.position() > b, WITHIN_S)  # type: ignore[misc]
                running.kill()
                running.wait()
                assert process.position() > before
                before = process.position()
            assert before < ROWS
            running = process.start("killed", 1_000_000)
            eventually("the result", lambda: process.result("killed"), WITHIN_S)
        finally:
            running.kill()
            running.wait()
        whole, killed = process.result("whole"), process.result("killed")
        assert whole is not None
        assert killed is not None
        assert answer(killed) == answer(whole)
        difference = killed["public.long"].difference
        assert difference is not None
        assert (difference.missing, difference.extra, difference.changed) == (2, 2, 3)
        assert killed["public.long"].chunks.different == 5
        assert not list(tmp_path.glob("verify-*.json*"))
        record = process.record("killed")
        assert record is not None
        assert record.canary == "found"
