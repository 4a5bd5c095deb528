"""Numbers in texts that others wrote, and numbers that others can read."""

MOST_DIGITS = 18
"""Numbers with more are not read: none that is meant is so large, and 64 bits hold all with as many."""


def whole_number(text: str | None) -> int | None:
    """The number that a text of decimal digits is; None for any other text, and for more than 18 digits."""
    return int(text) if text is not None and len(text) <= MOST_DIGITS and text.isdecimal() else None


def within_int64(number: int | None) -> int | None:
    """A number, or the largest 64-bit integer if that is less: the distance of two positions may be larger."""
    return None if number is None else min(number, 2**63 - 1)
