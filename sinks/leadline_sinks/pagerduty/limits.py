"""PagerDuty's limits. Its OpenAPI document (PagerDuty/api-schema, reference/events-v2, of 2025-09-24) gives no
lengths. Its guide does (PagerDuty/developer-docs, docs/events-API-v2: 01-Overview, 02-Trigger-Events,
03-Change-Events).
"""

from typing import Final

ROUTING_KEY_CHARACTERS: Final = 32
"""02-Trigger-Events."""
DEDUP_KEY_CHARACTERS: Final = 255
"""02-Trigger-Events."""
SUMMARY_CHARACTERS: Final = 1024
"""02-Trigger-Events and 03-Change-Events; counted in code points, as Prometheus Alertmanager does."""
EVENT_BYTES: Final = 512_000
"""01-Overview says 512 KB for the body. As in Alertmanager, a kilobyte is read as 1000 bytes, which is safe."""
EVENTS_PER_MINUTE: Final = 480
"""For one routing key. 01-Overview says only that the limit is dynamic; users report this number."""
NO_CHANGES_PREFIX: Final = "R"
"""Prefix of the keys of rulesets, which accept no change events (01-Overview)."""

FIELD_CHARACTERS: Final = 255
"""Of source, component, group and class. Our own limit: PagerDuty documents none and shows them in one line."""
DETAIL_CHARACTERS: Final = 10_000
"""Of one custom detail. Our own limit."""
DETAILS: Final = 30
"""Number of custom details. Our own limit: they are shown as a table."""
LINKS: Final = 5
"""Number of links. Our own limit."""
