"""The statements of steps that look, run on the servers of a fault as the role that may only read."""

from collections.abc import Iterable, Iterator, Mapping

import psycopg
from psycopg.conninfo import make_conninfo

from leadline.model.incident import Cause

CONNECT_S = 2
STATEMENT_MS = 2000


def unusable_steps(causes: Iterable[Cause], dsns: Mapping[str, str]) -> Iterator[str]:
    """Statements that a server rejects. A server that cannot be reached now is left out: the fault may be just that.

    ``dsns``: the connection string of each agent, by node.
    """
    looks = {
        (step.node or "", step.database or "postgres", step.sql): cause.code
        for cause in causes
        for step in cause.steps
        if step.risk == "look" and step.sql is not None
    }
    unreachable: set[str] = set()
    for (node, database, sql), code in looks.items():
        if node in unreachable or node not in dsns:
            continue
        options = f"-c statement_timeout={STATEMENT_MS}"
        dsn = make_conninfo(dsns[node], dbname=database, connect_timeout=CONNECT_S, options=options)
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(sql.encode())
        except psycopg.OperationalError:
            unreachable.add(node)
        except psycopg.Error as error:
            yield f"a step of {code} fails on {node}: {error}: {sql}"
