"""Numbers and ages in words. Pure."""

from leadline.words import duration


def age(seconds: float) -> str:
    """``less than a minute``, ``4 min``, ``3 h 10 min``.

    It changes once a minute, so that a page that is followed is not made anew each second.
    """
    whole = int(max(0.0, seconds)) // 60 * 60
    return duration(whole) if whole else "less than a minute"


def many(count: int, what: str) -> str:
    """``1 link``, ``2,000 links``."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
