"""`leadline watch`: the whole pipeline, as processes, over real servers."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadline import __version__
from leadline.recording import read
from leadline_cli.servers import EXPOSED
from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.guard import descendants
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair


class Watch:
    """A `leadline watch --format json` that runs; ``printed`` is its output so far."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self._out = folder / "watch.out"
        self._err = folder / "watch.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "leadline_cli", "watch", *arguments, "--format", "json"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "TMPDIR": str(folder), **environment},
            )

    @property
    def printed(self) -> list[dict[str, Any]]:
        """Whole lines, decoded."""
        lines = self._out.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def of(self, kind: str, **fields: object) -> list[dict[str, Any]]:
        """The lines of one kind with these fields."""
        return [
            line for line in self.printed if line["kind"] == kind and all(line.get(k) == v for k, v in fields.items())
        ]

    def until(self, what: str, kind: str, timeout_s: float, **fields: object) -> dict[str, Any]:
        """The first of a kind with these fields, when it is there."""
        assert self.process.poll() is None, self._err.read_text()
        eventually(what, lambda: bool(self.of(kind, **fields)), timeout_s)
        return self.of(kind, **fields)[0]

    def until_healthy(self, timeout_s: float) -> None:
        """The link is shown as healthy, and before that as unknown at worst, while only one end has been sampled."""
        shown: list[str] = []

        def is_healthy() -> bool:
            shown[:] = (line["verdict"] for line in self.of("link", link_kind="physical"))
            return bool({"idle", "healthy"}.intersection(shown))

        assert self.process.poll() is None, self._err.read_text()
        eventually("the link is shown as healthy", is_healthy, timeout_s)
        assert set(shown) <= {"unknown", "idle", "healthy"}

    def end(self) -> int:
        """As Ctrl-C, which whoever runs the tests in the background makes us ignore; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()


def test_a_paused_replay_becomes_an_incident_with_its_cause(pair: Pair, tmp_path: Path) -> None:
    """State at once; then the alert, the incident, the right cause first; healed, all of it resolves."""
    dsns = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    watch = Watch(tmp_path, *dsns, "--interval", "1", "--for", "5")
    try:
        watch.until("both nodes are shown", "node", 30.0, role="standby", up=True)
        watch.until_healthy(10.0)
        pair.standby.query("SELECT pg_wal_replay_pause()")
        alert = watch.until("the alert fires", "alert", 30.0, rule="replay_paused", to="firing")
        incident = watch.until("the incident opens", "incident", 5.0, state="open")
        assert incident["causes"][0]["code"] == "replay_paused_by_operator"
        assert alert["alert_id"] in incident["alerts"]
        assert alert["subject"]["upstream"] == "pg-1"
        pair.standby.query("SELECT pg_wal_replay_resume()")
        watch.until("the incident is over", "incident", 40.0, state="resolved")
        assert {line["incident_id"] for line in watch.of("incident")} == {incident["incident_id"]}
    finally:
        if pair.standby.value("SELECT pg_is_wal_replay_paused()"):
            pair.standby.query("SELECT pg_wal_replay_resume()")
        code = watch.end()
    assert code == 130
    assert {path.name for path in tmp_path.iterdir()} == {"watch.out", "watch.err"}


def test_targets_of_the_environment_are_notified(pair: Pair, tmp_path: Path) -> None:
    """Slack and PagerDuty get one message and one page for the incident, and the incident log has it."""
    dsns = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    log = pair.primary.dsn()
    with Receiver() as receiver:
        watch = Watch(tmp_path, *dsns, "--for", "3", "--db-sink", log, **receiver.environment)
        try:
            watch.until_healthy(20.0)
            pair.standby.query("SELECT pg_wal_replay_pause()")
            for target in ("slack", "pagerduty"):
                watch.until(f"{target} is notified", "delivery", 60.0, target=target, outcome="sent", occasion="opened")
            (incident,) = {line["incident_id"] for line in watch.of("incident")}
            acknowledged(receiver, incident)
            watch.until("the acknowledgement is sent", "delivery", 20.0, target="slack", occasion="acknowledged")
            kept = "SELECT 1 FROM leadline.incident WHERE incident_id = %s"
            eventually("the incident log has it", lambda: bool(pair.primary.query(kept, [incident])), 30.0)
        finally:
            pair.standby.query("SELECT pg_wal_replay_resume()")
            watch.end()
            pair.primary.query("DROP SCHEMA IF EXISTS leadline CASCADE")
        kinds = [(event.vendor, event.kind) for event in receiver.events]
        assert (kinds.count(("slack", "post")), kinds.count(("pagerduty", "trigger"))) == (1, 1)


def acknowledged(receiver: Receiver, incident: str) -> None:
    """Run the command that the message in Slack shows, as it stands; it acknowledges this incident and no other."""
    (message,) = [event for event in receiver.events if (event.vendor, event.kind) == ("slack", "post")]
    (command,) = set(
        re.findall(r"LEADLINE_KAFKA_BOOTSTRAP=\S+ leadline incidents ack \w+", json.dumps(message.payload))
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line, code in ((command, 0), (command.replace(incident, "inc_other"), 2)):
        done = subprocess.run(line, shell=True, capture_output=True, text=True, env={**os.environ, "PATH": path})
        assert done.returncode == code, done.stderr
    assert "there is no incident 'inc_other'" in done.stderr


def test_killed_it_leaves_nothing(pair: Pair, tmp_path: Path) -> None:
    """Not even kill -9 leaves the agent, the processor or a file behind."""
    watch = Watch(tmp_path, pair.primary.dsn(user=AGENT))
    try:
        watch.until("it works", "node", 30.0, up=True)
        children = descendants(watch.process.pid)
    finally:
        watch.process.kill()
        watch.process.wait()
    assert len(children) >= 5  # two guards, agent, stream, sweeper
    eventually("all are gone", lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in children), 15.0)
    assert {path.name for path in tmp_path.iterdir()} == {"watch.out", "watch.err"}


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """A command that runs in this process sets its handlers in it."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_without_an_incident_the_exit_code_is_0(run: Run, pair: Pair) -> None:
    """With a duration, exit code 0 means that no incident is open; the output is lines for people.

    A password on the command line is warned of.
    """
    dsns = pair.primary.dsn(user=AGENT), f"replica={pair.standby.dsn(user=AGENT)}"
    result = run("watch", *dsns, "--duration", "12", "--for", "5")
    assert result.code == 0
    assert len(result.err.splitlines()) == 4, result.err
    warned, targets, process, servers = result.err.splitlines()
    assert warned == EXPOSED
    assert targets.startswith("targets: none")
    assert process.startswith(f"leadline {__version__}: Kafka at 127.0.0.1:")
    assert servers == f"servers: pg-1 (127.0.0.1:{pair.primary.port}), replica (127.0.0.1:{pair.standby.port})"
    assert "main  replica  standby 18" in result.out
    assert "INCIDENT" not in result.out


