"""The rules: one file each. Every file of this package is loaded as a rule.

A rule file defines ``RULE`` (``leadline_streams.judge.rule.Rule``): the number that it measures on one subject, its
default limits, and the words for a breach. The lifecycle decides how long a breach must last and when it is over.
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
