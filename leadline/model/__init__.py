"""The values on the topics: frozen, slotted, without I/O and without a clock.

``ids``          names and identities as types; how a link, an alert and an incident are named
``lsn``          the text form of WAL positions
``observation``  samples and settings of a node, and ticks; parts of a sample are
``node``         the server that an observation is about
``replication``  positions, connections, slots, subscriptions
``tables``       tables of logical replication, and databases
``activity``     sessions and transactions for which replication may wait
``server_log``   the end of a server log
``host``         archiving, disk, and the cost of a look
``vitals``       the numbers of one look, in place of a whole sample; ``pg_vitals`` those of PostgreSQL,
                 of ``pg_vital_parts``
``alert``        alerts: a finding's lifecycle, one record per transition
``finding``      findings that no sample shows
``incident``     incidents: causes with steps, changes, timeline
``audit_look``   what an audit reads of a server
``audit_result`` what one audit of a cluster found
``change_record`` one change of a server, as the incident log keeps it
``status``       what was judged of each link and node last
``verification`` whether two servers hold the same data: rows, definitions, sequences
``lag``          roll-ups for analytics
``action``       acknowledgements and notes of people
``retirement``   nodes that a person takes out for good
``silence``      incidents that are not sent for a while
``announcement`` what people are sent when silences begin and end
``delivery``     the state of a target for one incident

Times are ``datetime`` in UTC, written as RFC 3339 with milliseconds; durations end in ``_s``, sizes in ``_bytes``.
"""

from datetime import datetime
from typing import Annotated

import msgspec

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone. A time without a zone is rejected."""

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A 64-bit integer, as a database column. Larger numbers are rejected: other JSON writers could not pass them on."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, msgspec.Meta(description="seconds")]


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of all wire values: immutable, slotted, compared by content.

    Subclasses repeat ``frozen`` and ``kw_only`` because type checkers do not inherit them. Unknown fields are ignored
    when read; fields at their default are not written.
    """
