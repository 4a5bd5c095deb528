"""The table of incidents, compared with the records in the chain that it is made from. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from leadline.model.alert import severity_rank
from leadline.wire import INCIDENTS
from leadline_sinks.incident_log.chain import Row
from leadline_sinks.incident_log.rows import incident_columns


class IncidentTable:
    """``leadline.incident`` as the rows of the chain say it is."""

    def __init__(self) -> None:
        self._expected: dict[str, dict[str, object]] = {}
        self._unread: set[str] = set()

    def note(self, row: Row) -> None:
        """Take the next row of the chain."""
        if row.kind != "incident" or row.incident_id is None:
            return
        before = self._expected.get(row.incident_id)
        try:
            columns = incident_columns(INCIDENTS.decoder.decode(row.record))
        except msgspec.ValidationError:  # of a version with other bounds
            self._unread.add(row.incident_id)
            return
        peak = severity = columns["severity"]
        if before is not None:
            peak = max(severity, before["peak_severity"], key=severity_rank)  # type: ignore[arg-type]
            columns = columns if columns["seq"] > before["seq"] else before  # type: ignore[operator]
        self._expected[row.incident_id] = columns | {"peak_severity": peak}

    def differing(self, table: Iterable[Mapping[str, Any]], *, complete: bool) -> Iterator[str]:
        """The incidents whose rows differ, are missing, or have no record.

        ``complete``: whether retention has removed nothing. If it has, a row without a record proves nothing, and the
        highest severity may be that of a record that is gone.
        """
        missing = dict.fromkeys(self._expected)
        for row in table:
            ident = row["incident_id"]
            missing.pop(ident, None)
            if ident in self._unread:
                continue
            expected = self._expected.get(ident, {})
            if not expected:
                if complete:
                    yield ident
            elif any(row[name] != value for name, value in expected.items() if complete or name != "peak_severity"):
                yield ident
        yield from (ident for ident in missing if ident not in self._unread)
