"""What PagerDuty takes. Its OpenAPI document (PagerDuty/api-schema, reference/events-v2, of 2025-09-24) has no lengths.

They are in its guide (PagerDuty/developer-docs, docs/events-API-v2: 01-Overview, 02-Trigger-Events, 03-Change-Events).
"""

from typing import Final

ROUTING_KEY_CHARACTERS: Final = 32
"""02-Trigger-Events."""
DEDUP_KEY_CHARACTERS: Final = 255
"""02-Trigger-Events."""
SUMMARY_CHARACTERS: Final = 1024
"""02-Trigger-Events and 03-Change-Events; counted in code points, as Prometheus Alertmanager does."""
EVENT_BYTES: Final = 512_000
"""01-Overview says 512 KB for the whole body; the smaller reading, as in Alertmanager, is safe with either."""
EVENTS_PER_MINUTE: Final = 480
"""For one routing key. 01-Overview only says that the limit is dynamic; the number is what its users report."""
NO_CHANGES_PREFIX: Final = "R"
"""Keys of rulesets begin with it, and take no change events: 01-Overview."""

FIELD_CHARACTERS: Final = 255
"""Of source, component, group and class. Ours: PagerDuty says no limit, and shows them in one line."""
DETAIL_CHARACTERS: Final = 10_000
"""Of one of the custom details. Ours."""
DETAILS: Final = 30
"""How many custom details there are. Ours: they are shown as a table."""
LINKS: Final = 5
"""Ours."""
