"""Three walks as a new user with nothing but the wheel: the pages' own commands, in order, on real servers.

1. From pip to the cause, on servers that were broken before. 2. All parts, with Apache Kafka. 3. From the message in
Slack to the post-mortem.
"""

import json
import os
import re
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from leadline_lab.sandbox.binaries import programs
from leadline_lab.sandbox.port import Port
from tests.fixtures.brokers import Broker
from tests.fixtures.built import build_wheel
from tests.fixtures.fleets import Pair
from tests.fixtures.once import of_this_run, once
from tests.fixtures.pages import ROOT, hold
from tests.fixtures.walk import Walk
from tests.integration.cli.test_first_hour import reporting

INSTALL = "how-to/install.md"
BROKEN = "tutorial/already-broken.md"
PARTS = "tutorial/all-parts.md"
ITS_INCIDENT = "inc_orders_20260410T100003Z_7c1e"

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the page on installing was followed, by somebody who has Python and the wheel."""
    wheel = build_wheel(tmp_path_factory)

    def install(home: Path) -> None:
        (home / "dist").mkdir()
        shutil.copy(wheel, home / "dist")
        with Walk("1", home, os.environ["PATH"], {}) as walk:
            walk.run(INSTALL, "python3 -m venv")

    return once(of_this_run(tmp_path_factory) / "home", install)


@pytest.fixture
def walk(installed: Path, pair: Pair) -> Iterator[Walk]:
    """A folder with a password file, and the addresses of the servers."""
    with TemporaryDirectory(prefix="leadline-test-") as name:
        folder = Path(name)
        password = conninfo_to_dict(pair.primary.dsn())["password"]
        (folder / ".pgpass").write_text(f"*:*:*:*:{password}\n")
        (folder / ".pgpass").chmod(0o600)
        path = f"{installed / 'leadline/bin'}:{programs().server}:/usr/bin:/bin"
        names = {}
        for address, server in (("10.0.0.1", pair.primary), ("10.0.0.2", pair.standby), ("10.0.0.3", pair.primary)):
            names[f"host={address}"] = f"host=127.0.0.1 port={server.port}"
            names[f"-h {address}"] = f"-h 127.0.0.1 -p {server.port}"
        with Walk("", folder, path, names) as walk:
            yield walk


def test_from_pip_to_the_cause(walk: Walk, pair: Pair) -> None:
    """`check` names it, as the page shows; `watch` notices it although it began before."""
    walk.title = "1"
    with reporting(pair):
        shown = walk.run(BROKEN, "leadline check", code=1)
        with walk.started(BROKEN, "leadline watch", code=130) as printed:
            walk.until("the incident has its fix", lambda: "SELECT pg_terminate_backend(" in printed(), 90.0)
    hold(ROOT / "docs" / BROKEN, 0, shown.splitlines())


def test_all_parts_and_one_incident(walk: Walk, pair: Pair, apache_kafka: Broker, prefix: str) -> None:
    """Every command of the page works as it stands, and what the page announces happens."""
    walk.title = "2"
    pair.primary.query("CREATE DATABASE incidents")
    try:
        with Port() as port:
            walk.names |= {
                "localhost:9092": apache_kafka.bootstrap,
                "8095": str(port.number),
                "leadline receiver": f"leadline receiver --port {port.number}",
                "kafka: {": f"kafka: {{topic_prefix: {prefix}, ",
            }
        followed(walk, pair)
    finally:
        pair.standby.query("SELECT pg_wal_replay_resume()")
        pair.primary.query("DROP TABLE IF EXISTS t")
        pair.primary.query("DROP DATABASE incidents WITH (FORCE)")


def followed(walk: Walk, pair: Pair) -> None:
    """The page from its beginning to its end."""
    assert walk.run(PARTS, "cat >agent.yaml").count("no problem found") == 3
    with walk.started(PARTS, "leadline receiver", code=0) as received:
        walk.until("the receiver is up", lambda: "http://127.0.0.1:" in received(), 30.0)
        checked = walk.run(PARTS, "leadline topics create")
        assert ("fail" in checked, "unreachable" in checked) == (False, False), checked
        with (
            walk.started(PARTS, "leadline agent"),
            walk.started(PARTS, "leadline stream"),
            walk.started(PARTS, "leadline sink"),
        ):
            walk.title = "3"
            walk.run(PARTS, "psql -h 10.0.0.2 -U postgres -c 'SELECT pg_wal_replay_pause()'")
            walk.until("the message is in Slack", lambda: bool(incidents(walk, "post")), 120.0)
            (message,) = incidents(walk, "post")
            text = json.dumps(message)
            assert "pg_wal_replay_resume()" in text
            found = re.search(r"leadline incidents ack (inc_\w+)", text)
            assert found is not None, text
            walk.names[ITS_INCIDENT] = found[1]
            walk.run(PARTS, "leadline incidents ack")
            walk.until("Slack shows who has it", lambda: shows(walk, "acknowledged by `ada`"), 30.0)
            page = walk.run(PARTS, "leadline runbook")
            assert ("pg-2" in page, "SELECT pg_wal_replay_resume()" in page) == (True, True)
            walk.run(PARTS, "psql -h 10.0.0.2 -U postgres -c 'SELECT pg_wal_replay_resume()'")
            walk.until("PagerDuty resolves the page", lambda: bool(incidents(walk, "resolve", "pagerduty")), 120.0)
            walk.until("the message shows the end", lambda: shows(walk, "RESOLVED after"), 60.0)
            looked = walk.run(PARTS, "leadline incidents list")
            assert (found[1] in looked, "ada" in looked) == (True, True)
            draft = (walk.folder / "postmortem.md").read_text()
            assert all(part in draft for part in ("pg_wal_replay_pause()", "## Timeline", "ada"))


def shows(walk: Walk, text: str) -> bool:
    """Whether this is in an edit of the message in Slack."""
    return text in json.dumps(incidents(walk, "update"))


def incidents(walk: Walk, kind: str, vendor: str = "slack") -> list[dict[str, Any]]:
    """The payloads of this kind that the receiver got."""
    with urllib.request.urlopen(f"http://127.0.0.1:{walk.names['8095']}/inbox") as answer:
        events = json.load(answer)["events"]
    return [event["payload"] for event in events if (event["vendor"], event["kind"]) == (vendor, kind)]
