"""Settings of rules that agree with no rule, or not with each other."""

import pytest

from leadline.settings.load import SettingsError, load
from leadline.settings.stream import RuleOverride, StreamSettings
from leadline_streams.rule_settings import check_rules


def problems(settings: StreamSettings) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        check_rules(settings)
    return str(caught.value).splitlines()


def test_unknown_rules_are_named() -> None:
    """All of them, with their paths."""
    environ = {"LEADLINE_RULES_REPLICATION_LOG_WARNING": "1", "LEADLINE_OVERRIDES_0_RULES_ZZZ_WARNING": "1"}
    settings = load(StreamSettings, None, environ | {"LEADLINE_OVERRIDES_0_MATCH_NODE": "*"}).settings
    assert problems(settings) == [
        "rules.replication_log: there is no such rule; did you mean replication_lag?",
        "overrides[0].rules.zzz: there is no such rule; `leadline rules list` lists the rules",
    ]
    check_rules(StreamSettings(rules={"node_down": RuleOverride()}))


def test_limits_are_in_order() -> None:
    """Both given, or one against the default of the other; where low is bad, the other way round."""
    assert problems(StreamSettings(rules={"replication_lag": RuleOverride(warning=50, critical=1)})) == [
        "rules.replication_lag: warning 50 must be below critical, which is 1"
    ]
    (alone,) = problems(StreamSettings(rules={"replication_lag": RuleOverride(warning=86400)}))
    assert alone.startswith("rules.replication_lag: warning 86400 must be below critical, which is ")
    assert alone.endswith(" (not set here)")
    (low,) = problems(StreamSettings(rules={"lag_forecast": RuleOverride(warning=60, critical=600)}))
    assert low == "rules.lag_forecast: warning 60 must be above critical, which is 600"
    check_rules(StreamSettings(rules={"replication_lag": RuleOverride(warning=1, critical=50)}))


def test_limits_of_an_override_follow_the_general_ones() -> None:
    """Limits that are in order by default may not be so with the limits of ``rules``."""
    environ = {
        "LEADLINE_RULES_REPLICATION_LAG_WARNING": "1",
        "LEADLINE_RULES_REPLICATION_LAG_CRITICAL": "5",
        "LEADLINE_OVERRIDES_0_MATCH_NODE": "*",
        "LEADLINE_OVERRIDES_0_RULES_REPLICATION_LAG_WARNING": "10",
    }
    assert problems(load(StreamSettings, None, environ).settings) == [
        "overrides[0].rules.replication_lag: warning 10 must be below critical, which is 5 (not set here)"
    ]
