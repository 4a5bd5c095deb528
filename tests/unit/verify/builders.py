"""Tables as the catalogs show them."""

from typing import Any

from leadline_verify.table_facts import CatalogTable, Column, KnownSubscription, ServerFacts, TableKey

CATEGORIES = {"int4": "N", "int8": "N", "numeric": "N", "float8": "N", "text": "S", "varchar": "S", "": "E"}


def column(name: str, base: str = "int4", type_name: str | None = None, **more: Any) -> Column:
    names = {"int4": "integer", "int8": "bigint", "varchar": "character varying", "float8": "double precision"}
    shown = type_name or names.get(base, base)
    return Column(name=name, base_type=base, type_name=shown, category=CATEGORIES.get(base, "U"), **more)


def table(*columns: Column, key: tuple[str, ...] = ("id",), **more: Any) -> CatalogTable:
    fields: dict[str, Any] = {
        "schema_name": "public",
        "name": "t",
        "kind": "r",
        "columns": columns,
        "keys": (TableKey(columns=key, is_primary=True),) if key else (),
        "leading_columns": key[:1],
        **more,
    }
    return CatalogTable(**fields)


def facts(**more: Any) -> ServerFacts:
    fields: dict[str, Any] = {
        "version_num": 180006,
        "system_id": "1",
        "in_recovery": False,
        "database": "app",
        "encoding": "UTF8",
        "role": "leadline_verify",
        **more,
    }
    return ServerFacts(**fields)


def subscription(
    name: str = "sub", slot: str | None = "sub", publications: tuple[str, ...] = ("pub",)
) -> KnownSubscription:
    return KnownSubscription(name=name, enabled=True, publications=publications, slot=slot, running=True)
