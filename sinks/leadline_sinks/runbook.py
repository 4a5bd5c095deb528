"""Addresses of runbooks."""

from urllib.parse import quote

from leadline.settings.routing import NotifySettings


def runbook_url(rule: str, notify: NotifySettings) -> str:
    """The address of a rule's runbook. The name is percent-encoded, so the address is safe in any markup."""
    return f"{notify.runbook_url.rstrip('/')}/docs/runbooks/{quote(rule, safe='', errors='replace')}.md"
