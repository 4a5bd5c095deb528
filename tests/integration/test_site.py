"""The site of the documentation: it is built without the network, and every link in it leads somewhere."""

import json
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.fixtures.once import of_this_run, once

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.integration


class Page(HTMLParser):
    """The links, the loaded files and the anchors of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in ("script", "img", "link") and given.get("rel") != "canonical":
            self.loaded += [given[name] for name in ("src", "href") if name in given]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site, as `make site` builds it but for its place."""

    def build(folder: Path) -> None:
        shutil.copy(ROOT / "mkdocs.yml", folder)
        shutil.copytree(ROOT / "docs", folder / "docs")
        zensical = Path(sys.executable).with_name("zensical")
        done = subprocess.run([zensical, "build", "--strict"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    return once(of_this_run(tmp_path_factory) / "site", build) / "build/site"


def test_every_page_is_in_it(site: Path) -> None:
    """One page for each file of docs/."""
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    expected = {page.with_name("index") if page.name == "README" else page for page in pages}
    made = {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")}
    assert expected <= made


def test_every_link_leads_somewhere(site: Path) -> None:
    """To a file of the site, and to a place in it; nothing is loaded from elsewhere."""
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    broken = []
    for path, page in pages.items():
        for link in (*page.links, *page.loaded):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else set()
            if not target.is_file() or (parts.fragment and target in pages and parts.fragment not in anchors):
                broken.append((str(path.relative_to(site)), link))
    assert broken == []
    assert {link for page in pages.values() for link in page.loaded if urlsplit(link).netloc} == set()


def test_it_can_be_searched(site: Path) -> None:
    """The index holds the words of the pages, and the script that reads it comes with the site."""
    index = json.loads((site / "search.json").read_text())
    assert any("max_standby_streaming_delay" in json.dumps(item) for item in index["items"])
