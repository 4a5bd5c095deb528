"""The verdict on each alert that people publish."""

import pytest

from leadline_cli.rule_import.reading import PrometheusRule, seconds
from leadline_cli.rule_import.report import report
from leadline_streams.reported import EVERY_RULE
from tests.unit.cli.rule_import.public_rules import PUBLIC, Public


def test_there_are_enough_of_them_from_many_files() -> None:
    """They are what others run, not what is easy to judge."""
    assert len(PUBLIC) >= 40
    assert len({each.source for each in PUBLIC}) >= 25


@pytest.mark.parametrize("public", PUBLIC, ids=lambda each: f"{each.name}-{each.verdict}")
def test_a_public_alert_gets_the_verdict_that_it_deserves(public: Public) -> None:
    """With the reason, and the rule of Leadline in its place, which exists."""
    rule = PrometheusRule("public.yml", "group", public.name, public.expr, seconds(public.for_), records=False)
    found = report([rule])
    (alert,) = found.alerts
    reasons = " / ".join(remark.why for remark in alert.remarks)
    assert alert.verdict == public.verdict, reasons
    assert public.says in reasons
    assert set(alert.ours) <= set(EVERY_RULE)
    assert not public.ours or public.ours in alert.ours
