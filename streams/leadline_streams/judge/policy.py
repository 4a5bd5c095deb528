"""Limits of rules, and the subjects that they hold for."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

import msgspec

from leadline.model.alert import Severity


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The levels at which a rule breaches, and for how long before it fires. A level that is None does not exist."""

    warning: float | None = None
    critical: float | None = None
    for_s: float = 30.0
    """A breach must last this long before the alert fires."""
    keep_s: float = 30.0
    """A firing alert must be clear this long before it resolves."""
    clear_ratio: float = 0.8
    """Hysteresis: clear means below the level times this (above the level divided by it where low is bad)."""
    low_is_bad: bool = False
    enabled: bool = True

    def severity(self, value: float) -> Severity | None:
        """The level a value has reached, worst first; None when it is within limits."""
        if self.low_is_bad:
            if self.critical is not None and value <= self.critical:
                return "critical"
            return "warning" if self.warning is not None and value <= self.warning else None
        if self.critical is not None and value >= self.critical:
            return "critical"
        return "warning" if self.warning is not None and value >= self.warning else None

    def level(self, severity: Severity) -> float:
        """The threshold behind a severity."""
        level = self.critical if severity == "critical" else self.warning
        assert level is not None
        return level

    def clear_of(self, value: float, severity: Severity) -> bool:
        """Whether a value is clear of this severity's level, hysteresis included."""
        level = self.level(severity)
        return value > level / self.clear_ratio if self.low_is_bad else value < level * self.clear_ratio


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """Changed limits for the subjects that match all given globs."""

    cluster: str = "*"
    datacenter: str = "*"
    node: str = "*"
    link: str = "*"
    labels: dict[str, str] = {}
    rules: dict[str, dict[str, float | bool | None]] = {}

    def matches(self, about: "Scope") -> bool:
        """Whether the override holds for a subject."""
        return (
            fnmatchcase(about.cluster, self.cluster)
            and fnmatchcase(about.datacenter, self.datacenter)
            and any(fnmatchcase(node, self.node) for node in about.nodes)
            and fnmatchcase(about.link, self.link)
            and all(fnmatchcase(about.labels.get(name, ""), glob) for name, glob in self.labels.items())
        )


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The properties of a subject that overrides match."""

    cluster: str
    datacenter: str = ""
    nodes: tuple[str, ...] = ("",)
    link: str = ""
    labels: Mapping[str, str] = {}


class AuditPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the audit on the stream."""

    every_s: float = 86400.0
    """The time between two scheduled audits; 0 for none."""
    spread_s: float = 60.0
    """Clusters whose looks arrive together are audited within this time."""
    notify: Severity | None = "warning"
    """The least severity of a finding of which people are notified by itself; None for none."""
    digest_s: float = 86400.0
    """The time between two digests of what is advice; 0 for none."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Every setting of the judgement; compared by identity.

    Not part of the state: it may change between restarts.
    """

    lateness_s: float = 2.0
    """The longest time for which judging waits for an observation."""
    clock_tolerance_s: float = 5.0
    """The offset of a host's clock from which its times are corrected."""
    stale_after_s: float = 5.0
    """Without a sample for this long (or five intervals) a node's findings are unknown."""
    pending_grace_s: float = 3.0
    """A pending alert survives this long without a breach."""
    quiet_s: float = 30.0
    """An incident resolves after this long without an open alert; twice as long after each reopening."""
    reopen_s: float = 600.0
    """A problem that returns this soon after its end reopens its incident."""
    together_s: float = 60.0
    """Breaches that begin this close together may have one root that none of them shows yet."""
    forget_s: float = 3600.0
    """A downstream without an agent is forgotten this long after it was last connected."""
    retire_after_s: float = 259200.0
    """A node that nobody has read for so long is forgotten, unless somebody is connected with it."""
    status_every_s: float = 300.0
    """The longest time between two status records of a link or node, in the windows of its roll-ups."""
    rules: dict[str, dict[str, float | bool | None]] = {}
    overrides: tuple[Override, ...] = ()
    audit: AuditPolicy = AuditPolicy()

    def limits(self, rule: str, defaults: Limits, about: Scope) -> Limits:
        """A rule's limits for one subject: its defaults, then the general setting, then overrides in order."""
        changed = dict(self.rules.get(rule, {}))
        for override in self.overrides:
            if rule in override.rules and override.matches(about):
                changed.update(override.rules[rule])
        return msgspec.structs.replace(defaults, **changed) if changed else defaults

    def origins(self, rule: str, about: Scope) -> dict[str, str]:
        """For each limit that is not the default of the rule: the path of the setting that gives it."""
        found = {name: f"rules.{rule}.{name}" for name in self.rules.get(rule, {})}
        for number, override in enumerate(self.overrides):
            if rule in override.rules and override.matches(about):
                found |= {name: f"overrides[{number}].rules.{rule}.{name}" for name in override.rules[rule]}
        return found
