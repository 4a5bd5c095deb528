"""Settings that are handed to another process are the same settings there."""

from pathlib import Path

import msgspec

from leadline.settings.load import load
from leadline.settings.plain import revealed
from leadline.settings.sink import SinkSettings

GIVEN = {
    "slack": {"token": "xoxb-1", "channel": "#dba"},
    "targets": {"own": {"pagerduty": {"routing_key": "f" * 32}}},
    "routes": [{"to": ["own"], "continue": True, "match": {"severity": "critical"}}],
    "kafka": {"security.protocol": "SASL_SSL", "sasl.username": "leadline", "sasl.password": "hush"},
}


def test_they_load_as_the_same_settings(tmp_path: Path) -> None:
    """Secrets too, under the names that files have, and nothing that is unset."""
    given, again = tmp_path / "given.yaml", tmp_path / "again.yaml"
    given.write_bytes(msgspec.json.encode(GIVEN))
    settings = load(SinkSettings, given, {}).settings
    plain = revealed(settings)
    again.write_bytes(msgspec.json.encode(plain))
    assert load(SinkSettings, again, {}).settings == settings
    assert "webhook_url" not in plain["slack"]
