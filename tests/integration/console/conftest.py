"""The console in a browser."""

from tests.fixtures.consoles import chromium, console, plain_tab, tab

__all__ = ["chromium", "console", "plain_tab", "tab"]
