"""The pages, one file each: a view is a pure function of the read model and of what is asked for.

``fleet``          clusters and links, worst first
``cluster``        one cluster: topology, alerts, lags, changes
``link``           one link
``lags``           the plots of lags
``incidents``      incidents, open ones first
``incident``       one incident: what, why, what to do, and who was notified
``causes``         causes with their evidence and steps
``announced``      silences that a record announces, and what they held back
``acknowledged``   who has acknowledged an incident as it is now
``postmortem``     the draft of a post-mortem, from the incident log
``deliveries``     every decision about a notification
``decisions``      why somebody was, or was not, notified
``silences``       silences, and the preview of a new one
``audits``         what audits found
``verifications``  what was proven equal
``rules``          rules that are armed, and rules that are blind
``health``         Leadline itself
"""

from typing import Final

from leadline_console.page import Page
from leadline_console.pages import (
    audits,
    cluster,
    deliveries,
    fleet,
    health,
    incident,
    incidents,
    link,
    postmortem,
    rules,
    silences,
    verifications,
)

PAGES: Final[tuple[Page, ...]] = (
    *(fleet.PAGE, cluster.PAGE, link.PAGE),
    *(incidents.PAGE, incident.PAGE, postmortem.PAGE, deliveries.PAGE, silences.PAGE),
    *(audits.PAGE, verifications.PAGE, rules.PAGE, health.PAGE),
)
"""Every page, in the order of the menu."""
