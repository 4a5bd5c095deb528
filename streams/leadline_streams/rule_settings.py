"""The settings of rules, checked against the rules that exist and their limits. Pure."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from msgspec.structs import asdict, replace

from leadline.settings.declare import SettingPath, path_text
from leadline.settings.load import Problem, SettingsError
from leadline.settings.stream import RuleOverride, StreamSettings
from leadline_streams.judge.policy import Limits
from leadline_streams.reported import EVERY_RULE


def given(limits: RuleOverride) -> dict[str, float | bool | None]:
    """The limits that are set."""
    return {name: value for name, value in asdict(limits).items() if value is not None}


def check_rules(settings: StreamSettings) -> None:
    """Raise SettingsError that names every rule that does not exist, and all limits in the wrong order."""
    problems = list(_of_group(("rules",), settings.rules, {}))
    problems += _of_group(("shadow",), settings.shadow, settings.rules)
    for at, item in enumerate(settings.overrides):
        problems += _of_group(("overrides", at, "rules"), item.rules, settings.rules)
    if problems:
        raise SettingsError([Problem("", path_text(path), what) for path, what in problems])


def _of_group(
    path: SettingPath, rules: Mapping[str, RuleOverride], general: Mapping[str, RuleOverride]
) -> Iterator[tuple[SettingPath, str]]:
    for name, changed in rules.items():
        if name not in EVERY_RULE:
            near = get_close_matches(name, EVERY_RULE, 1)
            hint = f"did you mean {near[0]}?" if near else "`leadline rules list` lists the rules"
            yield (*path, name), f"there is no such rule; {hint}"
            continue
        base = replace(EVERY_RULE[name].limits, **given(general[name])) if name in general else EVERY_RULE[name].limits
        if wrong := _order(replace(base, **given(changed)), changed):
            yield (*path, name), wrong


def _order(limits: Limits, changed: RuleOverride) -> str:
    """The problem of limits whose warning comes after the critical one; empty where it comes before."""
    warning, critical = limits.warning, limits.critical
    if warning is None or critical is None or changed.warning is changed.critical is None:
        return ""
    if (critical - warning) * (-1 if limits.low_is_bad else 1) >= 0:
        return ""
    where = " (not set here)" if changed.critical is None else ""
    side = "above" if limits.low_is_bad else "below"
    return f"warning {warning:g} must be {side} critical, which is {critical:g}{where}"
