"""Real servers as engines of the agent."""

import pytest

from leadline_lab.sandbox.fleet import AGENT
from tests.fixtures.engine_conformance import EngineConformance
from tests.fixtures.fleets import Pair


class TestPostgresql(EngineConformance):
    """A primary, and a port where nothing listens."""

    engine_name = pytest.fixture(lambda self: "postgresql")
    dead_dsn = pytest.fixture(lambda self: "host=127.0.0.1 port=1 user=leadline password=secret")

    @pytest.fixture
    def dsn(self, pair: Pair) -> str:
        """The connection string of the agent's role."""
        return pair.primary.dsn(user=AGENT)
