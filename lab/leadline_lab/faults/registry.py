"""Every fault and every control by name: all ``Fault`` values in the modules of ``physical`` and ``logical``."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from leadline_lab.faults import logical, physical
from leadline_lab.faults.fault import Fault


def _found() -> Iterator[Fault[Any]]:
    for package in (physical, logical):
        for module in iter_modules(package.__path__):
            values = vars(import_module(f"{package.__name__}.{module.name}")).values()
            for value in values:
                yield from (one for one in (value if isinstance(value, tuple) else [value]) if isinstance(one, Fault))


def _by_name() -> dict[str, Fault[Any]]:
    faults: dict[str, Fault[Any]] = {}
    for one in sorted(_found(), key=lambda fault: fault.name):
        assert one.name not in faults, f"two faults are named {one.name}"
        faults[one.name] = one
    return faults


FAULTS: Final = _by_name()
