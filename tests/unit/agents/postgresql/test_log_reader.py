"""The server log is read while replication fails, by the right that there is, and never asked for in vain."""

import json
from base64 import b64encode
from pathlib import Path

from leadline.model.server_log import ServerLog
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql import answers
from leadline_agents.engines.postgresql.log_reader import ServerLogReader

DOCUMENTS = Path(__file__).parent / "documents"
STANDBY = json.loads((DOCUMENTS / "18-standby.json").read_bytes())
MESSAGE = "2026-11-29 09:51:59.488 UTC [1] FATAL:  could not connect to the primary server: no route\n"
NONE = {"may_find": False, "may_read": False, "by_function": False}


class Asked:
    """Answers of a server, and what was asked."""

    def __init__(self, folder: str = "/data", **rights: bool) -> None:
        self.rights = {**NONE, **rights}
        self.folder = folder
        self.queries: list[str] = []
        self.fails = False

    async def __call__(self, query: str) -> bytes:
        self.queries.append(query)
        if query == "logrights":
            return json.dumps(self.rights).encode()
        if self.fails:
            raise CannotRead("query failed: permission denied", "42501")
        where = {
            "path": "log/x.log",
            "data_directory": self.folder,
            "prefix": "%m [%p] ",
            "now": "2026-11-29T09:52:00+00:00",
            "here_now": "2026-11-29T09:52:00",
        }
        tail = {} if query == "logpath" else {"tail": b64encode(MESSAGE.encode()).decode()}
        return json.dumps({**where, **tail}).encode()


def reader(asked: Asked, *, is_here: bool = False) -> ServerLogReader:
    return ServerLogReader(asked, "pg-2", "masked", is_here=is_here)


def look(status: str | None) -> answers.LookAnswer:
    upstream = {name: value for name, value in STANDBY["upstream"].items() if name != "status"}
    if status is not None:
        upstream["status"] = status
    return answers.read_look(json.dumps({**STANDBY, "upstream": upstream}).encode())


async def test_nothing_is_asked_of_a_healthy_server() -> None:
    """A standby that streams."""
    asked = Asked(may_find=True, may_read=True)
    assert [await reader(asked).read(look("streaming"), second) for second in range(5)] == [None] * 5
    assert asked.queries == []


async def test_it_is_read_soon_and_then_seldom() -> None:
    """Every 3 s for a minute, every 30 s after that; the rights are asked for once in ten minutes."""
    asked = Asked(may_find=True, may_read=True)
    at = reader(asked)
    found = [second for second in range(300) if await at.read(look(None), float(second))]
    assert found[:4] == [0, 3, 6, 9]
    assert found[-1] - found[-2] == 30
    assert asked.queries.count("logrights") == 1


async def test_each_right_has_its_statement() -> None:
    """A grant, the function, or the path alone; without pg_monitor nothing else is sent."""
    for rights, query, read in (
        ({"may_find": True, "may_read": True}, "logtail", True),
        ({"may_find": True, "by_function": True}, "logtailby", True),
        ({"may_find": True}, "logpath", False),
    ):
        asked = Asked(**rights)
        found = await reader(asked).read(look(None), 0.0)
        assert found is not None
        assert (asked.queries, found.read, found.path) == (["logrights", query], read, "/data/log/x.log")
        assert [line.code for line in found.lines] == (["08006"] if read else [])
    asked = Asked()
    assert await reader(asked).read(look(None), 0.0) == ServerLog()
    assert asked.queries == ["logrights"]


async def test_a_file_of_the_same_host_is_read(tmp_path: Path) -> None:
    """It is the file that counts when the role may not, and the account of the agent may."""
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "x.log").write_text(MESSAGE)
    asked = Asked(str(tmp_path), may_find=True)
    found = await reader(asked, is_here=True).read(look(None), 0.0)
    assert found is not None
    assert [line.code for line in found.lines] == ["08006"]
    elsewhere = await reader(Asked(str(tmp_path), may_find=True)).read(look(None), 0.0)
    assert elsewhere is not None
    assert not elsewhere.read


async def test_a_refusal_is_not_repeated() -> None:
    """An error is in the server log of somebody: it is asked again after ten minutes."""
    asked = Asked(may_find=True, may_read=True)
    asked.fails = True
    at = reader(asked)
    assert [found for second in range(599) if (found := await at.read(look(None), float(second)))] == []
    assert asked.queries == ["logrights", "logtail"]
