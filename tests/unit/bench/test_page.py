"""The tables of the benches."""

from pathlib import Path

import pytest

from bench.page import BEGIN, CLAIMS, END, Claim, terminal, written

ROOT = Path(__file__).parents[3]
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


def test_the_table_is_between_the_marks() -> None:
    """Writing a run replaces what stood between the marks, and nothing else."""
    first = written(f"above\n{BEGIN}\nold\n{END}\nbelow\n", RUN)
    assert first.startswith(f"above\n{BEGIN}\n\nMeasured on 2026-01-02; 2 cores, Python 3.11.7.\n")
    assert first.endswith(f"{END}\nbelow\n")
    assert "old" not in first
    assert written(first, RUN) == first


def test_a_missed_target_stands_out() -> None:
    """Whoever skims the page sees what does not hold."""
    page = written(f"{BEGIN}{END}", RUN | {"pipeline_to_bare_ratio": 0.1})
    assert "| 0.10 | at least 0.7 | **not met** |" in page


def test_a_quick_run_is_called_rough() -> None:
    """A page made from a quick run says so."""
    assert "rough" in written(f"{BEGIN}{END}", RUN | {"quick": True})


def test_a_page_without_marks() -> None:
    """Nothing is written where the table has no place."""
    with pytest.raises(ValueError, match="the page lacks"):
        written(f"{END}{BEGIN}", RUN)


def test_the_page_lists_the_claims() -> None:
    """The page's table is of the claims that are measured now."""
    page = (ROOT / "docs/performance.md").read_text()
    rows = page.partition(BEGIN)[2].partition(END)[0].splitlines()
    cells = [tuple(cell.strip() for cell in row.split("|")[1:4:2]) for row in rows if row.count("|") == 5]
    assert cells[2:] == [(claim.what, claim.target) for claim in CLAIMS]


def test_a_fault_without_a_page_has_a_row() -> None:
    """No message is a result; no measurement is none."""
    page = written(f"{BEGIN}{END}", RUN | {"cut_leadline_page_s": 31.3, "cut_prometheus_page_s": None})
    assert "| the stream is cut | 31 s | no message |" in page
    assert "| somebody pauses replay | not measured | not measured |" in page
