"""Servers with tables of every kind, and the verifier's own role."""

from tests.fixtures.commands import own_logging as own_logging
from tests.fixtures.commands import run as run
