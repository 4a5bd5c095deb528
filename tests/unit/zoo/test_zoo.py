"""The zoo's numbers, the page that publishes them, and the causes that it must cover."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from leadline_lab.faults.registry import FAULTS
from leadline_streams.causes import CAUSES
from leadline_streams.rules import RULES
from tests.zoo import versions
from tests.zoo.page import BEGIN, END, written
from tests.zoo.score import Control, Score, lines, result

ROOT = Path(__file__).parents[3]
ABOUT = {"measured_on": "2026-01-02", "machine": "2 cores", "python": "Python 3.11.7"}
FOUND = Score("replay_paused", "18.6", "replay_paused_by_operator", "replay_paused", True, 6.0, 7.0, 1, 3.5)
MISSED = Score("table_lost", "15.9", "subscriber_schema_drift", "apply_error", False, 8.0, None, 1)
RUN = result([FOUND, MISSED], [Control("idle_pair", "18.6", True), Control("idle_pair", "15.9", False)], ABOUT)


def test_the_score_counts_what_was_missed() -> None:
    """A fault without the right cause counts like any other; medians are of what was measured."""
    assert (RUN["score"], RUN["median_detected_s"], RUN["median_cause_s"]) == (0.5, 7.0, 7.0)
    assert [fault["fault"] for fault in RUN["faults"]] == ["replay_paused", "table_lost"]
    assert set(RUN["faults"][0]) == {
        "fault", "server_version", "expected_cause", "rule", "ranked_first", "detected_s", "cause_s", "pages",
        "resolved_s", "form", "looked", "harms",
    }  # fmt: skip


def test_each_form_has_its_rate() -> None:
    """Those that began late count from the start of looking, and one look is counted beside them."""
    late = replace(FOUND, form="late", cause_s=9.0, looked="replay_paused_by_operator")
    plain_late = replace(FOUND, form="plain-late", ranked_first=False)
    run = result([FOUND, late, plain_late], [], ABOUT)
    shown = "\n".join(lines(run))
    assert "after the break: the right cause first for 1 of 1 faults (100.0%); median time from the start to" in shown
    assert "one look by `leadline check` ranks the right cause first for 1 of 2" in shown
    page = written(f"{BEGIN}{END}", run)
    assert re.search(
        r"^- named, looking begins after .* from the start to detection .*, to cause 9\.0 s\.$", page, re.M
    )
    assert "| replay paused | late | 18.6 | `replay_paused_by_operator` | 9.0 s | `replay_paused_by_operator` |" in page
    assert "| replay paused | plain-late | 18.6 | `replay_paused_by_operator` | **no** | none |" in page


def test_a_run_of_nothing_proves_nothing() -> None:
    """Without faults there is no score to be proud of."""
    assert result([], [], ABOUT)["score"] == 0.0


def test_what_was_missed_stands_out() -> None:
    """In the terminal and on the page."""
    shown = "\n".join(lines(RUN))
    assert re.search(r"^table_lost .* NOT FIRST$", shown, re.MULTILINE)
    assert re.search(r"^idle_pair +15.9 +a control that was NOT SILENT$", shown, re.MULTILINE)
    assert "all versions: the right cause first for 1 of 2 faults (50.0%)" in shown
    assert "PostgreSQL 18.6: the right cause first for 1 of 1 faults (100.0%)" in shown
    page = written(f"{BEGIN}{END}", RUN)
    assert "| table lost | 15.9 | `apply_error` | `subscriber_schema_drift` | 8.0 s | **no** | 1 | - |" in page
    assert "| idle pair | 18.6 | **but did on 15.9** |" in page


def test_the_tables_are_between_the_marks() -> None:
    """Writing a run replaces what stood between the marks, and nothing else."""
    first = written(f"above\n{BEGIN}\nold\n{END}\nbelow\n", RUN)
    assert first.startswith(f"above\n{BEGIN}\n\nMeasured on 2026-01-02; 2 cores, Python 3.11.7.\n")
    assert first.endswith(f"{END}\nbelow\n")
    assert "old" not in first
    assert written(first, RUN) == first


def test_a_page_without_marks() -> None:
    """Nothing is written where the tables have no place."""
    with pytest.raises(ValueError, match="the page lacks"):
        written("no marks", RUN)


def test_every_cause_is_ranked_first_somewhere() -> None:
    """Each cause of the catalogue is first in some fault, or the page says why it is not."""
    first = {each.cause for fault in FAULTS.values() for each in (fault.expected, fault.late) if each is not None}
    excused = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "zoo.md").read_text().partition(END)[2], re.MULTILINE))
    assert set(CAUSES) - first == excused


def test_every_rule_fires_somewhere() -> None:
    """A rule that no fault can fire is not shipped."""
    expected = [fault.expected for fault in FAULTS.values() if fault.expected is not None]
    assert set(RULES) == {rule for each in expected for rule in (each.rule, *each.rules)}


def test_the_published_run_is_of_this_catalogue() -> None:
    """Rules, causes and versions of the page are those there are."""
    table = (ROOT / "docs" / "zoo.md").read_text().partition(BEGIN)[2].partition(END)[0]
    shown = [line.strip("|") for line in table.splitlines() if line.startswith("|") and "`" in line]
    rows = [[cell.strip(" `") for cell in line.split("|")] for line in shown]
    named, others = [row for row in rows if len(row) == 8], [row for row in rows if len(row) == 6]
    assert len(named) + len(others) == len(rows)
    assert {row[2] for row in named} <= set(RULES)
    assert {row[3] for row in rows} <= set(CAUSES)
    majors = {row[1].partition(".")[0] for row in named} | {row[2].partition(".")[0] for row in others}
    assert majors <= {str(versions.NEW), str(versions.OLD)}
