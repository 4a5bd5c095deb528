"""The engine of an instance: the only file of the agent's core that names engines."""

from collections.abc import Mapping
from typing import Final

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.settings.agent import InstanceSettings
from leadline_agents.engine import EngineInstance, EngineOptions, OpenInstance


def _postgresql(instance: InstanceSettings, options: EngineOptions, clock: Clock) -> EngineInstance:
    from leadline_agents.engines.postgresql.instance import PostgresqlInstance

    return PostgresqlInstance(instance, options, clock)


ENGINES: Final[dict[str, OpenInstance]] = {"postgresql": _postgresql}
"""Each imports its package inside the function, so that an agent loads only the engines of its own instances."""

UNUSED: Final[Mapping[str, tuple[str, ...]]] = {"psycopg": ("importlib.metadata",)}
"""For ``lean``. psycopg asks for its own version; the reader of packages brings those of archives, tables and mail."""


def open_engine(instance: InstanceSettings, options: EngineOptions, clock: Clock) -> EngineInstance:
    """The engine that the instance names. Raises UsageError when there is none, or when the settings do not fit it."""
    opener = ENGINES.get(instance.engine)
    if opener is None:
        raise UsageError(
            f"instance {instance.name!r} of cluster {instance.cluster!r}: there is no engine {instance.engine!r}; "
            f"this agent reads {', '.join(sorted(ENGINES))}"
        )
    return opener(instance, options, clock)
