"""A database as the verifier reads it from the catalogs: its tables, columns, keys, and how it replicates."""

import re
from typing import Final, Literal

from leadline.model import Value

_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_$]*").fullmatch


def shown_name(schema_name: str, name: str) -> str:
    """A name for people, quoted where SQL needs it."""
    return ".".join(part if _PLAIN(part) else '"' + part.replace('"', '""') + '"' for part in (schema_name, name))


class Column(Value, frozen=True, kw_only=True):
    """A column that is not dropped."""

    name: str
    type_name: str
    """With its modifier, as ``format_type`` writes it."""
    base_type: str = ""
    """The name of the built-in type that it is, or that its domain is made of; empty for any other type."""
    category: str
    """``pg_type.typcategory`` of that type: N numbers, S strings, and so on."""
    is_domain: bool = False
    not_null: bool = False
    generated: str = ""
    """``s`` stored, ``v`` virtual."""
    identity: str = ""
    collation: str = ""
    """Provider, locale and version, which decide the order of its values; empty for a type without one."""
    plain_order: bool = True
    """Whether its collation orders by bytes, as ``C`` does."""


class TableKey(Value, frozen=True, kw_only=True):
    """A valid, immediate unique index over columns that are not null, without a predicate."""

    columns: tuple[str, ...]
    is_primary: bool = False
    is_identity: bool = False
    """Chosen with REPLICA IDENTITY USING INDEX."""


class CatalogTable(Value, frozen=True, kw_only=True):
    """A table, a partition, a partitioned table or a materialized view."""

    schema_name: str
    name: str
    kind: Literal["r", "p", "m"]
    identity: str = "d"
    """``pg_class.relreplident``: d primary key, i index, f all columns, n nothing."""
    estimate: int | None = None
    """Rows, as the planner has them; of a partitioned table the sum of its partitions; None when never analyzed."""
    pages: int = 0
    readable: bool = True
    """Whether the role may read all of its rows and columns."""
    row_security: bool = False
    has_children: bool = False
    columns: tuple[Column, ...] = ()
    keys: tuple[TableKey, ...] = ()
    leading_columns: tuple[str, ...] = ()
    """The first columns of its valid btree indexes."""

    def column(self, name: str) -> Column | None:
        """The column of this name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def shown(self) -> str:
        """Schema and name for people, quoted where SQL needs it."""
        return shown_name(self.schema_name, self.name)

    @property
    def full_name(self) -> str:
        """Schema and name, quoted."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in (self.schema_name, self.name))


class PublishedTable(Value, frozen=True, kw_only=True):
    """A table of the publications of one subscription, read on the publisher."""

    schema_name: str
    name: str
    columns: tuple[str, ...] | None = None
    """The published columns; None when every one is, but those that are generated."""
    row_filters: tuple[str, ...] | None = None
    """The filters, of which one suffices; None when a publication has none for it."""
    actions: tuple[str, ...] = ()
    """The kinds of change that are published, of insert, update, delete, truncate."""
    column_lists: int = 1
    """Different column lists that its publications have for it; one is usual."""


class SubscribedTable(Value, frozen=True, kw_only=True):
    """A table of a subscription, read on the subscriber."""

    schema_name: str
    name: str
    state: str
    """``pg_subscription_rel.srsubstate``: r ready; anything else is a copy that is not finished."""
    subscriptions: int = 1
    """The subscriptions of this database that write to it."""


class KnownSubscription(Value, frozen=True, kw_only=True):
    """A subscription of the downstream's database."""

    name: str
    enabled: bool
    publications: tuple[str, ...]
    slot: str | None = None
    running: bool = False
    """Whether its apply worker runs."""


class ServerFacts(Value, frozen=True, kw_only=True):
    """One server and the database of the session."""

    version_num: int
    system_id: str = ""
    """Empty where the role may not read it."""
    in_recovery: bool
    database: str
    encoding: str
    role: str
    large_objects: int | None = None
    """None when the role may not count them."""
    apply_delay: str = "0"
    """``recovery_min_apply_delay`` of a standby."""
    publications: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    """Logical slots of this database."""
    subscriptions: tuple[KnownSubscription, ...] = ()

    @property
    def major(self) -> int:
        """The major version."""
        return self.version_num // 10000
