"""Commands are run as the entry point runs them."""

from tests.fixtures.commands import run as run
