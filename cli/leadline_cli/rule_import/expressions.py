"""Parts of expressions: the number that one stands for, and the names of the metrics that it reads."""

from collections.abc import Iterator
from typing import Any

import promql_parser as promql


def number(node: Any) -> float | None:
    """The value of an expression that reads no metric; None for any other."""
    match node:
        case promql.NumberLiteral():
            return float(node.val)
        case promql.ParenExpr():
            return number(node.expr)
        case promql.UnaryExpr():
            inner = number(node.expr)
            return -inner if inner is not None else None
        case promql.BinaryExpr():
            left, right = number(node.lhs), number(node.rhs)
            if left is None or right is None:
                return None
            match str(node.op):
                case "*":
                    return left * right
                case "+":
                    return left + right
                case "-":
                    return left - right
                case "/" if right:
                    return left / right
    return None


def names_of(expr: str) -> Iterator[str]:
    """The names of the metrics of an expression. Raises ValueError where it cannot be parsed."""
    yield from _names(promql.parse(expr))


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, promql.VectorSelector):
        yield node.name or ""
    elif isinstance(node, promql.MatrixSelector):
        yield node.vector_selector.name or ""
    for part in ("lhs", "rhs", "expr"):
        if (inner := getattr(node, part, None)) is not None:
            yield from _names(inner)
    for argument in getattr(node, "args", None) or ():
        yield from _names(argument)
