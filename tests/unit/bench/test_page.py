"""The tables of the benches."""

import json
from pathlib import Path

import pytest

from bench.__main__ import MEASURED, PAGE, keep, read
from bench.page import BEGIN, CLAIMS, END, Claim, Figures, merged, terminal, written

RUN = {"measured_on": "2026-01-02", "machine": "2 cores", "python": "Python 3.11.7", "quick": False}

FAST = Claim("fast", "how fast", at_least=0.6)
SMALL = Claim("small", "how small", at_most=2)
WITHOUT_TARGET = Claim("told", "how many", digits=0)


@pytest.mark.parametrize(
    ("claim", "value", "verdict"),
    [
        (FAST, 0.6, "met"),
        (FAST, 0.59, "NOT met"),
        (SMALL, 2.0, "met"),
        (SMALL, 2.01, "NOT met"),
        (WITHOUT_TARGET, 7.0, ""),
        (FAST, None, ""),
    ],
)
def test_verdict(claim: Claim, value: float | None, verdict: str) -> None:
    """A target is met from its limit on; without a target or a number there is no verdict."""
    assert claim.verdict({} if value is None else {claim.key: value}) == verdict


def test_a_missing_number_is_shown_as_not_measured() -> None:
    """A number that was not measured is never a blank or a zero."""
    assert FAST.measured({}) == "not measured"
    assert all("not measured" in line for line in terminal(RUN))


def figures(**measured: float | None) -> Figures:
    """Those of one run."""
    return merged({}, RUN | measured)


def test_the_table_is_between_the_marks() -> None:
    """Writing figures replaces what stood between the marks, and nothing else."""
    first = written(f"above\n{BEGIN}\nold\n{END}\nbelow\n", figures())
    assert first.startswith(f"above\n{BEGIN}\n\nMeasured with 2 cores, Python 3.11.7.\n")
    assert first.endswith(f"{END}\nbelow\n")
    assert "old" not in first
    assert written(first, figures()) == first


def test_a_missed_target_stands_out() -> None:
    """Whoever skims the page sees what does not hold."""
    page = written(f"{BEGIN}{END}", figures(pipeline_to_bare_ratio=0.1))
    assert "| 0.10 | 2026-01-02 | at least 0.7 | **not met** |" in page


def test_a_run_of_some_parts_leaves_the_figures_of_others_and_their_days() -> None:
    """A day belongs to its figure: the page never says that all were measured with the last run."""
    later = RUN | {"measured_on": "2026-02-03", "quick": True, "faulty_to_bare_ratio": 0.7, "agent_cpu_s_per_100": 0.2}
    both = merged(figures(pipeline_to_bare_ratio=0.9, agent_rss_mb=40.0), later)
    page = written(f"{BEGIN}{END}", both)
    assert "| 0.90 | 2026-01-02 | at least 0.7 | met |" in page
    assert "| 0.70 | 2026-02-03 (rough) | at least 0.6 | met |" in page
    assert "| leadline agent | 40.00 | not measured | 0.20 | not measured | 2026-01-02 (rough) |" in page


def test_figures_that_were_kept_are_read_again(tmp_path: Path) -> None:
    """No message is a figure, too."""
    file, found = tmp_path / "measured.json", figures(cut_prometheus_page_s=None, agent_rss_mb=1.5)
    keep(file, found)
    assert read(file) == found


def test_a_page_without_marks() -> None:
    """Nothing is written where the table has no place."""
    with pytest.raises(ValueError, match="the page lacks"):
        written(f"{END}{BEGIN}", figures())


def test_the_page_shows_the_figures_that_are_kept() -> None:
    """Nobody edits one of them alone."""
    assert written(PAGE.read_text(), read(MEASURED)) == PAGE.read_text()
    assert list(json.loads(MEASURED.read_text())) == sorted(read(MEASURED))


def test_the_page_lists_the_claims() -> None:
    """The page's table is of the claims that are measured now."""
    rows = PAGE.read_text().partition(BEGIN)[2].partition(END)[0].splitlines()
    cells = [tuple(cell.strip() for cell in row.split("|")[1:5:3]) for row in rows if row.count("|") == 6]
    assert cells[2 : 2 + len(CLAIMS)] == [(claim.what, claim.target) for claim in CLAIMS]


def test_a_fault_without_a_page_has_a_row() -> None:
    """No message is a result; no measurement is none."""
    page = written(f"{BEGIN}{END}", figures(cut_leadline_page_s=31.3, cut_prometheus_page_s=None))
    assert "| the stream is cut | 31 s | no message | 2026-01-02 |" in page
    assert "| somebody pauses replay | not measured | not measured |  |" in page
