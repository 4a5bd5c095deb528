"""The size of a property test: how many examples it is given, and how long its histories are.

The Hypothesis profiles are in ``tests/conftest.py``: ``make unit`` uses ``unit``, ``make properties`` uses ``ci`` and
``make deep`` uses ``deep``.
"""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import settings

Test = TypeVar("Test", bound=Callable[..., object])

SHARE = 4
"""A property of histories is given this share of the examples of a property of values."""


def length(unit: int, deep: int) -> int:
    """The length of a history: short in the unit suite, long elsewhere."""
    return unit if settings.get_current_profile_name() == "unit" else deep


def histories() -> settings:
    """The settings of a property whose examples are whole histories: each takes a hundred times as long as a value."""
    return settings(max_examples=max(1, settings().max_examples // SHARE))
