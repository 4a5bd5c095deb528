"""The catalogue has an entry for every rule and cause, and every entry is complete."""

from pathlib import Path
from typing import get_args

import pytest

from leadline import catalogue
from leadline.catalogue.entry import CauseEntry, RuleEntry
from leadline.model.alert import Subject
from leadline_sinks.notify import datacenter_incident, self_incident
from leadline_streams import causes, reported, rules
from leadline_streams.causes.config_changed import CAN_CAUSE
from leadline_streams.engines.postgresql.engine import CAPABILITIES
from leadline_streams.judge import audit_notices
from leadline_streams.runtime import cluster_failure

ROOT = Path(__file__).parents[2]
each_rule = pytest.mark.parametrize("entry", catalogue.RULES.values(), ids=lambda entry: entry.code)
each_cause = pytest.mark.parametrize("entry", catalogue.CAUSES.values(), ids=lambda entry: entry.code)


def test_every_rule_has_an_entry() -> None:
    """Rules of the judgement, and those that the sinks and the workers raise about themselves."""
    own = {self_incident.RULE, datacenter_incident.RULE, cluster_failure.RULE}
    assert set(catalogue.RULES) == {*reported.EVERY_RULE, *own}


def test_every_cause_has_an_entry() -> None:
    """Causes of the judgement, those of the sinks and the workers, and the one that stands for none."""
    own = {self_incident.CAUSE, audit_notices.CAUSE, *get_args(cluster_failure.Kind)}
    assert set(catalogue.CAUSES) == {*causes.CAUSES, *own, "unknown"}


def test_a_rule_is_about_what_it_measures() -> None:
    """The kind of subject in the catalogue is that of the rule's context."""
    assert {name: rule.on.kind for name, rule in rules.RULES.items()} == {
        name: catalogue.RULES[name].on for name in rules.RULES
    }


@each_rule
def test_a_rule_entry_is_complete(entry: RuleEntry) -> None:
    """It has words, a runbook that exists, and asks for a capability that an engine names."""
    assert entry.help
    assert entry.impact
    assert "{" not in entry.ended(Subject(kind=entry.on, id="orders/x"))
    assert entry.over
    assert (ROOT / entry.runbook).exists()
    assert entry.needs in {"", *(name for _, name in CAPABILITIES)}


@each_cause
def test_a_cause_entry_is_complete(entry: CauseEntry) -> None:
    """It has words, measures, and explains rules that exist."""
    assert entry.help
    assert entry.over
    assert entry.improvements
    assert entry.tasks
    assert entry.explains <= set(catalogue.RULES)


def test_a_changed_setting_explains_what_settings_can_cause() -> None:
    """The entry lists the rules of all settings."""
    assert catalogue.CAUSES["config_changed"].explains == frozenset().union(*CAN_CAUSE.values())
