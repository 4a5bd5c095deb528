"""The topics as declared."""

from leadline.topics import TOPICS
from leadline.wire import CODECS


def test_each_codec_has_its_topic() -> None:
    """Whatever we can write has a topic of the same name, and each topic that has a codec has its own."""
    assert {name: spec.codec for name, spec in TOPICS.items() if spec.codec} == CODECS


def test_configuration_in_kafkas_names() -> None:
    """Retention is in milliseconds, and what is only compacted has none."""
    assert TOPICS["samples"].config() == {"cleanup.policy": "delete", "retention.ms": "604800000"}
    assert TOPICS["silences"].config() == {"cleanup.policy": "compact"}
