"""Servers as people have them, watched by the real agents and judged by the real judgement."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from leadline.model.incident import Cause, Incident
from leadline.settings.agent import QueryText
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_streams.judge.state import Memory
from tests.zoo.observation import Observation
from tests.zoo.outputs import as_line, state_lines


class Watched:
    """An observation of servers that are named by their addresses, as ``leadline watch`` names them."""

    def __init__(self, observation: Observation) -> None:
        self.observation = observation

    def causes(self) -> list[Cause]:
        """The ranked causes that were named last, of an incident or a notice; none before there is one."""
        return self.observation.outputs.causes()

    def first(self, code: str, within_s: float = 20.0, *, above: float = 0.0) -> Cause:
        """The first cause, once it has this code and more than this confidence."""

        def named() -> bool:
            self.observation.check()
            found = self.causes()
            return bool(found) and found[0].code == code and found[0].confidence > above

        try:
            eventually(f"{code} is the first cause", named, within_s)
        except Exception as error:
            raise AssertionError(f"{error}\n{self.history()}") from None
        return self.causes()[0]

    def until(self, event: str, check: Callable[[], bool], within_s: float = 20.0) -> None:
        """Wait for an event."""
        try:
            eventually(event, check, within_s)
        except Exception as error:
            raise AssertionError(f"{error}\n{self.history()}") from None

    def ever_first(self) -> set[str]:
        """The codes of every cause that came first in a record."""
        return {one.causes[0].code for _, one in self.observation.outputs if isinstance(one, Incident) and one.causes}

    def history(self) -> str:
        """Everything that was put out, and the present state."""
        lines = [as_line(output) for _, output in self.observation.outputs]
        return "\n".join([*lines, *self.observation.ask(lambda state: list(state_lines(state.memory)))])


@contextmanager
def watched(
    servers: Sequence[Server],
    dbname: str = "postgres",
    *,
    settled: bool = True,
    dsns: Mapping[int, str] | None = None,
) -> Iterator[Watched]:
    """Watch servers, each named ``host:port``; wait first until all links are healthy where ``settled``.

    ``dsns``: connection strings by port, for agents that do not use the plain one.
    """
    for server in servers:
        server.name = f"127.0.0.1:{server.port}"
    observation = _Observation(servers, dbname, dsns or {})
    try:
        observation.start_agents({}, {})
        found = Watched(observation)
        if settled:
            found.until("all links are healthy", lambda: observation.ask(lambda state: _healthy(state.memory)))
        yield found
    finally:
        observation.close()


class _Observation(Observation):
    """One whose agents use connection strings of the test's choice, and the default settings."""

    query_text: QueryText = "masked"

    def __init__(self, servers: Sequence[Server], dbname: str, dsns: Mapping[int, str]) -> None:
        super().__init__(servers, dbname, ())
        self._dsns = dsns

    def dsn_of(self, node: str) -> str:
        return self._dsns.get(self.servers[node].port) or super().dsn_of(node)


def _healthy(memory: Memory) -> bool:
    return (
        bool(memory.links)
        and all(link.verdict in ("idle", "healthy") for link in memory.links.values())
        and all(node.settings for node in memory.nodes.values())
    )
