"""Rules whose values are reported: by the verifier, which compares the data of two servers, and by the audit.

``leadline_streams.rules`` has those that measure samples. A value that is reported has the same limits and lifecycle.
"""

from collections.abc import Mapping
from typing import Final

from leadline_streams.judge.audit_notices import DIGEST, NOTICE
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import RuleBase
from leadline_streams.rules import RULES

DAY_S: Final = 86400.0
REPORTED: Final[dict[str, RuleBase]] = {
    rule.name: rule
    for rule in (
        *(RuleBase(name=name, limits=Limits(warning=1.0, for_s=0.0, keep_s=0.0)) for name in (DIGEST, NOTICE)),
        RuleBase(name="checker_blind", limits=Limits(warning=1.0, for_s=0.0, keep_s=0.0)),
        RuleBase(name="consistency_unverified", limits=Limits(warning=7 * DAY_S, for_s=0.0, keep_s=0.0)),
        RuleBase(name="data_divergence", limits=Limits(warning=1.0, critical=1000.0, for_s=0.0, keep_s=0.0)),
        RuleBase(name="sequence_behind", limits=Limits(warning=1.0, critical=2.0, for_s=0.0, keep_s=0.0)),
    )
}
"""Every reported rule by name. A report is a whole comparison: its findings need not last before they fire."""
EVERY_RULE: Final[Mapping[str, RuleBase]] = {**RULES, **REPORTED}
"""Measured and reported ones."""
