"""Causes of the present moment, without an incident: of open alerts, and of links that are not well.

A rule asks how long something lasts; one look cannot know that. The signs of a cause are in the samples at once.
"""

from dataclasses import replace
from typing import Final

from leadline.catalogue.entry import FAILING, LATE
from leadline.model.alert import Verdict
from leadline.model.incident import Cause
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext, open_context
from leadline_streams.judge.diagnosis.ranking import GUESS, find_causes, rank
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.state import Memory

SHOWN_BY: Final[dict[Verdict, frozenset[str]]] = {
    "falling_behind": LATE,
    "replay_stalled": LATE,
    "replay_paused": frozenset({"replay_paused"}),
    "cut_off": FAILING,
    "broken": FAILING,
    "unknown": FAILING,
}
"""Rules by which a link of a verdict shows after a time. A server that does not answer has an alert of its own."""


def causes_now(memory: Memory, judgement: Judgement, now: float) -> list[Cause]:
    """The causes whose signs are there now, each once, the surest first; the likeliest guess where there is none."""
    context = _context(memory, judgement, now)
    if not context.rules:
        return []
    found = {key: each.cause for key, each in find_causes(context, judgement.causes).items()}
    ranked = rank(found, [], ())
    return [cause for cause in ranked if cause.confidence >= GUESS] or ranked[:1]


def _context(memory: Memory, judgement: Judgement, now: float) -> DiagnosisContext:
    context = open_context(
        memory, judgement.engines, now, alerts=memory.alerts.values(), incidents=(), changes=memory.changes
    )
    links = [_as_if_it_lasted(affected) for affected in context.links]
    rules = context.rules.union(*(affected.rules for affected in links))
    return replace(context, links=links, rules=rules, as_if={each.link.id: each.rules for each in links})


def _as_if_it_lasted(affected: AffectedLink) -> AffectedLink:
    return replace(affected, rules=affected.rules | SHOWN_BY.get(affected.link.verdict, frozenset()))
