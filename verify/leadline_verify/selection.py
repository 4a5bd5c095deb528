"""Selects the tables that were asked for. Pure."""

from collections.abc import Sequence
from difflib import get_close_matches

from leadline.errors import UsageError
from leadline_verify.plan import NotComparable, Planned


def select(planned: Sequence[Planned], tables: Sequence[str], schema: str | None) -> list[Planned]:
    """Those whose name, with or without its schema, was given, and which are in the schema. Raises UsageError."""
    names = [_names(plan) for plan in planned]
    known = {name for each in names for name in each}
    for wanted in tables:
        if wanted not in known:
            near = get_close_matches(wanted, sorted(known), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"--table: {wanted} is no table that is replicated between these databases{hint}")
    if schema is not None and not any(each[0].startswith(f"{schema}.") for each in names):
        raise UsageError(f"--schema: no table of schema {schema} is replicated between these databases")
    return [
        plan
        for plan, each in zip(planned, names, strict=True)
        if (not tables or set(each) & set(tables)) and (schema is None or each[0].startswith(f"{schema}."))
    ]


def _names(plan: Planned) -> tuple[str, ...]:
    """The name with its schema, the name alone, and both quoted where SQL needs it."""
    if isinstance(plan, NotComparable):
        return plan.table, plan.table.partition(".")[2]
    table = plan.upstream
    return f"{table.schema_name}.{table.name}", table.name, table.shown
