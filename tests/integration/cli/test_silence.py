"""`leadline silence`, over each broker."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from leadline.kafka import publish
from leadline.settings.common import KafkaSettings
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.commands import Result, Run
from tests.unit.lab.view.test_fleet import node
from tests.unit.sinks import made
from tests.unit.sinks.notify.test_silence_announcements import held


@pytest.fixture(autouse=True)
def kafka(any_broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics of its own, in the environment, with a node of cluster orders in datacenter fra1."""
    create_topics(any_broker, prefix, 3)
    asyncio.run(publish(KafkaSettings(bootstrap=any_broker.bootstrap, topic_prefix=prefix), "test", node("pg-1")))
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", any_broker.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)


def silences(result: Result) -> list[dict[str, object]]:
    assert (result.code, result.err) == (0, "")
    return [json.loads(line) for line in result.out.splitlines()]


def test_a_silence_and_its_end(run: Run) -> None:
    """Added, it is listed with who and why; expired, it is over at once; what is over is listed when asked for."""
    assert run("silence", "list").out == "no silences\n"
    words = ("cluster=orders", "rule=replication_*", "label.team=pay?ents", "--by", "ada", "--comment", "resize")
    (added,) = silences(run("silence", "add", *words, "--for", "2h", "--format", "json"))
    begin, end = (datetime.fromisoformat(str(added[name])) for name in ("starts_at", "ends_at"))
    assert end - begin == timedelta(hours=2)
    (listed,) = silences(run("silence", "list", "--format", "json"))
    assert listed == added | {"state": "active", "held_back": []}
    assert listed["matchers"] == {"cluster": "orders", "rule": "replication_*", "label.team": "pay?ents"}
    shown = run("silence", "list").out
    assert "cluster=orders rule=replication_* label.team=pay?ents" in shown
    assert "ada" in shown
    assert "resize" in shown
    name = str(added["silence_id"])
    assert run("silence", "expire", name[:-2]).out.startswith(f"{name}: cluster=orders ")
    assert silences(run("silence", "list", "--format", "json")) == []
    (over,) = silences(run("silence", "list", "--all", "--format", "json"))
    assert over["state"] == "over"
    again = run("silence", "expire", name)
    assert (again.code, again.err) == (2, f"leadline: there is no silence {name!r}; silences: none\n")


def test_what_it_held_back(run: Run, any_broker: Broker, prefix: str) -> None:
    """An incident that was held back from two targets is one."""
    (added,) = silences(run("silence", "add", "cluster=orders", "--for", "2h", "--format", "json"))
    kafka = KafkaSettings(bootstrap=any_broker.bootstrap, topic_prefix=prefix)
    for target in ("slack", "email"):
        asyncio.run(publish(kafka, "test", held(made.incident(), str(added["silence_id"]), target)))
    (listed,) = silences(run("silence", "list", "--format", "json"))
    assert listed["held_back"] == [made.incident().incident_id]
    shown = run("silence", "list").out.splitlines()
    assert shown[0].split() == ["silence", "matchers", "state", "ends", "in", "held", "back", "by", "comment"]
    (over,) = silences(run("silence", "expire", str(added["silence_id"]), "--by", "bob", "--format", "json"))
    assert over["ended_by"] == "bob"


def test_which_of_several(run: Run) -> None:
    """The beginning of an identity must be of one only."""
    names = {str(silences(run("silence", "add", "cluster=*", "--for", "1m", "--format", "json"))[0]["silence_id"])}
    names |= {str(silences(run("silence", "add", "cluster=*", "--for", "1m", "--format", "json"))[0]["silence_id"])}
    result = run("silence", "expire", "sil_")
    assert result.code == 2
    assert all(name in result.err for name in names)
    assert run("silence", "expire", *names).code == 0
    assert run("silence", "list").out == "no silences\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("cluster", "--for", "1h"), "'cluster' is not a matcher; give NAME=PATTERN"),
        (("cluster=", "--for", "1h"), "'cluster=' is not a matcher"),
        (("colour=red", "--for", "1h"), "'colour' is not a field of an incident; use cluster, "),
        (("label.=red", "--for", "1h"), "'label.' is not a field of an incident"),
        (("cluster=a", "cluster=b", "--for", "1h"), "cluster is given twice"),
        (("cluster=" + "x" * 300, "--for", "1h"), "invalid silence: "),
        (("cluster=a", "--for", "1h", "--comment", "x" * 2000), "invalid silence: "),
        (("cluster=a", "--for", "0m"), "give 90m, 12h or 7d"),
        (("cluster=a", "--for", "2 hours"), "give 90m, 12h or 7d"),
        (("cluster=a", "--for", "9999d"), "at most 366d"),
        (("cluster=a",), "Missing option '--for'"),
        (("--for", "1h"), "Missing argument"),
        (("severity=hihg", "--for", "1h"), "no severity matches 'hihg'; allowed: info, warning, critical"),
        (("rule=replication_lagg", "--for", "1h"), "no rule matches 'replication_lagg'; did you mean replication_lag?"),
        (("cause=xyz*", "--for", "1h"), "no cause matches 'xyz*'; allowed: "),
        (("cluster=order", "--for", "1h"), "no cluster matches 'order'; did you mean orders?; give --unknown"),
        (("datacenter=lon1", "--for", "1h"), "no datacenter matches 'lon1'; known: fra1; give --unknown"),
        (("incident=inc_1", "--for", "1h"), "no incident matches 'inc_1'; `leadline incidents list` shows their"),
        (("incident=inc_orders_*", "--for", "1h"), "no incident matches 'inc_orders_*'; known: none; give --unknown"),
        (("cluster=orders", "datacenter=*lon*", "--for", "1h"), "no datacenter matches '*lon*'"),
    ],
)
def test_wrong_use(run: Run, words: tuple[str, ...], message: str) -> None:
    """Each mistake is reported, and nothing is silenced."""
    result = run("silence", "add", *words)
    assert result.code == 2
    assert message in result.err
    assert run("silence", "list").out == "no silences\n"


def test_a_cluster_that_only_incidents_have(run: Run, any_broker: Broker, prefix: str) -> None:
    """No server's status has its name: it is that of a lost datacenter, of Leadline itself, or of servers that went."""
    for name in ("leadline", "fra1"):
        assert run("silence", "add", f"cluster={name}", "--for", "1h").code == 0
    assert run("silence", "add", "cluster=gone", "--for", "1h").code == 2
    kafka = KafkaSettings(bootstrap=any_broker.bootstrap, topic_prefix=prefix)
    asyncio.run(publish(kafka, "test", made.incident(cluster="gone")))
    assert run("silence", "add", "cluster=gone", "--for", "1h").code == 0


def test_the_unknown_is_silenced_on_purpose(run: Run) -> None:
    """A cluster that Kafka does not show yet can be silenced on purpose."""
    assert run("silence", "add", "cluster=new", "--for", "1h", "--unknown").code == 0
    assert "cluster=new" in run("silence", "list").out
