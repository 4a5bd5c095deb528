"""Processes that watch real servers, read from outside: by a real Prometheus, and by a consumer without Leadline."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import pytest

from leadline.topic_specs import TOPICS
from leadline_lab.faults.topologies import make_pair
from leadline_lab.pipeline import Pipeline
from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.port import Port
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.prometheus import Prometheus, prometheus, promtool

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FOREIGN = ROOT / "tests/fixtures/foreign_consumer.py"
WRITTEN = {"samples", "vitals", "alerts", "incidents", "lag", "status", "silences", "deliveries"}
"""Messages of which these processes write some in the time of the tests."""
RULES = DEPLOY / "prometheus/rules.yml"
BOARDS = [DEPLOY / f"grafana/dashboards/{name}.json" for name in ("lag", "topology", "leadline")]
MAY_BE_EMPTY = re.compile(r"\b[Ee]mpty (?:while|where|before)\b")

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@dataclass
class Watched:
    """A primary and its standby, watched by processes that Prometheus scrapes."""

    fleet: Fleet
    server: Prometheus
    pipeline: Pipeline


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with ExitStack() as stack:
        fleet, pipeline = stack.enter_context(Fleet()), stack.enter_context(Pipeline())
        receiver = stack.enter_context(Receiver(limited=False))
        ports = {role: stack.enter_context(Port()).number for role in ("agent", "stream", "sink")}
        make_pair(fleet)
        instances = [
            {"dsn": server.dsn(user=AGENT), "name": server.name, "cluster": "orders"}
            for server in fleet.servers.values()
        ]
        spool = {"path": str(pipeline.file("spool.sqlite3"))}
        settings = {
            "stream": {"tick_s": 0.5},
            "agent": {"instances": instances, "spool": spool},
            "sink": {"slack": {"token": "xoxb-local", "channel": "#dba", "api_url": f"{receiver.url}/api"}},
        }
        for role, own in settings.items():
            pipeline.start(role, {**own, "metrics": {"port": ports[role]}})
        folder = tmp_path_factory.mktemp("prometheus")
        server = stack.enter_context(prometheus(folder, list(ports.values()), RULES))
        found = Watched(fleet, server, pipeline)
        eventually("the gauges of the link", lambda: bool(server.query("leadline_link_lag_seconds")), 60.0)
        yield found
        pipeline.check()


def panels() -> list[tuple[str, str, bool]]:
    """Every query of every board, where it is, and whether it may have no series."""
    found = []
    for board in BOARDS:
        for panel in json.loads(board.read_text())["panels"]:
            for target in panel["targets"]:
                windowed = target["expr"].replace("$__rate_interval", "5m")
                expression = re.sub(r"\$(?:cluster|downstream)\b", ".*", windowed)
                empty = MAY_BE_EMPTY.search(panel["description"]) is not None
                found.append((f"{board.stem}: {panel['title']} {target['refId']}", expression, empty))
    return found


def test_rules_are_right() -> None:
    """promtool takes the rules and the settings, and each case of the rules' tests."""
    assert "15 rules found" in promtool("check", "rules", "rules.yml", cwd=RULES.parent)
    promtool("check", "config", "prometheus.yml", cwd=RULES.parent)
    promtool("test", "rules", "rules_test.yml", cwd=RULES.parent)


def test_every_panel_has_data(watched: Watched) -> None:
    """Of a fleet that is well: each query is right, and has a series unless its panel says when it has none."""
    empty = []
    for place, expression, may_be_empty in panels():
        values = watched.server.query(expression)
        if not may_be_empty and not [value for _, value in values if not isnan(value)]:
            empty.append(f"{place}: {expression}")
    assert empty == []


def test_every_rule_is_evaluated(watched: Watched) -> None:
    """None has an error, and none fires about a fleet that is well, once whatever a busy machine caused is over."""

    def evaluated() -> bool:
        groups = watched.server.ask("rules")["groups"]
        return all(rule["health"] == "ok" for group in groups for rule in group["rules"])

    eventually("each rule is evaluated", evaluated)
    eventually(
        "no alert fires",
        lambda: "firing" not in {alert["state"] for alert in watched.server.ask("alerts")["alerts"]},
        90.0,
    )


def test_values_are_those_of_the_servers(watched: Watched) -> None:
    """One series for the link; its slot retains what the server says; both ends are seen."""
    eventually("the lag is seen", lambda: len(watched.server.query("leadline_link_lag_seconds")) == 1)
    ((labels, lag_s),) = watched.server.query("leadline_link_lag_seconds")
    assert (labels["upstream"], labels["downstream"], labels["cluster"]) == ("pg-1", "pg-2", "orders")
    assert 0.0 <= lag_s < 60.0
    eventually("both ends are seen", lambda: [n for _, n in watched.server.query("leadline_link_ends_seen")] == [2.0])
    slots = watched.fleet.servers["pg-1"].query("SELECT slot_name FROM pg_replication_slots")
    assert {labels["slot"] for labels, _ in watched.server.query("leadline_slot_active")} == {name for (name,) in slots}


def test_a_primary_that_is_gone_leaves_no_lag_behind(watched: Watched) -> None:
    """Its lag is absent at once, also in Prometheus; the verdict and the alert say what is wrong."""
    watched.fleet.servers["pg-1"].stop("immediate")
    try:
        gone = 'leadline_link_verdict{verdict="upstream_unreachable"}'
        eventually("the verdict", lambda: bool(watched.server.query(gone)), 60.0)
        assert watched.server.query("leadline_link_lag_seconds") == []
        assert watched.server.query("leadline_slot_retained_bytes") == []
        assert len(watched.server.query("leadline_link_verdict")) == 1
        eventually(
            "the rule",
            lambda: "LeadlineLinkBroken" in {a["labels"]["alertname"] for a in watched.server.ask("alerts")["alerts"]},
        )
    finally:
        watched.fleet.servers["pg-1"].start()
    eventually("the lag is back", lambda: bool(watched.server.query("leadline_link_lag_seconds")), 60.0)


def test_a_consumer_without_leadline_reads_every_topic(watched: Watched) -> None:
    """From the AsyncAPI document and the JSON Schemas alone: each record is a message of its channel, with its headers.

    It comes last, so that there are incidents, too.
    """
    config = watched.pipeline.write("people", {})
    watched.pipeline.run("silence", "add", "cluster=orders", "--for", "2h", "--comment", "a test", "-c", str(config))
    bootstrap = watched.pipeline.kafka.bootstrap
    command = [sys.executable, "-P", FOREIGN, ROOT / "docs/reference/asyncapi.yaml", bootstrap]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["faults"] == []
    assert WRITTEN - set(found["counts"]) == set()
    documented = {f"leadline.{name}" for name, spec in TOPICS.items() if spec.codec is not None}
    assert set(found["channels"]) == documented
