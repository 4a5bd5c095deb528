"""`leadline rules list`."""

import json

from leadline_streams.reported import EVERY_RULE
from tests.fixtures.commands import Run


def test_every_rule_is_listed(run: Run) -> None:
    """Both forms name each rule; the one for programs has its limits."""
    lines = [json.loads(line) for line in run("rules", "list", "--format", "json").out.splitlines()]
    assert [line["rule"] for line in lines] == list(EVERY_RULE)
    for line in lines:
        limits = EVERY_RULE[line["rule"]].limits
        assert (line["warning"], line["critical"], line["for_s"]) == (limits.warning, limits.critical, limits.for_s)
        assert line["class"] == EVERY_RULE[line["rule"]].entry.class_
    text = run("rules", "list").out
    assert all(f"\n{name} " in text for name in EVERY_RULE)
