"""Tables, identities, constraints and publications by which replication stops or loses changes. Pure."""

from collections.abc import Iterator
from typing import Final

from leadline.model.verification import SchemaDifference
from leadline_verify.schema_diff.columns import column_differences
from leadline_verify.schema_diff.definitions import Definitions, Place, shown
from leadline_verify.table_facts import CatalogTable

UNSENT: Final = {
    "insert": "inserts_not_published",
    "update": "updates_not_published",
    "delete": "deletes_not_published",
    "truncate": "truncates_not_published",
}


def schema_differences(both: Definitions) -> list[SchemaDifference]:
    """All of them, those that break replication first."""
    found = [each for place in sorted(both.published.keys() | both.subscribed.keys()) for each in _of(both, place)]
    return sorted(found, key=lambda each: (not each.breaks, each.table, each.code))


def _of(both: Definitions, place: Place) -> Iterator[SchemaDifference]:
    table, down = shown(place), both.downstream.tables.get(place)
    if place not in both.published:
        yield SchemaDifference(
            code="table_not_published",
            table=table,
            detail=f"subscription {both.subscription} has it and no publication of it does: its changes are not sent",
            breaks=True,
        )
        return
    if down is None:
        yield SchemaDifference(
            code="table_missing",
            table=table,
            detail="it is published and is not on the subscriber: its worker fails, or a refresh of the subscription",
            breaks=True,
        )
        return
    if place not in both.subscribed:
        yield SchemaDifference(
            code="table_not_subscribed",
            table=table,
            detail=f"it is published and subscription {both.subscription} does not have it: its changes are ignored "
            f"until ALTER SUBSCRIPTION {both.subscription} REFRESH PUBLICATION",
            breaks=True,
        )
        return
    yield from _unsent(both, place)
    if place not in both.upstream.tables:
        return  # a partition that is published by its root, or a table that the role may not see
    yield from column_differences(both, place)
    yield from _identity(both, place, both.upstream.tables[place], down)
    yield from _constraints(both, place)


def _unsent(both: Definitions, place: Place) -> Iterator[SchemaDifference]:
    sent = both.published[place].actions
    for action, code in UNSENT.items():
        if action not in sent:
            yield SchemaDifference(
                code=code,
                table=shown(place),
                detail=f"its publications send {', '.join(sent) or 'nothing'}, and no {action}",
                breaks=True,
            )


def _identity(both: Definitions, place: Place, up: CatalogTable, down: CatalogTable) -> Iterator[SchemaDifference]:
    """Rows are found by the publisher's identity, with an index of the subscriber."""
    changes = [action for action in ("update", "delete") if action in both.published[place].actions]
    if not changes or up.identity == "f":
        return
    primary = up.identity == "d" and any(key.is_primary for key in up.keys)
    if not primary and not any(key.is_identity for key in up.keys):
        yield SchemaDifference(
            code="identity_missing",
            table=shown(place),
            detail=f"the publisher has no replica identity for it: every {' and '.join(changes)} there is refused",
            breaks=True,
        )
        return
    if not any(key.is_primary or key.is_identity for key in down.keys):
        yield SchemaDifference(
            code="identity_not_on_subscriber",
            table=shown(place),
            detail=f"the subscriber has neither primary key nor replica identity for it: the first {changes[0]} stops "
            "its worker",
            breaks=True,
        )


def _constraints(both: Definitions, place: Place) -> Iterator[SchemaDifference]:
    """Those of the subscriber alone may refuse a row that the publisher has accepted."""
    up, down = both.upstream.definitions.get(place), both.downstream.definitions.get(place)
    if up is None or down is None:
        return
    table = shown(place)
    for columns in down.uniques:
        if columns not in up.uniques:
            yield SchemaDifference(
                code="unique_on_subscriber",
                table=table,
                detail=f"only the subscriber has a unique index on {columns}: a row that the publisher accepts can "
                "stop its worker",
                breaks=True,
            )
    for constraint in down.checks:
        if constraint not in up.checks:
            yield SchemaDifference(
                code="check_on_subscriber",
                table=table,
                detail=f"only the subscriber has {constraint}: a row that the publisher accepts can stop its worker",
                breaks=True,
            )
    for trigger in down.triggers:
        yield SchemaDifference(
            code="trigger_fires_on_apply",
            table=table,
            detail=f"trigger {trigger} of the subscriber fires for replicated changes too",
            breaks=False,
        )
