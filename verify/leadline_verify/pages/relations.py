"""The relations whose pages are checked, and the functions that check them. Pure."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, Literal

from leadline.model import Value
from leadline_verify.table_facts import shown_name

Kind = Literal["btree", "gin", "heap"]
FUNCTIONS: Final[dict[Kind, str]] = {
    "btree": "bt_index_check",
    "gin": "gin_index_check",
    "heap": "verify_heapam",
}
SINCE: Final[dict[Kind, str]] = {"gin": "amcheck 1.5 (PostgreSQL 18)", "heap": "amcheck 1.3 (PostgreSQL 14)"}
SYSTEM: Final = "pg_catalog"


class CheckFunction(Value, frozen=True, kw_only=True):
    """A function of the extension as it is installed in the database."""

    schema_name: str
    name: str
    arguments: int
    signature: str
    version: str
    """Of the extension, which may be older than the server."""
    may_run: bool


class CheckedRelation(Value, frozen=True, kw_only=True):
    """A table or an index with pages on disk."""

    oid: int
    schema_name: str
    name: str
    kind: Kind
    table_schema: str
    """Of the table that it is, or that it belongs to; of TOAST the table whose values it holds."""
    table_name: str
    blocks: int = 0
    rows: int = 0
    """By the server's estimate."""

    @property
    def shown(self) -> str:
        """Its name with what it is."""
        name, table = shown_name(self.schema_name, self.name), shown_name(self.table_schema, self.table_name)
        return f"table {name}" if self.kind == "heap" else f"index {name} of {table}"


def chosen(found: Iterable[CheckedRelation], tables: Collection[str], *, system: bool) -> list[CheckedRelation]:
    """Those of these tables, named as people write them. The smaller ones come first.

    ``system``: those of the system catalogs as well.
    """
    return sorted(
        (
            each
            for each in found
            if shown_name(each.table_schema, each.table_name) in tables or (system and each.table_schema == SYSTEM)
        ),
        key=lambda each: (each.blocks, each.table_schema, each.table_name, each.kind, each.name),
    )


def missing(functions: Sequence[CheckFunction], kinds: Collection[Kind], role: str, database: str) -> list[str]:
    """The checks of these kinds that the database does not have, or that the role may not run: a line for each."""
    if not functions:
        return [f"extension amcheck is not in database {database}: CREATE EXTENSION amcheck on the primary"]
    lines: list[str] = []
    for kind in sorted(kinds):
        fitting = [each for each in functions if each.name == FUNCTIONS[kind]]
        if not fitting:
            lines.append(f"{FUNCTIONS[kind]}() needs {SINCE[kind]}; here is {functions[0].version}")
        elif function_for(functions, kind) is None:
            name = shown_name(fitting[0].schema_name, fitting[0].name)
            grants = ", ".join(each.signature for each in fitting)
            lines.append(
                f"role {role} may not run {name}(): GRANT EXECUTE ON FUNCTION {grants} TO {role} on the primary"
            )
    return lines


def function_for(functions: Sequence[CheckFunction], kind: Kind) -> CheckFunction | None:
    """The function with the most arguments that the role may run."""
    able = [each for each in functions if each.name == FUNCTIONS[kind] and each.may_run]
    return max(able, key=lambda each: each.arguments, default=None)


def index_check(function: CheckFunction, oid: int, *, whole: bool) -> str:
    """The statement that checks an index; with ``whole`` that it has each row, where the function can."""
    name = f'"{function.schema_name}"."{function.name}"'
    more = f", {str(whole).lower()}" if function.name == FUNCTIONS["btree"] and function.arguments >= 2 else ""
    if function.name == FUNCTIONS["btree"] and function.arguments >= 3:
        more += f", {str(whole).lower()}"
    return f"SELECT {name}({oid}::oid::regclass{more})"


def table_check(function: CheckFunction, oid: int, first: int, last: int) -> str:
    """The statement that checks blocks of a table, both ends included, with the pointers to their TOAST values."""
    name = f'"{function.schema_name}"."{function.name}"'
    return (
        f"SELECT blkno, offnum, attnum, msg FROM {name}(relation => {oid}::oid::regclass, on_error_stop => false, "
        f"check_toast => true, skip => 'none', startblock => {first}, endblock => {last})"
    )
