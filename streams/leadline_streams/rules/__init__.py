"""The rules: one file each, found by being here.

A rule file defines ``RULE`` (``leadline_streams.judge.rule.Rule``): what it measures on one subject, its default
limits, and the words for a breach. It decides nothing about time: ``for``, hysteresis and resolving are the
lifecycle's.
"""

from importlib import import_module
from pkgutil import iter_modules

from leadline_streams.judge.rule import AnyRule


def _found() -> dict[str, AnyRule]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    rules: list[AnyRule] = [module.RULE for module in modules]
    return {rule.name: rule for rule in sorted(rules, key=lambda rule: rule.name)}


RULES: dict[str, AnyRule] = _found()
"""Every rule by name."""
