"""`leadline runbook` without an incident. tests/integration/cli has it with one."""

from leadline import runbooks
from leadline.catalogue import RULES
from tests.fixtures.commands import Run


def test_every_rule_has_a_page_that_is_shown(run: Run) -> None:
    """Each rule of the catalogue is listed, and its page is the one in the documentation."""
    listed = [line.split()[0] for line in run("runbook").out.splitlines()]
    assert listed == sorted(RULES) == runbooks.names()
    assert run("runbook", "split_brain").out == runbooks.page("split_brain")


def test_a_rule_that_is_not_one_is_refused(run: Run) -> None:
    """With the rule that was perhaps meant."""
    result = run("runbook", "replication_lagg")
    assert (result.code, result.out) == (2, "")
    assert "did you mean replication_lag?" in result.err
    assert "leadline runbook lists them" in run("runbook", "xyz").err
