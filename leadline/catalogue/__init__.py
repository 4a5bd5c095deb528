"""The one home of what a rule or a cause is: code, family, unit, class, words, impact, measures, version needs.

The judgement, the incident log, the docs, ``leadline rules list`` and the check of settings read it here. To add a rule
or a cause, add one entry, and one file in ``leadline_streams/rules`` or ``leadline_streams/causes``.

``entry``   the form of an entry, and sets of rules that many causes explain
``rules``   every rule
``causes``  every cause, one file per family
``habits``  improvements that several causes ask for
"""

from typing import Final

from leadline.catalogue import rules
from leadline.catalogue.causes import logical, nodes, pipeline, slots, streaming
from leadline.catalogue.entry import CauseEntry, RuleEntry

RULES: Final[dict[str, RuleEntry]] = {entry.code: entry for entry in rules.ENTRIES}
CAUSES: Final[dict[str, CauseEntry]] = {
    entry.code: entry
    for family in (logical, nodes, pipeline, slots, streaming)
    for entry in sorted(family.ENTRIES, key=lambda entry: entry.code)
}
