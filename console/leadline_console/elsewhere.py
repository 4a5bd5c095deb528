"""Addresses that people know from Grafana, Prometheus and Alertmanager, and the pages that have the same here. Pure."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, NamedTuple

from leadline_console.pages import PAGES


class Meant(NamedTuple):
    """The page that an address without a page probably meant."""

    path: str
    """Empty where nothing is like it."""
    text: str
    """One sentence for a person."""


LAGS: Final = Meant(
    "/", "Each link is listed there with its lag; its page and that of its cluster plot the last hour and day."
)
INCIDENTS: Final = Meant(
    "/incidents",
    "The alerts of one problem are one incident, with its cause; the page of a cluster lists single alerts.",
)
SILENCES: Final = Meant("/silences", "It lists silences, and makes a new one.")
RULES: Final = Meant("/rules", "It lists every rule, and where it is blind.")
HEALTH: Final = Meant("/health", "It shows agents, workers, targets and the console itself.")
HEALTHZ: Final = Meant("/healthz", "It answers 200 while the console is current, and 503 otherwise.")
METRICS: Final = Meant("/health", "The metrics of each process are at /metrics of its metrics.port.")
ELSEWHERE: Final[Mapping[str, Meant]] = {
    **dict.fromkeys(("/graph", "/explore", "/query", "/d", "/dashboards", "/dashboard", "/lag", "/lags"), LAGS),
    **dict.fromkeys(("/links", "/clusters", "/nodes", "/topology", "/map", "/search", "/web", "/ui"), LAGS),
    **dict.fromkeys(("/alert", "/alerts", "/alerting", "/alerting/list", "/pages", "/events"), INCIDENTS),
    **dict.fromkeys(("/silence", "/mute", "/maintenance", "/alerting/silences"), SILENCES),
    **dict.fromkeys(("/rule", "/alerting/rules"), RULES),
    **dict.fromkeys(("/status", "/targets", "/service-discovery", "/tsdb-status", "/flags", "/config"), HEALTH),
    **dict.fromkeys(("/-/healthy", "/-/ready", "/ready", "/livez", "/readyz", "/api/health", "/api/check"), HEALTHZ),
    **dict.fromkeys(
        ("/notifications", "/why"), Meant("/deliveries", "It says why somebody was, or was not, notified.")
    ),
    "/metrics": METRICS,
    "/api/v1/alerts": INCIDENTS._replace(path="/incidents.json"),
    "/api/v2/alerts": INCIDENTS._replace(path="/incidents.json"),
    "/api/v2/alerts/groups": INCIDENTS._replace(path="/incidents.json"),
    "/api/v2/silences": SILENCES._replace(path="/silences.json"),
    "/api/v1/rules": RULES._replace(path="/rules.json"),
    "/api/v1/targets": HEALTH._replace(path="/health.json"),
    "/api/v1/query": LAGS._replace(path="/index.json"),
    "/api/v1/query_range": LAGS._replace(path="/index.json"),
    "/api/v2/status": HEALTH._replace(path="/health.json"),
}
"""By an address that is none here."""


def meant(path: str) -> Meant:
    """The page that was probably meant by an address that has none."""
    asked = path.rstrip("/").lower() or "/"
    if asked in ELSEWHERE:
        return ELSEWHERE[asked]
    whole = asked.removesuffix(".json").removesuffix(".live")
    near = get_close_matches(whole, [page.path for page in PAGES if page.menu], 1, 0.7)
    return Meant(near[0], "Its name is like that.") if near else Meant("", "")


def is_for_programs(path: str, accept: str) -> bool:
    """Whether a program asks, which gets an answer of one line. Browsers name HTML among what they accept."""
    return path.endswith(".json") or (path.startswith(("/api/", "/metrics", "/-/")) and "text/html" not in accept)
