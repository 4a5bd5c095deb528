"""The values every part of Leadline speaks in: frozen, slotted, without I/O and without a clock.

``ids``          names and identities as types; how a link, an alert and an incident are named
``lsn``          the text form of WAL positions
``observation``  what an agent saw on one node at one instant
``alert``        alerts: a finding's lifecycle, one record per transition
``finding``      findings that no sample shows
``incident``     causes, changes, timeline
``status``       what was judged of each link and node last
``lag``          roll-ups for analytics
``action``       what people do about an incident
``silence``      what nobody is to be told about for a while
``delivery``     what a target was told last of an incident

Times are ``datetime`` in UTC, written as RFC 3339 with milliseconds; durations end in ``_s``, sizes in ``_bytes``.
"""

from datetime import datetime
from typing import Annotated

import msgspec

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its zone; times without one are refused when read."""

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What a database column holds. Larger numbers are refused when read: JSON writers elsewhere could not pass them on."""


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of all wire values: immutable, slotted, compared by content.

    Subclasses repeat ``frozen`` and ``kw_only`` because type checkers do not inherit them. Unknown fields are ignored
    when read; fields at their default are not written.
    """
