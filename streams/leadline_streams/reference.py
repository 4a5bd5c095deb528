"""The pages of all rules, all causes and all audit rules.

``python -m leadline_streams.reference docs/reference`` writes them.
"""

import sys
from pathlib import Path

from leadline.advisories.loading import shipped
from leadline.catalogue import CAUSES as CATALOGUE
from leadline.catalogue.entry import CauseEntry
from leadline.words import amount
from leadline_streams.audit import reference as audit
from leadline_streams.causes import CAUSES
from leadline_streams.judge.rule import RuleBase
from leadline_streams.reported import EVERY_RULE

_MADE = """\
<!-- Made from streams/leadline_streams/{name}/ by `python -m leadline_streams.reference`; a test holds it current. -->
"""

_RULES = f"""\
# Rules

{_MADE.format(name="rules")}
A rule measures one number about one subject. It breaches when the number reaches a limit; the alert fires when the
breach has lasted for `for`, and resolves when all has been well for `keep`. Well is less than 80 % of the limit, so
that a number near it does not flap. Missing data neither fires nor clears: the alert becomes unknown.

Limits are changed in [settings](settings.md), in the rule's unit: for all subjects under `rules`, for some under
`overrides`. The class is the urgency: `page`, somebody must act now; `notice`, somebody must know today; `advice`, it
belongs in a report. Only pages open incidents; a notice that reaches its critical limit is one.

How to add a rule: [add a rule or a cause](../how-to/add-a-rule.md).
"""

_CAUSES = f"""\
# Causes

{_MADE.format(name="causes")}
While an incident is open, each cause that could explain one of its alerts is asked every second what it can evidence
in the samples. Its claims say how sure they are: 0.9 and above means that the signs leave no doubt. The surest is
ranked first and gives the incident its title; those that explain only alerts that have not fired come after the others.
A cause whose signs are gone stays, a little less sure; if the incident ends after that, this confirms it. When none can
be evidenced the cause is `unknown`. How to add one: [add a rule or a cause](../how-to/add-a-rule.md).

| cause | signature in the samples | explains |
|---|---|---|
"""


def causes() -> str:
    """The page of causes in Markdown."""
    return _CAUSES + "".join(_cause_row(CATALOGUE[code]) for code in CAUSES)


def _cause_row(entry: CauseEntry) -> str:
    explained = ", ".join(f"`{rule}`" for rule in sorted(entry.explains))
    return f"| `{entry.code}` | {entry.help} | {explained} |\n"


def rules() -> str:
    """The page of rules in Markdown, by family."""
    families = sorted({rule.entry.family for rule in EVERY_RULE.values()})
    return _RULES + "".join(
        _family(
            family, [r for r in sorted(EVERY_RULE.values(), key=lambda each: each.name) if r.entry.family == family]
        )
        for family in families
    )


def _family(name: str, rules: list[RuleBase]) -> str:
    head = "| rule | on a | class | what it measures | warning | critical | for | keep | then |\n"
    return f"\n## {name.capitalize()}\n\n{head}|---|---|---|---|---|---|---|---|---|\n" + "".join(map(_row, rules))


def _row(rule: RuleBase) -> str:
    levels = f"{_level(rule, rule.limits.warning)} | {_level(rule, rule.limits.critical)}"
    spans = f"{rule.limits.for_s:g} s | {rule.limits.keep_s:g} s"
    about = f"`{rule.name}` | {rule.entry.on} | {rule.entry.class_} | {rule.entry.help}"
    return f"| {about} | {levels} | {spans} | [runbook](../runbooks/{rule.name}.md) |\n"


def _level(rule: RuleBase, level: float | None) -> str:
    if level is None:
        return "none"
    sign = "≤" if rule.limits.low_is_bad else "≥"
    return f"{sign} {amount(level, rule.entry.unit)}"


def audit_rules() -> str:
    """The page of audit rules in Markdown, with the defects that the shipped facts have."""
    return audit.page(shipped())


PAGES = {"rules": rules, "causes": causes, "audit": audit_rules}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (Path(sys.argv[1]) / f"{name}.md").write_text(page())
