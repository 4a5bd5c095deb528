"""Settings of servers that share a table: each is as it was given."""

from copy import deepcopy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.ids import ClusterName, NodeName
from leadline.model.node import Node
from leadline.model.observation import SettingValue
from leadline_streams.judge import server_settings
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.server_settings import ServerSettings
from leadline_streams.judge.state import Memory, load

NAMES = ("wal_level", "max_wal_senders", "primary_conninfo", "cluster_name")
VALUES = st.builds(SettingValue, value=st.sampled_from(["a", "b"]), source=st.sampled_from(["default", "file"]))
TABLES = st.dictionaries(st.sampled_from(NAMES), VALUES)


@given(st.lists(TABLES, max_size=6))
def test_each_has_its_own(tables: list[dict[str, SettingValue]]) -> None:
    """Values, names, their order and the comparison are those of the table given, whatever other servers have."""
    made = [ServerSettings(table) for table in tables]
    for settings, table in zip(made, tables, strict=True):
        assert settings == table
        assert list(settings.items()) == list(table.items())
        assert settings.plain() == table
        assert list(settings.plain()) == list(table)
        assert bool(settings) is bool(table)
        assert deepcopy(settings) == table
        assert all(name in settings and settings.get(name) == table[name] for name in table)
        assert settings.get("port") is None
        with pytest.raises(KeyError):
            settings["port"]


def test_what_is_alike_is_held_once() -> None:
    """Of a second server with the same values but one, nothing but that one is held."""
    table = {name: SettingValue(value=f"of {name}") for name in (*NAMES, "unlike")}
    first, second = ServerSettings(table), ServerSettings({**table, "unlike": SettingValue(value="other")})
    assert second._common is first._common
    assert list(second._own) == ["unlike"]


def test_tables_have_an_end() -> None:
    """However many lists of names there are, and each server has its own all the same."""
    made = [ServerSettings({f"name{number}": SettingValue(value="x")}) for number in range(server_settings.TABLES + 9)]
    assert len(server_settings._tables) == server_settings.TABLES
    assert [list(settings) for settings in made] == [[f"name{number}"] for number in range(len(made))]


@given(TABLES)
def test_they_are_saved_as_a_table(table: dict[str, SettingValue]) -> None:
    """In the bytes of a state they are what they were as a table of each server, and come back."""
    node = Node(name=NodeName("pg-1"), cluster=ClusterName("orders"), boot="b1")
    memory = Memory(
        ClusterName("orders"), nodes={"pg-1": NodeState(node.name, node, 1.0, settings=ServerSettings(table))}
    )
    saved = msgspec.msgpack.decode(memory.dump())["nodes"]["pg-1"]
    assert saved.get("settings", {}) == msgspec.to_builtins(table)
    assert load(memory.dump()).nodes["pg-1"].settings == table
