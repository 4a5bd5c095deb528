"""Everything that is listed is documented, everything documented exists, and no link is broken."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from leadline import metrics, wire
from leadline.model.delivery import Delivery, Occasion
from leadline.topic_specs import DAY_S, TOPICS
from leadline_sinks.notify.datacenter_incident import RULE as DATACENTER_LOST
from leadline_sinks.notify.self_incident import RULE as SINK_FAILING
from leadline_sinks.notify.sink import REASONS
from leadline_streams.causes import CAUSES
from leadline_streams.reported import EVERY_RULE
from leadline_streams.runtime.cluster_failure import RULE as JUDGEMENT_FAILING

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\[[^]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def rows(page: str) -> dict[str, list[str]]:
    """The rows of a page's tables that begin with a code word: the other cells, by that word."""
    lines = (DOCS / page).read_text().splitlines()
    tables = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {first.strip("`"): rest for first, *rest in tables}


def prose(text: str) -> str:
    """Words without line breaks and marks."""
    return " ".join(re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", text).split())


def test_metrics() -> None:
    """The page has each metric with its kind and meaning, and no other."""
    listed = {name: (kind, meaning) for name, (kind, _, meaning) in rows("reference/metrics.md").items()}
    assert listed == metrics.listing()


def test_topics() -> None:
    """The page has each topic with its key, policy and retention, and no other."""
    listed = {name: (cells[0], cells[2]) for name, cells in rows("reference/topics.md").items() if "." in name}
    assert listed == {
        f"leadline.{spec.name}": (
            spec.key,
            f"{spec.cleanup}, {spec.retention_s // DAY_S} d" if spec.retention_s else spec.cleanup,
        )
        for spec in TOPICS.values()
    }


def test_reasons_of_dead_letters() -> None:
    """The page has each reason and what it means."""
    listed = {name: prose(cells[0]) for name, cells in rows("reference/topics.md").items() if "." not in name}
    assert listed == wire.BAD_RECORD_REASONS


def test_sinks() -> None:
    """The page has each reason and what it means, and every outcome and occasion, and no other word."""
    listed = {name: prose(cells[0]) for name, cells in rows("reference/sinks.md").items()}
    words = {*get_args(Occasion), *inspect.get_annotations(Delivery, eval_str=True)["outcome"].__args__}
    assert {name: listed.pop(name) for name in REASONS} == dict(REASONS)
    assert set(listed) == words


def test_rules() -> None:
    """Each rule is on the rules page, and no other."""
    assert set(rows("reference/rules.md")) == set(EVERY_RULE)


def test_causes() -> None:
    """Each cause is on the causes page, and no other."""
    assert set(rows("reference/causes.md")) == set(CAUSES)


def test_runbooks() -> None:
    """Each rule, those of the sinks and the workers too, has the runbook that alerts link, and no other has one."""
    runbooks = {path.relative_to(ROOT).as_posix() for path in (DOCS / "runbooks").glob("*.md")}
    named = {rule.entry.runbook for rule in EVERY_RULE.values()} | {
        f"docs/runbooks/{name}.md" for name in (DATACENTER_LOST, JUDGEMENT_FAILING, SINK_FAILING)
    }
    assert runbooks - {"docs/runbooks/README.md"} == named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_are_not_broken(page: Path) -> None:
    """Every relative link names a file or folder that exists."""
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_index_names_each_page() -> None:
    """The index of the documentation links each page but the runbooks, which alerts and rules link."""
    index = {(DOCS / target).resolve() for target in LINK.findall((DOCS / "README.md").read_text())}
    pages = {path for path in DOCS.rglob("*.md") if path.parent.name != "runbooks"} - {DOCS / "README.md"}
    assert pages - index == set()


def test_code_names_files_that_exist() -> None:
    """Paths in the documents are paths of the tree."""
    named = {
        (page.relative_to(ROOT).as_posix(), path)
        for page in PAGES
        for path in re.findall(
            r"`((?:leadline|agents|streams|sinks|tests|docs|deploy|bench)/[\w./-]*)`", page.read_text()
        )
    }
    assert {(page, path) for page, path in named if not (ROOT / path).exists()} == set()
