"""Advisories in the form of the Open Source Vulnerability format, https://ossf.github.io/osv-schema/."""

from typing import Any

from leadline.advisories.entry import Advisory, Facts, pair

SCHEMA = "1.6.0"


def osv(facts: Facts) -> list[dict[str, Any]]:
    """One record for each advisory, in the order of their ids."""
    return [_record(facts, each) for each in sorted(facts.advisories, key=lambda one: one.id)]


def _record(facts: Facts, advisory: Advisory) -> dict[str, Any]:
    begins = {pair(version)[0]: version for version in advisory.introduced}
    ranges = [
        {
            "type": "ECOSYSTEM",
            "events": [{"introduced": begins.get(pair(good)[0], f"{pair(good)[0]}.0")}, {"fixed": good}],
        }
        for good in sorted(advisory.fixed, key=pair)
    ]
    return {
        "schema_version": SCHEMA,
        "id": f"LEADLINE-{advisory.id}",
        "modified": f"{facts.facts_as_of.isoformat()}T00:00:00Z",
        "published": f"{advisory.released.isoformat()}T00:00:00Z",
        "summary": advisory.effect,
        "details": f"When: {advisory.when}. Effect: {advisory.effect}."
        + (f" Beside the update: {advisory.remedy}." if advisory.remedy else ""),
        "affected": [
            {"package": {"ecosystem": "PostgreSQL", "name": facts.product}, "ranges": ranges},
        ],
        "database_specific": {
            "area": advisory.area,
            "condition": advisory.condition,
            "effect_is": advisory.effect_is,
        },
    }
