"""Commands are run as the entry point runs them."""

from tests.fixtures.commands import own_logging as own_logging
from tests.fixtures.commands import run as run
from tests.fixtures.incident_logs import empty_log as empty_log
from tests.fixtures.incident_logs import log_server as log_server
