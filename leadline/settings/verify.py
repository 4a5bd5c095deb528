"""Settings of `leadline verify -c FILE`: the process that compares the data of linked servers on a schedule."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from leadline.errors import UsageError
from leadline.model.ids import LinkId, link_id
from leadline.settings.agent import Name
from leadline.settings.common import KafkaSettings, LogSettings, MetricsSettings
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret

Keys = Literal["full", "masked", "off"]
TablePattern = Annotated[str, Meta(min_length=1, max_length=255)]


class VerifiedLinkSettings(Settings, frozen=True, kw_only=True):
    """The links whose data is compared, one at a time."""

    cluster: Annotated[Name, Meta(description="Name of the cluster, as the agents have it.", examples=["orders"])]
    upstream: Annotated[Name, Meta(description="Name of the upstream node, as the agents have it.", examples=["pg-1"])]
    downstream: Annotated[
        Name, Meta(description="Name of the downstream node, as the agents have it.", examples=["pg-4"])
    ]
    subscription: Annotated[
        str,
        Meta(max_length=255, description="Name of the subscription; empty for a physical standby.", examples=["sub"]),
    ] = ""
    upstream_dsn: Annotated[
        Secret,
        Meta(
            description="How to connect to the upstream: the database to compare, as a role that may read its tables "
            "(`deploy/sql/verify.sql`), never the agent's.",
            examples=["host=10.0.0.1 user=leadline_verify dbname=app"],
        ),
    ]
    downstream_dsn: Annotated[
        Secret,
        Meta(description="The same of the downstream.", examples=["host=10.0.0.4 user=leadline_verify dbname=app"]),
    ]
    signing_key: (
        Annotated[
            Secret,
            Meta(
                description="Key of the cluster, where `leadline stream` has `kafka.signing_secret`.",
                examples=["better in a file"],
            ),
        ]
        | None
    ) = None
    tables: Annotated[
        list[TablePattern],
        Meta(description="Patterns of the tables to compare; by default all of them.", examples=[["public.*"]]),
    ] = []
    exclude: Annotated[
        list[TablePattern],
        Meta(description="Patterns of tables that may differ, and are not compared.", examples=[["public.sessions"]]),
    ] = []
    every_s: Annotated[
        float,
        Meta(
            ge=1,
            le=31536000,
            description="Seconds after which a table is compared again. Those whose proof is oldest come first.",
        ),
    ] = 86400.0
    from_hour: Annotated[
        int, Meta(ge=0, le=23, description="Hour of the day, in UTC, from which tables are compared.")
    ] = 0
    to_hour: Annotated[
        int,
        Meta(
            ge=1,
            le=24,
            description="Hour of the day, in UTC, until which tables are compared; one before `from_hour` is on the "
            "next day. A table that is not finished then is gone on with in the next hours.",
        ),
    ] = 24
    cut_over: Annotated[
        bool,
        Meta(
            description="Whether the downstream is about to take the upstream's place: sequences that are behind are "
            "a page then."
        ),
    ] = False

    @property
    def link(self) -> LinkId:
        """The identity of the link."""
        return link_id(self.cluster, self.upstream, self.downstream, self.subscription)

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Both ends can be connected to, and are two."""
        from leadline.settings.dsn import parts  # loads psycopg, which only a process that connects needs

        if self.upstream == self.downstream:
            yield ("downstream",), f"{self.downstream!r} is the upstream itself"
        if self.from_hour == self.to_hour:
            yield ("to_hour",), "the same as from_hour: nothing would be compared; 0 and 24 are the whole day"
        for name in ("upstream_dsn", "downstream_dsn"):
            secret: Secret = getattr(self, name)
            try:
                parts(secret.reveal())
            except UsageError as error:
                yield (name,), str(error)


class BudgetSettings(Settings, frozen=True, kw_only=True):
    """The load that comparing may put on the servers."""

    rows_per_s: Annotated[
        float, Meta(ge=1, description="Rows that are compared in a second, at most, on each side.")
    ] = 100_000.0
    max_lag_s: Annotated[
        float,
        Meta(
            gt=0,
            le=86400,
            description="Longest wait for the downstream to reach a position. Chunks that need more are tried again "
            "at the end, and stay undecided if they still do.",
        ),
    ] = 30.0
    pause_lag_s: (
        Annotated[
            float,
            Meta(
                gt=0,
                le=86400,
                description="Seconds that the downstream may be behind; while it is further behind nothing is read. By "
                "default its lag does not matter.",
                examples=[10.0],
            ),
        ]
        | None
    ) = None
    max_active: (
        Annotated[
            int,
            Meta(
                ge=0,
                description="Sessions in the midst of a statement that either server may have; while one has more, "
                "nothing is read. The role needs `pg_read_all_stats`. By default any number.",
                examples=[8],
            ),
        ]
        | None
    ) = None
    max_duration_s: Annotated[
        float,
        Meta(
            ge=1,
            description="Longest time for one table at a stretch. Then others have their turn, and later it is gone on "
            "with.",
        ),
    ] = 3600.0
    statement_timeout_s: Annotated[
        float, Meta(ge=0.1, le=3600, description="Seconds that a statement may run before the server cancels it.")
    ] = 30.0


class VerifySettings(Settings, frozen=True, kw_only=True):
    """The process that compares the data of linked servers. It reads tables, and writes nothing on the servers."""

    links: list[VerifiedLinkSettings]
    keys: Annotated[
        Keys,
        Meta(
            description="How much of the keys of differing rows is published: `full` everything; `masked` numbers, "
            "dates and UUIDs, with `?` in place of other values; `off` nothing but their number."
        ),
    ] = "masked"
    report_every_s: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds between two reports of what is known of each link. After five times as long without "
            "one, the differences that it reported are unknown.",
        ),
    ] = 60.0
    budget: BudgetSettings = BudgetSettings()
    state_dir: Annotated[
        str,
        Meta(
            min_length=1,
            description="Directory for the positions of comparisons that are under way, from which a process that is "
            "started again goes on. Where it cannot be written, an interrupted table begins anew. The files hold keys "
            "of rows.",
        ),
    ] = "/var/lib/leadline"
    kafka: KafkaSettings = KafkaSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    def signing_keys(self) -> dict[str, Secret]:
        """The key of each cluster that has one."""
        return {each.cluster: each.signing_key for each in self.links if each.signing_key is not None}

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """There is at least one link, and none twice."""
        if not self.links:
            yield ("links",), "the list is empty; give at least one link to compare"
        seen: dict[str, int] = {}
        for index, each in enumerate(self.links):
            first = seen.setdefault(each.link, index)
            if first != index:
                yield ("links", index), f"the link {each.link} is already links[{first}]"
