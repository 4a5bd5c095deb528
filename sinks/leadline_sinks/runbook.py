"""Addresses of runbooks."""

from urllib.parse import quote

from leadline.settings.routing import NotifySettings


def runbook_url(rule: str, notify: NotifySettings) -> str | None:
    """The address of a rule's runbook; None where the settings give no place for runbooks.

    The name is percent-encoded, so the address is safe in any markup.
    """
    if notify.runbook_url is None:
        return None
    return f"{notify.runbook_url.rstrip('/')}/docs/runbooks/{quote(rule, safe='', errors='replace')}.md"
