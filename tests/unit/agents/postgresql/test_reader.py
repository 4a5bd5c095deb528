"""When vitals are read in the place of a look."""

import json

import msgspec
import pytest
from msgspec.structs import replace

from leadline.clock import ManualClock
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql.reader import SETTLED_S, WHOLE_EVERY_S, Reader
from leadline_agents.engines.postgresql.rights import Rights
from tests.unit.agents.postgresql.test_vitals import HEALTHY
from tests.unit.agents.postgresql.vitals_of import vitals_of

RIGHTS = Rights(
    role="leadline",
    version_num=180000,
    version="18.0",
    in_recovery=False,
    may_read_stats=True,
    may_read_settings=True,
    may_monitor=True,
)


class Server:
    """Answers with what it shows now, and counts what it was asked."""

    def __init__(self) -> None:
        self.look = HEALTHY["primary"]
        self.rights = RIGHTS
        self.fails: dict[str, CannotRead] = {}
        self.asked: list[str] = []

    async def connected(self) -> Rights:
        return self.rights

    async def refresh(self) -> None:
        pass

    async def try_out(self, text: str) -> bytes | None:
        return None

    async def ask(
        self, query: str, without: frozenset[str] = frozenset(), refused: frozenset[str] = frozenset()
    ) -> bytes:
        self.asked.append(query)
        if query in self.fails:
            raise self.fails[query]
        if query == "vitals":
            return msgspec.json.encode(vitals_of(self.look))
        groups = msgspec.to_builtins(self.look)
        return json.dumps({name: group for name, group in groups.items() if name not in without}).encode()


class Rig:
    """A reader, its server and its clock."""

    def __init__(self, *, vitals: bool = True) -> None:
        self.clock, self.server = ManualClock(), Server()
        self.reader = Reader(self.server, self.clock, "pg-1", vitals=vitals)  # type: ignore[arg-type]

    async def asks(self) -> list[str]:
        """The statements of one look."""
        self.server.asked.clear()
        shown = await self.reader.look()
        assert shown.node.settings_loaded_at == self.server.look.node.settings_loaded_at
        self.clock.advance(1.0)
        return list(self.server.asked)

    async def settle(self) -> None:
        """Look until vitals are read."""
        for _ in range(round(SETTLED_S + WHOLE_EVERY_S)):
            if await self.asks() == ["vitals"]:
                return
        pytest.fail("vitals are never read")


async def test_a_healthy_server_is_asked_for_vitals_and_each_10_seconds_for_the_look() -> None:
    """After a few whole looks."""
    rig = Rig()
    asked = [await rig.asks() for _ in range(60)]
    whole = [second for second, each in enumerate(asked) if each == ["look"]]
    assert whole == [*range(round(SETTLED_S)), *range(round(WHOLE_EVERY_S) + round(SETTLED_S) - 1, 60, 10)]
    assert [each for each in asked if each not in (["look"], ["vitals"])] == []


async def test_without_vitals_every_look_is_whole() -> None:
    """So it is with ``wire: whole``."""
    rig = Rig(vitals=False)
    assert [await rig.asks() for _ in range(30)] == [["look"]] * 30


async def test_a_change_is_looked_at_in_the_same_second_and_for_some_seconds_on() -> None:
    """Whoever changed it may not be done."""
    rig = Rig()
    await rig.settle()
    rig.server.look = replace(rig.server.look, publications=("new",))
    assert await rig.asks() == ["vitals", "look"]
    assert [await rig.asks() for _ in range(4)] == [["look"]] * 4
    assert await rig.asks() == ["vitals"]


async def test_while_there_is_a_problem_vitals_are_not_read() -> None:
    """They would be in vain."""
    rig = Rig()
    await rig.settle()
    (slot, *others) = rig.server.look.slots
    rig.server.look = replace(rig.server.look, slots=(replace(slot, wal_status="lost"), *others))
    assert await rig.asks() == ["vitals", "look"]
    assert [await rig.asks() for _ in range(30)] == [["look"]] * 30


async def test_on_another_connection_the_look_is_whole() -> None:
    """The server may be another, or its role."""
    rig = Rig()
    await rig.settle()
    rig.server.rights = replace(RIGHTS)
    assert (await rig.asks())[-1] == "look"
    assert await rig.asks() == ["look"]


async def test_where_vitals_are_refused_the_look_is_read() -> None:
    """Without asking for them each second."""
    rig = Rig()
    rig.server.fails["vitals"] = CannotRead("no", "42501")
    asked = [await rig.asks() for _ in range(60)]
    assert all(each[-1] == "look" for each in asked)
    assert sum(each.count("vitals") for each in asked) < 12


async def test_where_a_part_of_the_look_is_refused_every_look_is_whole() -> None:
    """It is not seen what else that server does not show."""
    rig = Rig()
    rig.server.rights = replace(RIGHTS, denied=("pg_stat_get_wal_senders()",))
    assert [await rig.asks() for _ in range(20)] == [["look"]] * 20


async def test_a_server_that_does_not_answer_is_not_asked_twice() -> None:
    """The look fails; the next one is whole."""
    rig = Rig()
    await rig.settle()
    rig.server.fails["vitals"] = CannotRead("no answer")
    rig.server.asked.clear()
    with pytest.raises(CannotRead):
        await rig.reader.look()
    assert rig.server.asked == ["vitals"]
    assert await rig.asks() == ["look"]
