"""``leadline rules``."""

import click
from msgspec.structs import asdict

from leadline.words import amount
from leadline_cli.options import format_option
from leadline_cli.output import emit, table


@click.group()
def command() -> None:
    """List the rules and their limits.

    \b
    Example:
      leadline rules list
    """


@command.command("list")
@format_option
def list_(form: str) -> None:
    """List the rules with their default limits. `rules` and `overrides` in the settings change them.

    Columns: the limits for severity warning and critical, how long a breach lasts before the alert fires (for), how
    long it must be clear before the alert resolves (keep).

    \b
    Example:
      leadline rules list
    """
    from leadline_streams.reported import EVERY_RULE

    if form == "json":
        for rule in EVERY_RULE.values():
            entry = rule.entry
            about = {"rule": rule.name, "family": entry.family, "class": entry.class_, "help": entry.help}
            emit(about | {"unit": entry.unit} | asdict(rule.limits))
        return
    rows = []
    for rule in sorted(EVERY_RULE.values(), key=lambda rule: (rule.entry.family, rule.name)):
        entry = rule.entry
        limits, low = rule.limits, rule.limits.low_is_bad
        levels = (_level(limits.warning, entry.unit, low), _level(limits.critical, entry.unit, low))
        rows.append(
            (
                rule.name,
                rule.entry.family,
                *levels,
                f"{limits.for_s:g} s",
                f"{limits.keep_s:g} s",
                rule.entry.help.split(". ")[0].removesuffix("."),
            )
        )
    table(("rule", "family", "warning", "critical", "for", "keep", "about"), rows)


def _level(level: float | None, unit: str, low_is_bad: bool) -> str:
    if level is None:
        return ""
    return ("≤ " if low_is_bad else "≥ ") + amount(level, unit)
