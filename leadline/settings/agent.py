"""Settings of `leadline agent`: the process that reads databases."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from leadline.errors import UsageError
from leadline.settings.common import KafkaSettings, LogSettings, MetricsSettings
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret

EngineName = Literal["postgresql"]
"""The engines that an agent can read; the agent's registry has the same."""
QueryText = Literal["full", "masked", "off"]
Wire = Literal["whole", "vitals"]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
MIB = 1024 * 1024


class InstanceSettings(Settings, frozen=True, kw_only=True):
    """The database servers to read."""

    dsn: Annotated[
        Secret,
        Meta(
            description="How to connect; the role needs `pg_monitor` and nothing more.",
            examples=["host=10.0.0.1 user=leadline dbname=postgres"],
        ),
    ]
    engine: Annotated[EngineName, Meta(description="The database engine of the server.")] = "postgresql"
    name: Annotated[Name, Meta(description="The node's name, unique within its cluster.", examples=["pg-1"])]
    cluster: Annotated[
        Name,
        Meta(
            description="The set of nodes that replicate among each other.",
            examples=["orders"],
        ),
    ]
    signing_key: (
        Annotated[
            Secret,
            Meta(
                description="Key of the cluster, which signs what is published of it, where `leadline stream` has "
                "`kafka.signing_secret`.",
                examples=["better in a file"],
            ),
        ]
        | None
    ) = None
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
        Meta(description="Copied into every alert, for routing: `team: payments`.", examples=[{"team": "payments"}]),
    ] = {}

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """``dsn`` must be a connection string."""
        from leadline.settings.dsn import parts  # loads psycopg, which only a process that connects needs

        try:
            parts(self.dsn.reveal())
        except UsageError as error:
            yield ("dsn",), str(error)


class SpoolSettings(Settings, frozen=True, kw_only=True):
    """The queue on disk in which observations wait while Kafka does not answer."""

    path: Annotated[
        str, Meta(min_length=1, description="The file of the spool; its directory must exist and be writable.")
    ] = "/var/lib/leadline/spool.sqlite3"
    max_bytes: Annotated[
        int,
        Meta(ge=MIB, description="Largest size of the spool in bytes; beyond it the oldest observations are dropped."),
    ] = 64 * MIB


class AgentSettings(Settings, frozen=True, kw_only=True):
    """The process on a database host, or beside managed databases."""

    instances: list[InstanceSettings]
    interval_s: Annotated[float, Meta(ge=0.1, le=3600, description="Seconds between two looks at a server.")] = 1.0
    settings_every_s: Annotated[
        float, Meta(ge=1, le=86400, description="Seconds between two readings of a server's settings.")
    ] = 600.0
    audit_every_s: Annotated[
        float,
        Meta(
            ge=0,
            le=604800,
            description="Seconds between two looks for the audit on the stream, which read what a server is set up to "
            "do; also at the start, and after a change of its settings. 0 reads none: it is not audited on the stream.",
        ),
    ] = 3600.0
    connect_timeout_s: Annotated[
        float, Meta(ge=1, le=300, description="Seconds that a connection attempt may take.")
    ] = 5.0
    statement_timeout_s: Annotated[
        float, Meta(ge=0.1, le=300, description="Seconds that a statement may run before the server cancels it.")
    ] = 3.0
    query_text: Annotated[
        QueryText,
        Meta(
            description="How much is sent of the text of queries that hold up replication: `full` everything; "
            "`masked` without literals; `off` nothing."
        ),
    ] = "masked"
    wire: Annotated[
        Wire,
        Meta(
            description="The form of looks: `vitals` most as numbers, which stand on a whole sample that is sent each "
            "30 s and at every other change: a fifth of the bytes, half the work of the stream, and half that of the "
            "server, which is asked for numbers alone while it is healthy; `whole` each as a sample that stands alone, "
            "for programs that read the topic of the samples and do not understand vitals."
        ),
    ] = "vitals"
    kafka: KafkaSettings = KafkaSettings()
    spool: SpoolSettings = SpoolSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    def signing_keys(self) -> dict[str, Secret]:
        """The key of each cluster that has one."""
        return {each.cluster: each.signing_key for each in self.instances if each.signing_key is not None}

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """There is at least one instance, no two nodes of a cluster have the same name, and a cluster has one key."""
        if not self.instances:
            yield ("instances",), "the list is empty; give at least one server to read"
        seen: dict[tuple[str, str], int] = {}
        for index, instance in enumerate(self.instances):
            first = seen.setdefault((instance.cluster, instance.name), index)
            if first != index:
                yield (
                    ("instances", index, "name"),
                    f"{instance.name!r} is already instances[{first}] in cluster {instance.cluster!r}",
                )
            if instance.signing_key not in (None, self.signing_keys().get(instance.cluster)):
                yield ("instances", index, "signing_key"), f"cluster {instance.cluster!r} has another key further below"
