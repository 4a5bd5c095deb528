"""The deployed units and roles have the rights that they need, and no more."""

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from leadline.topic_specs import TOPICS
from leadline_cli.man import pages
from leadline_streams.runtime.app import OUTPUTS
from leadline_streams.runtime.saving import STATES
from tests.require import need
from tests.unit.test_docs import rows

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_locked_down(unit: Path) -> None:
    """systemd's own rating is far better than its 2.0, which it calls OK."""
    need(shutil.which("systemd-analyze") is not None, "systemd-analyze: apt install systemd")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rights_in_kafka_are_those_of_the_topics_page() -> None:
    """The grants are those of the page: who writes and reads which topic."""
    granted: dict[tuple[str, str], set[str]] = defaultdict(set)
    printed = subprocess.run([DEPLOY / "kafka/acls.sh", "kafka:9092"], capture_output=True, text=True, check=True)
    for line in printed.stdout.splitlines():
        words = shlex.split(line)
        who = words[words.index("--allow-principal") + 1].removeprefix("User:leadline-")
        topics = {words[at + 1].removeprefix("leadline.") for at, word in enumerate(words) if word == "--topic"}
        granted[who, words[words.index("--operation") + 1]] |= topics
    page = {name.removeprefix("leadline."): cells for name, cells in rows("reference/topics.md").items() if "." in name}
    words = {
        "agent": "agents",
        "stream": "streams?",
        "sink": "sinks",
        "verify": "verify",
        "people": "people",
        "console": "console",
    }
    for role, word in words.items():
        writes = {topic for topic, cells in page.items() if re.search(rf"\b{word}\b", cells[3])}
        reads = {topic for topic, cells in page.items() if re.search(rf"\b{word}\b", cells[4])}
        assert granted[role, "Write"] == writes, role
        assert granted[role, "Read"] == reads, role
        # Kafka gives Describe with Read and with Write.
        assert granted[role, "Describe"] == set(TOPICS) - writes - reads, role
    assert {key: topics for key, topics in granted.items() if key[1] == "DescribeConfigs"} == {
        ("stream", "DescribeConfigs"): {STATES, *OUTPUTS}
    }


def test_manual_pages_are_formatted_without_a_warning() -> None:
    """All warnings on, for all pages at once."""
    need(shutil.which("groff") is not None, "groff: apt install groff-base")
    text = "".join(pages().values())
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-K", "utf-8"], input=text.encode(), capture_output=True)
    assert (done.returncode, done.stderr.decode()) == (0, "")
