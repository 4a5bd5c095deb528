"""`leadline doctor` over real servers and a broker."""

import json
from pathlib import Path
from typing import Any

import pytest

from leadline_lab.sandbox.fleet import AGENT
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair


@pytest.fixture
def doctor(run: Run, tmp_path: Path, any_broker: Broker, prefix: str) -> Any:
    """Examine an agent of named servers: the exit code, and result and words by what and check."""

    def examine(**servers: str) -> tuple[int, dict[tuple[str, str], tuple[str, str]]]:
        config = {
            "instances": [{"name": name, "cluster": "orders", "dsn": dsn} for name, dsn in servers.items()],
            "kafka": {"bootstrap": any_broker.bootstrap, "topic_prefix": prefix},
            "spool": {"path": str(tmp_path / "spool")},
        }
        path = tmp_path / "agent.yaml"
        path.write_text(json.dumps(config))
        result = run("doctor", "-c", path, "--format", "json")
        assert all(dsn not in result.out + result.err for dsn in servers.values())
        lines = map(json.loads, result.out.splitlines())
        return result.code, {(line["subject"], line["check"]): (line["result"], line["said"]) for line in lines}

    return examine


def test_nothing_is_wrong(doctor: Any, any_broker: Broker, prefix: str, pair: Pair) -> None:
    """With topics, rights and a writable spool there is nothing to say, on primary and standby."""
    create_topics(any_broker, prefix)
    code, found = doctor(pg1=pair.primary.dsn(user=AGENT), pg2=pair.standby.dsn(user=AGENT))
    assert {result for result, _ in found.values()} == {"ok"}
    assert {check for what, check in found if what == "orders/pg2"} == {"answers", "version", "rights", "clock"}
    assert found["orders/pg1", "rights"][1] == f"{AGENT} has pg_monitor"
    assert code == 0


def test_what_is_wrong_is_named(doctor: Any, any_broker: Broker, prefix: str, pair: Pair) -> None:
    """Missing topics, rights, roles and passwords each have their remedy; everything answers, so the exit code is 1."""
    any_broker.create_topic(f"{prefix}samples", 3)
    any_broker.create_topic(f"{prefix}alerts", 4)
    good = pair.primary.dsn(user=AGENT)
    code, found = doctor(
        unseeing=pair.primary.dsn(user="replicator"),
        forgotten=good.replace("password=", "password=not"),
        stranger=pair.primary.dsn(user="nobody"),
        lost=pair.primary.dsn(dbname="nowhere", user=AGENT),
    )
    assert code == 1
    assert found["orders/unseeing", "rights"] == ("fail", "run on this server: GRANT pg_monitor TO replicator;")
    for name in ("forgotten", "stranger"):
        result, lines = found[f"orders/{name}", "answers"]
        assert (result, lines.partition(":")[0]) == ("fail", "authentication failed")
    assert found["orders/lost", "answers"][1].startswith("no such database: ")
    assert found[f"{prefix}lag", "topic"] == ("fail", "missing; run `leadline topics create`")
    assert found[f"{prefix}alerts", "topic"][1].startswith(
        "has 4 partitions and the samples have 3; the numbers must be equal"
    )


def test_a_server_that_is_down(doctor: Any, any_broker: Broker, prefix: str, pair: Pair) -> None:
    """A server behind a cut network does not answer: exit code 3, and the others are examined all the same."""
    create_topics(any_broker, prefix)
    pair.proxy.cut()
    cut = pair.primary.dsn(user=AGENT, port=pair.proxy.port)
    code, found = doctor(cut=cut, fine=pair.primary.dsn(user=AGENT))
    pair.proxy.heal()
    assert code == 3
    assert found["orders/cut", "answers"][0] == "unreachable"
    assert found["orders/fine", "rights"][0] == "ok"
