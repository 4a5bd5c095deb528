"""Steps in the ways of the service that runs a server."""

import pytest
from msgspec.structs import replace

from leadline.model.ids import ClusterName, NodeName
from leadline.model.incident import Step
from leadline.model.node import Node
from leadline_streams.engines.postgresql.flavours import FLAVOURS, worded
from leadline_streams.engines.postgresql.statements import change_setting, reload_settings, restart_server, show_slot
from leadline_streams.judge.node_state import NodeState

PG_1, PG_2 = NodeName("pg-1"), NodeName("pg-2")


def nodes(flavour: str) -> dict[str, NodeState]:
    """Two servers of one service."""
    node = Node(name=PG_1, cluster=ClusterName("orders"), boot="b", flavour=flavour)
    return {name: NodeState(name, replace(node, name=name), 0.0) for name in (PG_1, PG_2)}


def texts_of(flavour: str, *steps: Step) -> list[str]:
    found = (worded(step, nodes(flavour)) for step in steps)
    return [step.sql or step.text or "" for step in found if step is not None]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_service_gets_alter_system(flavour: str) -> None:
    """The setting and its value stay; nothing is reloaded by hand, and no file is edited."""
    texts = texts_of(
        flavour,
        *change_setting(PG_1, "hot_standby_feedback", "on", "careful"),
        *change_setting(PG_1, "recovery_min_apply_delay", None, "safe"),
        *change_setting(PG_1, "max_worker_processes", "12", "careful", restart=True),
        reload_settings(PG_1),
        Step(risk="careful", text="On pg-2: ALTER SYSTEM SET primary_conninfo = '...'; with the address of its own"),
        Step(risk="destructive", text="Otherwise rebuild pg-2 with pg_basebackup"),
    )
    assert not any(word in text for text in texts for word in ("ALTER SYSTEM", "pg_reload_conf", "pg_basebackup"))
    assert texts[0].startswith("Set hot_standby_feedback = on ")
    assert texts[1].startswith("Reset recovery_min_apply_delay to its default ")
    assert FLAVOURS[flavour].restart in texts
    assert texts[-1].startswith("For pg-2 this is not in your hands: ")


def test_a_server_of_nobody_keeps_its_statements() -> None:
    """Without a mark of a service, and for a service without ways of its own."""
    for flavour in ("", "someone"):
        steps = [*change_setting(PG_1, "wal_keep_size", "1GB", "safe"), restart_server(PG_1)]
        assert [worded(step, nodes(flavour)) for step in steps] == steps


def test_what_only_looks_is_as_it_was() -> None:
    """Statements that every service allows."""
    assert worded(show_slot(PG_1, "a"), nodes("rds")) == show_slot(PG_1, "a")


def test_a_step_that_names_two_servers_is_that_of_the_service_of_both() -> None:
    """When the services differ, it is not known which of the two servers it is about."""
    step = Step(risk="careful", text="Stop pg-1 and pg_rewind it from pg-2")
    assert texts_of("rds", step) == ["For these servers this is not in your hands: " + FLAVOURS["rds"].rebuild]
    mixed = {PG_1: nodes("rds")[PG_1], PG_2: nodes("")[PG_2]}
    assert worded(step, mixed) == step


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Start PostgreSQL on pg-1", "Start pg-1 in the console of Amazon RDS"),
        (
            "Read the end of the server log of pg-1",
            "Read the end of the server log of pg-1. The console of Amazon RDS shows it, under Logs and events",
        ),
        (
            "Try it by hand on the host of pg-1: psql 'host=10.0.0.2'",
            "For pg-1 this is not in your hands: the console of Amazon RDS shows its events, metrics and storage",
        ),
        ("Run leadline doctor on the host that watches pg-1", "Run leadline doctor on the host that watches pg-1"),
    ],
)
def test_what_only_the_host_shows_is_in_the_console(text: str, expected: str) -> None:
    """The files, processes and start of a server are not its owner's; those of the agent are."""
    assert texts_of("rds", Step(risk="look", text=text)) == [expected]
    assert texts_of("patroni", Step(risk="look", text=text)) == [text]
