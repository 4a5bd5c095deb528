"""Every audit rule is brought to its violation on a real server, or a reason stands here."""

from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
from tests.integration.cli import test_audit, test_audit_logical, test_audit_rules

ON_SERVERS = {
    *(rule for rules in (*test_audit.WRONG.values(), *test_audit.PLAIN.values()) for rule in rules),
    *test_audit_logical.BY_ITSELF,
    *test_audit_logical.TOGETHER,
    *test_audit_rules.ALONE,
    *test_audit_rules.ARCHIVE,
    *test_audit_rules.STANDBYS,
    *test_audit_rules.SYNCHRONOUS,
    *test_audit_rules.SHAPE,
    *test_audit_rules.LOGICAL,
    *test_audit_rules.OLD,
}
RECORDED_ONLY = {
    "PG-WAL-006": "50 million transactions take hours",
    "PG-WAL-014": "takes a minor release before August 2026 with an output plugin of a third party",
    "PG-DUR-010": "a prepared transaction is forgotten after an hour",
    "PG-PAR-003": "takes two minor releases of one major version",
    "PG-PAR-004": "takes two operating systems, or two versions of ICU",
    "PG-PAR-005": "takes two installations of one version, of which one lacks an extension's files",
    "PG-SEC-005": "takes a standby on another machine: the addresses of the machine itself are left out",
    "PG-CLU-002": "takes two clocks: servers of one machine have one",
    "PG-CLU-003": "takes two minor releases of one major version",
}
"""Rules of which recorded looks are changed instead, in ``cases_streaming`` and ``cases_others``."""


def test_each_rule_is_on_real_servers_or_has_a_reason() -> None:
    """And none has a reason that is not needed."""
    assert sorted(AUDIT_RULES) == sorted({*ON_SERVERS, *RECORDED_ONLY})
    assert ON_SERVERS.isdisjoint(RECORDED_ONLY)
