"""The rules as a set: the page that lists them, their runbooks, and what each must have."""

import re
from pathlib import Path

import pytest

from leadline.settings.load import load
from leadline.settings.stream import StreamSettings
from leadline_streams.causes import CAUSES
from leadline_streams.judge.rule import Rule
from leadline_streams.reference import rules
from leadline_streams.rule_settings import check_rules
from leadline_streams.rules import RULES

ROOT = Path(__file__).parents[4]
SECTIONS = ["Meaning", "Impact", "Check first", "Fix", "It is over when", "Whom to ask", "Tune or silence"]
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)


def test_the_committed_page_is_current() -> None:
    """``make docs`` was run after a rule changed."""
    assert (ROOT / "docs/reference/rules.md").read_text() == rules(), "run: make docs"


@each_rule
def test_a_rule_is_named_like_its_file(rule: Rule) -> None:
    """The code in an alert is the name of a file, and of a test beside those of the others."""
    assert rule.measure.__module__ == f"leadline_streams.rules.{rule.name}"
    assert (Path(__file__).parent / f"test_{rule.name}.py").exists()


@each_rule
def test_a_rule_can_fire(rule: Rule) -> None:
    """It has a limit, and the worse level is the worse one."""
    warning, critical = rule.limits.warning, rule.limits.critical
    assert warning is not None or critical is not None
    if warning is not None and critical is not None:
        assert critical < warning if rule.limits.low_is_bad else critical > warning


@each_rule
def test_some_cause_explains_it(rule: Rule) -> None:
    """No alert is left without an attempt to say why."""
    assert any(rule.name in cause.explains for cause in CAUSES.values())


@each_rule
def test_its_runbook_has_every_section(rule: Rule) -> None:
    """In one order, with exactly three things to check first."""
    text = (ROOT / rule.entry.runbook).read_text()
    assert text.startswith(f"# {rule.name}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    looks = text.partition("## Check first\n")[2].partition("## Fix\n")[0]
    assert re.findall(r"^(\d+)\. ", looks, re.MULTILINE) == ["1", "2", "3"]


@each_rule
def test_the_settings_in_its_runbook_are_settings(rule: Rule, tmp_path: Path) -> None:
    """Each example loads as it stands, and is about this rule."""
    examples = re.findall(r"^```yaml\n(.*?)^```", (ROOT / rule.entry.runbook).read_text(), re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        (tmp_path / "stream.yaml").write_text(example)
        settings = load(StreamSettings, tmp_path / "stream.yaml", {}).settings
        check_rules(settings)
        assert rule.name in {*settings.rules, *(name for item in settings.overrides for name in item.rules)}


def test_the_how_to_shows_the_real_thing() -> None:
    """Every piece of code in it stands so in a file of the tree."""
    shown = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs/how-to/add-a-rule.md").read_text(), re.MULTILINE | re.DOTALL
    )
    places = [*ROOT.glob("streams/leadline_streams/rules/*.py"), *ROOT.glob("tests/unit/streams/rules/*.py")]
    places += [*ROOT.glob("lab/leadline_lab/faults/*/*.py"), *ROOT.glob("leadline/catalogue/rules/*.py")]
    real = [path.read_text() for path in places]
    assert shown
    assert [code for code in shown if not any(code in text for text in real)] == []
