"""Commands are run as the entry point runs them."""

from tests.fixtures.commands import own_logging as own_logging
from tests.fixtures.commands import run as run
