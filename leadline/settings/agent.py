"""Settings of `leadline agent`: the process that looks at databases."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from leadline.errors import UsageError
from leadline.settings.common import KafkaSettings, LogSettings, MetricsSettings
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret

Name = Annotated[str, Meta(min_length=1, max_length=255)]
MIB = 1024 * 1024


class InstanceSettings(Settings, frozen=True, kw_only=True):
    """The database servers to look at."""

    dsn: Annotated[
        Secret,
        Meta(
            description="How to connect; the role needs `pg_monitor` and nothing more.",
            examples=["host=10.0.0.1 user=leadline dbname=postgres"],
        ),
    ]
    name: Annotated[Name, Meta(description="The node's name, unique within its cluster.", examples=["pg-1"])]
    cluster: Annotated[
        Name,
        Meta(
            description="The set of nodes that replicate among each other.",
            examples=["orders"],
        ),
    ]
    datacenter: Annotated[str, Meta(max_length=255, description="Where the node is.", examples=["fra1"])] = ""
    aliases: Annotated[
        list[str],
        Meta(
            description="Further `host:port` addresses under which other nodes reach this one.",
            examples=[["pg-1.internal:5432"]],
        ),
    ] = []
    labels: Annotated[
        dict[str, str],
        Meta(description="Passed on with every alert, for routing: `team: payments`.", examples=[{"team": "payments"}]),
    ] = {}

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The connection string must have its form."""
        from leadline.settings.dsn import parts  # psycopg is loaded only where databases are looked at

        try:
            parts(self.dsn.reveal())
        except UsageError as error:
            yield ("dsn",), str(error)


class SpoolSettings(Settings, frozen=True, kw_only=True):
    """Where observations wait on disk while Kafka is away."""

    path: Annotated[str, Meta(min_length=1, description="The file; its directory must exist and be writable.")] = (
        "/var/lib/leadline/spool.sqlite3"
    )
    max_bytes: Annotated[
        int, Meta(ge=MIB, description="Its largest size in bytes; beyond it the oldest observations are dropped.")
    ] = 64 * MIB


class AgentSettings(Settings, frozen=True, kw_only=True):
    """The process on a database host, or beside managed databases."""

    instances: list[InstanceSettings]
    interval_s: Annotated[float, Meta(ge=0.1, le=3600, description="Seconds between two looks at a server.")] = 1.0
    settings_every_s: Annotated[
        float, Meta(ge=1, le=86400, description="Seconds between two looks at a server's configuration.")
    ] = 600.0
    connect_timeout_s: Annotated[float, Meta(ge=1, le=300, description="How long a connection may take.")] = 5.0
    statement_timeout_s: Annotated[
        float, Meta(ge=0.1, le=300, description="How long a statement may run before the server cancels it.")
    ] = 3.0
    query_text: Annotated[
        Literal["full", "masked", "off"],
        Meta(
            description="What is sent of the queries that hold up replication: `full` as they run; "
            "`masked` without their literals; `off` nothing."
        ),
    ] = "masked"
    kafka: KafkaSettings = KafkaSettings()
    spool: SpoolSettings = SpoolSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """There is something to look at, and every node has a name of its own."""
        if not self.instances:
            yield ("instances",), "the list is empty; give at least one server to look at"
        seen: dict[tuple[str, str], int] = {}
        for index, instance in enumerate(self.instances):
            first = seen.setdefault((instance.cluster, instance.name), index)
            if first != index:
                yield (
                    ("instances", index, "name"),
                    f"{instance.name!r} is already instances[{first}] in cluster {instance.cluster!r}",
                )
