"""Settings of `leadline stream`. `leadline watch --config` reads the same file."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from leadline.settings.audit import AuditSettings
from leadline.settings.common import KafkaSettings, LogSettings, MetricsSettings
from leadline.settings.declare import SettingPath, Settings

Glob = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(gt=0, le=1)]
Span = Annotated[float, Meta(ge=0, le=86400)]


class DeadLetterSettings(Settings, frozen=True, kw_only=True):
    """The number of bad records after which a key is reported. A worker without clusters that can use none ends."""

    max_consecutive: Annotated[int, Meta(ge=1, description="Consecutive bad records of a key.")] = 100
    max_ratio: Annotated[Share, Meta(description="Share of a key's bad records among the last thousand.")] = 0.05


class JudgementSettings(Settings, frozen=True, kw_only=True):
    """Times of the judgement."""

    lateness_s: Annotated[
        float, Meta(ge=0, le=3600, description="Seconds for which a late observation is waited for.")
    ] = 2.0
    clock_tolerance_s: Annotated[
        float, Meta(ge=0, le=3600, description="Seconds that a host's clock may differ before its times are corrected.")
    ] = 5.0
    stale_after_s: Annotated[
        float,
        Meta(
            gt=0,
            le=86400,
            description="Seconds, and at least five intervals, after which a node without a sample is silent.",
        ),
    ] = 5.0
    pending_grace_s: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds for which an alert stays pending while its rule is not breached. Set it below `for_s` "
            "of the rules: breaches that are closer together count as one.",
        ),
    ] = 3.0
    quiet_s: Annotated[
        float,
        Meta(
            ge=0,
            le=86400,
            description="Seconds for which an incident stays open after its last alert has ended; twice as long after "
            "each time that it was reopened.",
        ),
    ] = 30.0
    reopen_s: Annotated[
        float,
        Meta(
            ge=0,
            le=86400,
            description="Seconds after its end within which a problem that returns reopens its incident.",
        ),
    ] = 600.0
    together_s: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds within which the breaches of one problem begin. What begins later is part of an open "
            "incident only if the cause of that incident explains it.",
        ),
    ] = 60.0
    forget_s: Annotated[
        float,
        Meta(
            ge=600,
            le=31536000,
            description="Seconds for which a downstream without an agent is remembered after its connection was lost. "
            "Set it above the limits of `replication_cut_off`, whose alert ends with it.",
        ),
    ] = 3600.0
    retire_after_s: Annotated[
        float,
        Meta(
            ge=600,
            le=31536000,
            description="Seconds after which a node that nobody has read, and that no other node is connected with, is "
            "forgotten: its alerts end. One that answers again is a node again.",
        ),
    ] = 259200.0
    status_every_s: Annotated[
        float,
        Meta(
            ge=0.1, le=3600, description="Seconds between two records of an unchanged link or node on the status topic."
        ),
    ] = 300.0

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Nothing must be forgotten before it counts as silent."""
        for name in ("forget_s", "retire_after_s"):
            if getattr(self, name) <= self.stale_after_s:
                yield (name,), f"must be more than stale_after_s, which is {self.stale_after_s:g}"


class RuleOverride(Settings, frozen=True, kw_only=True):
    """Limits that replace a rule's defaults. `leadline rules list` shows the defaults and their units."""

    enabled: (
        Annotated[bool, Meta(description="`false` switches the rule off; its alerts end.", examples=[True])] | None
    ) = None
    warning: (
        Annotated[
            float,
            Meta(
                ge=0,
                description="Limit of severity warning, in the rule's unit.",
                examples=[30],
            ),
        ]
        | None
    ) = None
    critical: (
        Annotated[float, Meta(ge=0, description="Limit of severity critical, in the rule's unit.", examples=[300])]
        | None
    ) = None
    for_s: (
        Annotated[Span, Meta(description="Seconds that a limit must be crossed before the alert fires.", examples=[30])]
        | None
    ) = None
    keep_s: (
        Annotated[
            Span, Meta(description="Seconds that the value must be clear before the alert resolves.", examples=[60])
        ]
        | None
    ) = None
    clear_ratio: (
        Annotated[
            Share, Meta(description="The value is clear at this share of the crossed limit, or below.", examples=[0.8])
        ]
        | None
    ) = None


class MatchSettings(Settings, frozen=True, kw_only=True):
    """The subjects that an override applies to. Patterns may contain `*` and `?`; all given patterns must match."""

    cluster: Annotated[Glob, Meta(description="Name of the cluster.", examples=["orders*"])] | None = None
    datacenter: (
        Annotated[
            Glob,
            Meta(
                description="Datacenter of the node, or of the downstream one.",
                examples=["fra1"],
            ),
        ]
        | None
    ) = None
    link: (
        Annotated[
            Glob,
            Meta(
                description="Identity of the link, as in alerts: `orders/pg-1->pg-2`.", examples=["orders/pg-1->pg-2"]
            ),
        ]
        | None
    ) = None
    node: (
        Annotated[Glob, Meta(description="Name of the node, or of either node of a link.", examples=["pg-3"])] | None
    ) = None
    labels: Annotated[dict[str, Glob], Meta(description="Labels of that node.", examples=[{"tier": "reporting"}])] = {}

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """An override that matches everything belongs under ``rules``."""
        if self == MatchSettings():
            yield (), "matches everything; give cluster, datacenter, link, node or labels, or use `rules`"


class OverrideSettings(Settings, frozen=True, kw_only=True):
    """Limits of rules for some clusters, links or nodes. A later override takes precedence over an earlier one."""

    match: MatchSettings
    rules: dict[str, RuleOverride]


class GaugeSettings(Settings, frozen=True, kw_only=True):
    """Gauges of the clusters, links, nodes and slots that a worker judges, among its metrics."""

    max_subjects: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            description="So many of each kind have gauges of their own; 0 for none. Those about which something is "
            "wrong come first; `leadline_stream_gauges_left_out` counts the others.",
        ),
    ] = 5000


class StreamSettings(Settings, frozen=True, kw_only=True):
    """The process that judges every link and names the causes of incidents."""

    application_id: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9._-]{1,100}$",
                extra={"allowed": "letters, digits, dots, dashes and underscores"},
                description="Consumer group of the workers; workers with the same one share the work. "
                "By default `stream` after `kafka.topic_prefix`.",
                examples=["leadline.stream"],
            ),
        ]
        | None
    ) = None
    tick_s: Annotated[
        float, Meta(ge=0.1, le=60, description="Seconds between two ticks, which record the passing of time.")
    ] = 1.0
    flush_s: Annotated[
        float,
        Meta(
            ge=0.1,
            le=3600,
            description="Seconds after which the state of a cluster without transitions is saved. "
            "A worker saves at most 1000 states a second in the mean: with more clusters it takes longer.",
        ),
    ] = 10.0
    kafka: KafkaSettings = KafkaSettings()
    deadletters: DeadLetterSettings = DeadLetterSettings()
    judgement: JudgementSettings = JudgementSettings()
    rules: dict[str, RuleOverride] = {}
    overrides: list[OverrideSettings] = []
    shadow: dict[str, RuleOverride] = {}
    """Limits that are tried beside those in force: they are counted and logged, and nobody is notified."""
    audit: AuditSettings = AuditSettings()
    metrics: MetricsSettings = MetricsSettings()
    gauges: GaugeSettings = GaugeSettings()
    log: LogSettings = LogSettings()
