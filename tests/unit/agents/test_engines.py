"""The seam between the agent's core and its engines."""

import re
from pathlib import Path
from typing import get_args

import pytest

import leadline_agents
from leadline.settings.agent import EngineName
from leadline_agents.engines.registry import ENGINES
from tests.fixtures.counting_engine import NAME, CountingServer, Servers, unreachable
from tests.fixtures.engine_conformance import EngineConformance

CORE = sorted(Path(leadline_agents.__path__[0]).glob("*.py"))
ONE_ENGINE = re.compile(
    r"postgres|psycopg|libpq|\bpg_|\bSQL\b|\bdsn\b|5432|leadline_agents\.engines\.(?!registry)", re.IGNORECASE
)


@pytest.mark.parametrize("file", CORE, ids=lambda file: file.name)
def test_the_core_names_no_engine(file: Path) -> None:
    """Only the registry names engines; everything specific to one is in its package."""
    assert ONE_ENGINE.findall(file.read_text()) == []


def test_the_settings_name_the_engines_of_the_registry() -> None:
    """`config check` accepts what the agent can read, and no more."""
    assert set(get_args(EngineName)) == set(ENGINES)


class TestCounting(EngineConformance):
    """The invented engine keeps the contract, so that what is tested with it holds for others."""

    engine_name = pytest.fixture(lambda self: NAME)
    dsn = pytest.fixture(lambda self: "up")
    dead_dsn = pytest.fixture(lambda self: "down")

    @pytest.fixture(autouse=True)
    def servers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that answers and one that does not."""
        down = CountingServer("down", fails={"look": unreachable(), "settings": unreachable()})
        monkeypatch.setitem(ENGINES, NAME, Servers(CountingServer("up"), down).open)
