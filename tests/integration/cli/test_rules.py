"""`leadline rules list` with what a stream sees."""

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from leadline.kafka import publish
from leadline.settings.common import KafkaSettings
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.commands import Run
from tests.unit.lab.view.test_fleet import node


@pytest.fixture
def config(any_broker: Broker, prefix: str, tmp_path: Path) -> Path:
    """A server that shows everything, and one whose agent lacks a right."""
    create_topics(any_broker, prefix, 3)
    kafka = KafkaSettings(bootstrap=any_broker.bootstrap, topic_prefix=prefix)
    why = "the role leadline is no member of pg_monitor (run: GRANT pg_monitor TO leadline)"
    for each in (node("pg-1"), replace(node("pg-2"), blind=why)):
        asyncio.run(publish(kafka, "test", each))
    file = tmp_path / "stream.yaml"
    file.write_text(
        f"kafka: {{bootstrap: '{any_broker.bootstrap}', topic_prefix: '{prefix}'}}\n"
        "rules: {clock_skew: {enabled: false}}\n"
    )
    return file


def test_a_blind_server_is_named_with_what_to_grant(run: Run, config: Path) -> None:
    """A rule that needs nothing of it is armed; one that the settings switch off is off."""
    printed = run("rules", "list", "-c", config).out
    assert printed.startswith("orders: ")
    assert "GRANT pg_monitor TO leadline" in printed
    lines = map(
        json.loads, run("rules", "list", "-c", config, "--cluster", "orders", "--format", "json").out.splitlines()
    )
    states = {line["rule"]: (line["state"], " ".join(line["reasons"])) for line in lines}
    assert states["agent_silent"] == ("armed", "")
    assert states["clock_skew"][0] == "off"
    assert states["slot_inactive"][0] == "blind"
    assert "pg-2: the role leadline" in states["slot_inactive"][1]


def test_a_cluster_that_no_stream_sees_is_refused(run: Run, config: Path) -> None:
    """In one line."""
    result = run("rules", "list", "-c", config, "--cluster", "billing")
    assert result.code == 2
    assert (
        result.err
        == "leadline: no server of cluster billing is on the status topic; start `leadline stream` and an agent\n"
    )
