"""Compares each audit that is written with the measures against incidents that have ended."""

from datetime import timedelta
from typing import Final

from leadline.model.audit_result import AuditResult
from leadline.model.incident import Incident
from leadline.wire import INCIDENTS
from leadline_sinks.incident_log.connection import Connection
from leadline_sinks.incident_log.recurrence import SETTLED_S, at_risk, candidates
from leadline_sinks.incident_log.rows import visible
from leadline_sinks.incident_log.trail import audit_before

MOST_INCIDENTS: Final = 100
"""So many of the incidents that ended last are compared with an audit."""
_ENDED: Final = """
    SELECT incident_id, resolved_at FROM leadline.incident
    WHERE cluster = %s AND state = 'resolved' AND merged_into IS NULL AND resolved_at < %s
      AND cause IS DISTINCT FROM 'set_up_wrong'
    ORDER BY resolved_at DESC LIMIT %s
"""
_RECORDS: Final = "SELECT record::text FROM leadline.log WHERE incident_id = %s AND kind = 'incident' ORDER BY number"


async def incidents_at_risk(connection: Connection, result: AuditResult) -> list[Incident]:
    """The next records of ended incidents that can return by what an audit found. In the caller's transaction."""
    found = candidates(result)
    if not found:
        return []
    until = result.audited_at - timedelta(seconds=SETTLED_S)
    rows = await (
        await connection.execute(_ENDED.encode(), [visible(result.cluster), until, MOST_INCIDENTS])
    ).fetchall()
    fresh = [each for each in found if rows and each.since > rows[-1][1]]
    if not fresh:
        return []
    ended = [await _last_record(connection, ident) for ident, _ in rows]
    pairs = [(each, await audit_before(connection, result.cluster, each.since)) for each in fresh]
    return list(at_risk(pairs, [each for each in ended if each is not None], result))


async def _last_record(connection: Connection, incident_id: str) -> Incident | None:
    rows = await (await connection.execute(_RECORDS.encode(), [incident_id])).fetchall()
    records: list[Incident] = [INCIDENTS.decoder.decode(record) for (record,) in rows]
    return max(records, key=lambda each: each.seq, default=None)
