"""The console in a browser."""

from tests.fixtures.commands import own_logging, run
from tests.fixtures.consoles import chromium, console, plain_tab, tab
from tests.fixtures.incident_logs import empty_log, log_server

__all__ = ["chromium", "console", "empty_log", "log_server", "own_logging", "plain_tab", "run", "tab"]