@pytest.mark.parametrize(
    ("wrong", "why"),
    [("nonsense", "this is not a connection string"), ("postgresql://a@h:notaport/db", "the port is not a number")],
)
def test_a_wrong_dsn_is_refused_before_anything_starts(run: Run, wrong: str, why: str) -> None:
    """Exit code 2, one line."""
    result = run("watch", wrong)
    assert (result.code, result.out) == (2, "")
    assert why in result.err


def test_a_wrong_dsn_of_the_incident_log_is_refused(run: Run) -> None:
    """Before anything starts, too."""
    result = run("watch", "host=db1", "--db-sink", "nonsense")
    assert (result.code, result.out) == (2, "")
    assert "this is not a connection string" in result.err


def test_a_role_that_the_incident_log_does_not_have_is_reported_at_once(run: Run, pair: Pair) -> None:
    """Each target is tried at the start, and nothing is started when one refuses."""
    target = pair.primary.dsn(user="nobody_of_this_name")
    result = run("watch", pair.primary.dsn(user=AGENT), "--db-sink", target)
    assert (result.code, result.out) == (2, "")
    assert "incident_log: answers: fail: " in result.err
    assert "check user and password of incident_log.dsn" in result.err


def test_a_wrong_setting_is_named(run: Run, tmp_path: Path) -> None:
    """A rule that does not exist, with what was meant."""
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n  replication_lagg: {warning: 5}\n")
    result = run("watch", "host=db1", "--config", file)
    assert result.code == 2
    assert "did you mean replication_lag?" in result.err


def test_the_recording_of_a_pause_replays_the_same_twice(run: Run, pair: Pair, tmp_path: Path) -> None:
    """Recorded, replayed and replayed again: the same lines; a stricter rule shows only what it changes."""
    from leadline_lab.pipeline import Pipeline

    dsns = {"pg-1": pair.primary.dsn(user=AGENT), "pg-2": pair.standby.dsn(user=AGENT)}
    instances = [{"dsn": dsn, "name": name, "cluster": "orders"} for name, dsn in dsns.items()]
    file, config = tmp_path / "pause.jsonl", tmp_path / "record.yaml"
    with Pipeline() as pipeline:
        spool = {"path": str(pipeline.file("spool.sqlite3"))}
        pipeline.start("agent", {"instances": instances, "interval_s": 1.0, "spool": spool})
        pipeline.start("stream", {"tick_s": 1.0, "shadow": {"replay_paused": {"for_s": 2.0, "keep_s": 1.0}}})
        config.write_text(f"kafka: {{bootstrap: '{pipeline.kafka.bootstrap}'}}\n")
        pair.primary.query("SELECT pg_sleep(6)")
        pair.standby.query("SELECT pg_wal_replay_pause()")
        pair.primary.query("SELECT pg_sleep(8)")
        pair.standby.query("SELECT pg_wal_replay_resume()")
        pair.primary.query("SELECT pg_sleep(3)")
        recorded = run("record", "-c", config, "-o", file, "--until-end")
        assert recorded.code == 0, recorded.err
        live = run("explain", "orders/pg-1->pg-2", "-c", config)
        process_log = pipeline.file("stream.log").read_text()
    assert any(record.value is not None and b'"kind":"tick"' in record.value for record in read(file))
    assert "shadow rule replay_paused would fire" in process_log
    assert live.code == 0, live.err
    for explained in (live.out, run("explain", "pg-1->pg-2", "--recording", file).out):
        assert "does not alert: replay_paused breached" in " ".join(explained.split())
        assert "replay_paused: pg-2 says that its replay is paused" in explained
    quick, slow = tmp_path / "quick.yaml", tmp_path / "slow.yaml"
    quick.write_text("rules: {replay_paused: {for_s: 3, keep_s: 1}}\n")
    slow.write_text("rules: {replay_paused: {for_s: 60, keep_s: 1}}\n")
    first = run("replay", file, "--rules", quick, "--format", "json")
    assert first.code == 0, first.err
    assert "replay_paused 1" in first.err
    assert run("replay", file, "--rules", quick, "--format", "json").out == first.out
    printed = list(map(json.loads, first.out.splitlines()))
    alerts = [line for line in printed if line["kind"] == "alert" and line["rule"] == "replay_paused"]
    steps = [(line["from"], line["to"]) for line in alerts]
    assert steps == [("ok", "pending"), ("pending", "firing"), ("firing", "resolved")]
    changed = run("replay", file, "--rules", quick, "--diff", slow)
    assert changed.code == 0
    assert [line[0] for line in changed.out.splitlines()] == ["-", "-"]
