"""A report as one page of HTML that needs nothing else: no script, no font, no address."""

from collections.abc import Iterator
from html import escape
from typing import Final

from leadline_streams.audit.finding import AuditFinding, AuditReport
from leadline_streams.audit.reports.shared import (
    EFFECTS,
    WORST_FIRST,
    by_cluster,
    by_effect,
    by_rule,
    evidence_text,
    moment,
    not_judged,
    place,
    score,
    step_blocks,
)
from leadline_streams.audit.reports.text import summary

NEXT: Final = 5
STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --page: #ffffff; --card: #f6f8fa; --line: #d0d7de;
  --critical: #b42318; --warning: #8a5a00; --info: #0b5cad; --good: #1a7f37; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --page: #0d1117; --card: #161b22;
  --line: #30363d; --critical: #ff8a80; --warning: #f0c060; --info: #79b8ff; --good: #56d364; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .7rem; }
h3 { font-size: 1rem; margin: 0; } p { margin: .35rem 0; } .soft { color: var(--soft); }
.scores { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .8rem; margin-top: 1.2rem; }
.card, details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; }
.number { font-size: 2.2rem; font-weight: 650; line-height: 1.1; } .of { font-size: 1rem; color: var(--soft); }
.bar { height: .4rem; background: var(--line); border-radius: .2rem; margin: .5rem 0; overflow: hidden; }
.bar span { display: block; height: 100%; background: currentColor; }
.critical { color: var(--critical); } .warning { color: var(--warning); } .info { color: var(--info); }
.good { color: var(--good); }
details { margin: .5rem 0; } summary { cursor: pointer; } summary h3 { display: inline; }
.label { font-weight: 650; font-size: .8rem; } code, pre { font: .85rem/1.45 ui-monospace, monospace; }
pre { background: var(--page); border: 1px solid var(--line); border-radius: .35rem; padding: .6rem .75rem;
  white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; } ol, ul { margin: .4rem 0; padding-left: 1.4rem; }
.finding { border-left: 3px solid var(--line); padding-left: .8rem; margin: .9rem 0; }
a { color: var(--info); } @media print { details { break-inside: avoid; } }
"""


def html(report: AuditReport) -> str:
    """A score for each cluster, the next steps in order of their effect, every finding, what was not judged."""
    title = f"Audit of {report.at:%Y-%m-%d}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(_body(report, title))
        + "\n</body>\n</html>\n"
    )


def _body(report: AuditReport, title: str) -> Iterator[str]:
    yield f"<header><h1>{title}</h1>"
    yield f'<p class="soft">{report.at:%H:%M} UTC · {escape(summary(report))}</p></header>'
    yield '<section class="scores" aria-label="Scores">'
    for name, findings in by_cluster(report):
        yield _card(name, findings)
    yield "</section>"
    steps = by_effect(each for each in report.findings if each.severity != "info")[:NEXT]
    if steps:
        yield "<h2>Next steps, the most effective first</h2><ol>"
        for group in steps:
            places = ", ".join(dict.fromkeys(place(each.subject) for each in group))
            link = f'<a href="#{group[0].rule}">{escape(group[0].title)}</a>'
            yield f'<li>{link} <span class="soft">({escape(places)})</span></li>'
        yield "</ol>"
    yield from _changes(report)
    for severity in WORST_FIRST:
        found = [each for each in report.findings if each.severity == severity]
        if found:
            yield f'<h2 class="{severity}">{severity.capitalize()} · {len(found)}</h2>'
            for group in by_rule(found):
                yield from _rule(group)
    if not report.findings:
        yield '<p class="good">Nothing was found.</p>'
    if report.accepted:
        yield f"<h2>Accepted · {len(report.accepted)}</h2><ul>"
        for each in report.accepted:
            yield f"<li>{each.finding.rule}: {escape(each.finding.summary)} "
            yield f'<span class="soft">{escape(f"{each.owner}, until {each.until}: {each.reason}")}</span></li>'
        yield "</ul>"
    if report.unseen:
        yield f"<h2>Not judged · {len(report.unseen)}</h2><ul>"
        for line in not_judged(report):
            yield f"<li>{escape(line)}</li>"
        yield "</ul>"


def _changes(report: AuditReport) -> Iterator[str]:
    found = report.changes
    if found is None:
        return
    yield f"<h2>Since {escape(moment(found.since) or 'the last audit')}</h2><ul>"
    for each in report.findings:
        if each.id in found.new:
            yield f'<li><span class="critical">new</span> {each.rule}: {escape(each.summary)}</li>'
    for text in found.repaired:
        yield f'<li><span class="good">repaired</span> {escape(text)}</li>'
    for text in found.unjudged:
        yield f'<li><span class="soft">not judged this time</span> {escape(text)}</li>'
    yield "</ul>" if found.new or found.repaired or found.unjudged else "<li>unchanged</li></ul>"


def _card(name: str, findings: list[AuditFinding]) -> str:
    points = score(findings)
    worst = {each.severity for each in findings}
    colour = "critical" if "critical" in worst else "warning" if "warning" in worst else "good"
    numbers = {severity: sum(1 for each in findings if each.severity == severity) for severity in WORST_FIRST}
    counts = " · ".join(
        f'<span class="{severity if number else "soft"}">{number} {severity}</span>'
        for severity, number in numbers.items()
    )
    return (
        f'<div class="card"><h3>{escape(name)}</h3><div class="number {colour}">{points}<span class="of"> of 100</span>'
        f'</div><div class="bar {colour}"><span style="width:{points}%"></span></div><p>{counts}</p></div>'
    )


def _rule(group: list[AuditFinding]) -> Iterator[str]:
    first = group[0]
    opened = " open" if first.severity == "critical" else ""
    yield f'<details id="{first.rule}"{opened}><summary><span class="label {first.severity}">{first.rule}</span> '
    places = ", ".join(dict.fromkeys(place(each.subject) for each in group))
    yield f'<h3>{escape(first.title)}</h3> <span class="soft">{escape(places)}</span></summary>'
    yield f'<p>{escape(first.why)} <a href="{escape(first.reference)}">Reference</a></p>'
    for finding in group:
        yield f'<div class="finding"><p><strong>{escape(finding.summary)}</strong></p>'
        for each in finding.evidence:
            yield f'<p class="soft">read: <code>{escape(evidence_text(each))}</code></p>'
        if finding.steps and EFFECTS[finding.effect]:
            yield f'<p class="soft">To do ({EFFECTS[finding.effect]}):</p>'
        for heading, statements, lines in step_blocks(finding):
            if heading:
                yield f'<p class="soft">{escape(heading)}</p>'
            if statements:
                yield "<pre>" + escape("\n".join(lines)) + "</pre>"
            else:
                yield "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
        yield "</div>"
    yield "</details>"
