"""Libraries without modules that they import and that an agent never uses: 4 of the 47 MiB of its process.

``prometheus_client`` imports a server and a client for HTTP, ``aiokafka`` its consumer. What an engine's library
brings is in ``engines.registry``.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

UNUSED: Final[Mapping[str, tuple[str, ...]]] = {"aiokafka": ("aiokafka.consumer",)}
"""By library: modules that it imports."""
UNUSED_WITHOUT_PORT: Final[Mapping[str, tuple[str, ...]]] = {
    "prometheus_client": ("http.server", "urllib.error", "urllib.request", "wsgiref.simple_server"),
}
"""The same of a process that serves no metrics. Exports to a collector use another library."""


class _Name(type):
    """The class of what is in a stand-in: calling it loads the module after all."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if _StoodFor in cls.__bases__:
            return getattr(real(cls.__module__), cls.__name__)(*args, **kwargs)
        return super().__call__(*args, **kwargs)


class _StoodFor(Exception, metaclass=_Name):
    """The base of all that is in stand-ins. It may be a base of classes of the library too."""


class StandIn(ModuleType):
    """A module that has every name that is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = installed_version if name == "version" else _Name(name, (_StoodFor,), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


def real(name: str) -> ModuleType:
    """A module itself, also while something stands in for it."""
    if isinstance(sys.modules.get(name), StandIn):
        del sys.modules[name]
    return import_module(name)


def installed_version(package: str) -> str:
    """As ``importlib.metadata.version``, by the name of the folder in which pip keeps what that reads."""
    for folder in sys.path:
        name = package.replace("-", "_")
        for found in Path(folder).glob(f"{name}-*.dist-info"):
            return found.name.removesuffix(".dist-info").removeprefix(f"{name}-")
    return str(real("importlib.metadata").version(package))


def import_lean(libraries: Mapping[str, tuple[str, ...]]) -> None:
    """Import each library with stand-ins for these modules. Then they are gone: whoever imports one gets the real one.

    A library that is loaded already stays as it is; one that cannot be imported so, as a later version may not, is left
    to be imported as usual.
    """
    for library, modules in libraries.items():
        if library in sys.modules:
            continue
        left_out = [name for name in modules if name not in sys.modules]
        sys.modules.update({name: StandIn(name) for name in left_out})
        try:
            import_module(library)
        except Exception:
            for name in [name for name in sys.modules if name == library or name.startswith(f"{library}.")]:
                del sys.modules[name]
        finally:
            for name in left_out:
                sys.modules.pop(name, None)
