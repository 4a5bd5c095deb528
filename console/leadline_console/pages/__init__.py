"""The pages, one file each: a view is a pure function of the read model and of what is asked for.

``fleet``    clusters and links, worst first
``cluster``  one cluster: topology, alerts, lags, changes
``link``     one link
``lags``     the plots of lags
"""

from typing import Final

from leadline_console.page import Page
from leadline_console.pages import cluster, fleet, link

PAGES: Final[tuple[Page, ...]] = (fleet.PAGE, cluster.PAGE, link.PAGE)
"""Every page, in the order of the menu."""
