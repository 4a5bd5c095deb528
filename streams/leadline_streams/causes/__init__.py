"""The causes: one file each, found by being here.

A cause file defines ``CAUSE``, a ``CauseRule``: the rules it can explain, and a
function that returns claims about an incident, with the evidence for and against each and the fix.
"""

from importlib import import_module
from pkgutil import iter_modules

from leadline_streams.judge.diagnosis.ranking import CauseRule


def _found() -> dict[str, CauseRule]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    causes: list[CauseRule] = [module.CAUSE for module in modules]
    return {cause.code: cause for cause in sorted(causes, key=lambda cause: cause.code)}


CAUSES: dict[str, CauseRule] = _found()
"""Every cause by code."""
