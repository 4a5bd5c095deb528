"""The page of all audit rules, in Markdown."""

from collections.abc import Iterator
from typing import Final

from leadline.advisories.entry import Facts
from leadline_streams.audit.engines.postgresql.every_rule import FAMILIES
from leadline_streams.audit.engines.postgresql.measured import MEASURED_BY
from leadline_streams.audit.engines.postgresql.patch_level import patch_rules, weight
from leadline_streams.audit.rule import AuditRule

_HEAD: Final = """\
# Audit rules

<!-- Made from streams/leadline_streams/audit/ by `python -m leadline_streams.reference`; a test holds it current. -->

`leadline audit` reads each server once, with `pg_monitor` and no other right, and judges it by these rules. A rule is
about one server (node), about both ends of a link, or about all servers of a cluster (fleet). It finds a violation, or
holds, or could not be judged because something was not read: then it is listed with what would show it, and never
counts as fine.

On the stream, `leadline stream` judges by the same rules what agents read
([audit your servers](../how-to/audit.md#all-the-time)).

`critical`: data or service is in danger as it is. `warning`: the next outage, restart or failover does harm. `info`: it
may be meant, and is only mentioned. A finding may be less severe than its rule. Ids never change their meaning.
"""


def page(facts: Facts) -> str:
    """The page, with the defects that the facts have."""
    return "\n".join(_lines(facts))


def _lines(facts: Facts) -> Iterator[str]:
    yield _HEAD
    for family, modules in FAMILIES.items():
        rules = [value for module in modules for value in vars(module).values() if isinstance(value, AuditRule)]
        yield f"## {family}\n"
        for rule in sorted(rules, key=lambda rule: rule.id):
            yield from _rule(rule)
    yield "## Versions\n"
    for rule in patch_rules(facts, facts.facts_as_of)[:3]:
        yield from _rule(rule)
    yield "## Known defects\n"
    yield (
        f"{len(facts.advisories)} defects of replication, recovery and storage, as of {facts.facts_as_of}. Each is "
        f"found on\n"
        "servers that lack the repair and to which the condition applies; those of `info` are listed with the "
        "finding of\n"
        "PG-VER-002. `leadline advisories` prints them, and `--advisories FILE` adds or withdraws entries.\n"
    )
    yield "| id | severity | repaired in | condition | effect |\n|---|---|---|---|---|"
    for each in facts.advisories:
        cells = (each.id, weight(each), " ".join(each.fixed), f"`{each.condition}`: {each.when}", each.effect)
        yield f"| {' | '.join(cells)} |"
    yield ""


def _rule(rule: AuditRule) -> Iterator[str]:
    effect = {"reload": ", by a reload", "restart": ", by a restart", "none": ""}[rule.effect]
    yield f'<a id="{rule.id.lower()}"></a>\n'
    yield f"### {rule.id}: {rule.title}\n"
    yield f"- **Severity**: {rule.severity}; on a {rule.on}; {_versions(rule)}"
    yield f"- **Reads**: {', '.join(f'`{name}`' for name in rule.reads)}"
    yield f"- **Violated** when {rule.condition}"
    yield f"- **Harm**: {rule.why}"
    if rule.id in MEASURED_BY:
        measured = MEASURED_BY[rule.id]
        yield f"- **On the stream** [`{measured}`](../runbooks/{measured}.md) measures it at every sample, and notifies"
    yield f"- **Repaired**{effect}: the finding has the steps. [PostgreSQL's own words]({rule.reference})\n"


def _versions(rule: AuditRule) -> str:
    if rule.until is not None:
        return f"PostgreSQL {rule.since} to {rule.until}"
    return f"PostgreSQL {rule.since} and later"
