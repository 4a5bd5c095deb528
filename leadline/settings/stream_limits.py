"""The limits of `leadline stream` from its file, for a process that explains them and reads none of its secrets."""

from pathlib import Path

from msgspec import field

from leadline.settings.audit import AuditSettings
from leadline.settings.declare import Settings
from leadline.settings.load import load_part
from leadline.settings.stream import JudgementSettings, OverrideSettings, RuleOverride, StreamSettings


class StreamLimits(Settings, frozen=True, kw_only=True):
    """The part of the settings of `leadline stream` that decides what is judged how."""

    judgement: JudgementSettings = JudgementSettings()
    rules: dict[str, RuleOverride] = field(default_factory=dict)
    overrides: list[OverrideSettings] = []
    audit: AuditSettings = AuditSettings()


def read_limits(path: Path) -> StreamSettings:
    """The limits of a file; what the environment of `leadline stream` changes is not seen. Raises UsageError."""
    found, _ = load_part(StreamLimits, path)
    return StreamSettings(judgement=found.judgement, rules=found.rules, overrides=found.overrides, audit=found.audit)
