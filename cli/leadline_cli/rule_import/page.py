"""The verdicts as text of 80 columns."""

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap

from leadline.logs import escape
from leadline_cli.rule_import.report import ImportReport
from leadline_cli.rule_import.verdict import IN_WORDS, WORST_FIRST, PrometheusAlert

WIDTH = 80


def page(found: ImportReport) -> str:
    """The counts in one line, then every alert, worst first."""
    return "\n".join(line for alert in found.alerts for line in _alert(alert)) + summary(found)


def summary(found: ImportReport) -> str:
    """The counts."""
    counts = Counter(alert.verdict for alert in found.alerts)
    each = ", ".join(f"{counts[verdict]} {verdict.replace('_', ' ')}" for verdict in WORST_FIRST if counts[verdict])
    about = f"{len(found.alerts)} alerts about replication: {each}" if found.alerts else "no alert is about replication"
    others = f"{found.left_out} other{'s are' if found.left_out > 1 else ' is'} left out"
    left = f"; {others}" if found.left_out else ""
    return "\n".join(_wrapped(f"{about}{left}", ""))


def _alert(alert: PrometheusAlert) -> Iterator[str]:
    group = f" in {alert.group}" if alert.group else ""
    yield from _wrapped(f"{alert.name}{group}: {IN_WORDS[alert.verdict]}", "")
    yield from _wrapped(" ".join(alert.expr.split()), "    ")
    for remark in alert.remarks:
        yield from _wrapped(f"- {remark.why}.", "  ")
    instead = ", ".join(alert.ours) or ("nothing: Leadline judges PostgreSQL" if alert.foreign else "not known")
    yield from _wrapped(f"instead: {instead}", "  ")
    yield ""


def _wrapped(text: str, indent: str) -> list[str]:
    return wrap(escape(text), WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)
