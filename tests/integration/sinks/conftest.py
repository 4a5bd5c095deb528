"""A server for the incident log, with a new database for each test."""

from collections.abc import Iterator
from itertools import count

import pytest

from leadline.settings.secret import Secret
from leadline.settings.sink import IncidentLogSettings
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.postgres_versions import binaries_for

_numbers = count(1)


@pytest.fixture(scope="session")
def log_server() -> Iterator[Server]:
    """One server. A test that stops it starts it again."""
    with Fleet(binaries_for(18)) as fleet:
        yield fleet.primary("log")


@pytest.fixture
def database(log_server: Server) -> str:
    """The name of a new, empty database."""
    name = f"log_{next(_numbers)}"
    log_server.query(f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def log_settings(log_server: Server, database: str) -> IncidentLogSettings:
    """Settings of an incident log in that database, for the role that owns it."""
    return IncidentLogSettings(dsn=Secret(log_server.dsn(database)))
