"""Where the runbook of a rule is."""

from urllib.parse import quote

from leadline.settings.sink import NotifySettings


def address(rule: str, notify: NotifySettings) -> str:
    """An address that anything may be pasted into: what is not plain in the rule's name is percent-encoded."""
    return f"{notify.runbook_url.rstrip('/')}/docs/runbooks/{quote(rule, safe='', errors='replace')}.md"
