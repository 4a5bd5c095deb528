"""The one home of what a rule or a cause is: code, family, unit, class, words, impact, measures, version needs.

The judgement, the incident log, the docs, ``leadline rules list`` and the check of settings read it here. To add a rule
or a cause, add one entry, and one file in ``leadline_streams/rules`` or ``leadline_streams/causes``.

``entry``   the form of an entry, and sets of rules that many causes explain
``rules``   every rule, one file per family
``causes``  every cause, one file per family
``habits``  improvements that several causes ask for
``measure`` measures that audit rules watch
"""

from typing import Final

from leadline.catalogue.causes import (
    commits,
    logical,
    nodes,
    pipeline,
    replay,
    settings,
    slots,
    storage,
    streaming,
    subscriptions,
)
from leadline.catalogue.causes import consistency as consistency_causes
from leadline.catalogue.entry import CauseEntry, RuleEntry
from leadline.catalogue.rules import config, conflict, consistency, lag, liveness, retention, sync
from leadline.catalogue.rules import slots as slot_rules

_RULE_FAMILIES = (config, conflict, consistency, lag, liveness, retention, slot_rules, sync)
RULES: Final[dict[str, RuleEntry]] = {
    entry.code: entry
    for entry in sorted((rule for family in _RULE_FAMILIES for rule in family.ENTRIES), key=lambda rule: rule.code)
}
_CAUSE_FAMILIES = (
    *(commits, consistency_causes, logical, nodes, pipeline, replay, settings, slots, storage, streaming),
    subscriptions,
)
CAUSES: Final[dict[str, CauseEntry]] = {
    entry.code: entry
    for entry in sorted((cause for family in _CAUSE_FAMILIES for cause in family.ENTRIES), key=lambda cause: cause.code)
}
