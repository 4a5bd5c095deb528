"""Claims with their targets, and two tables that show whether they are met: for a terminal and for the page."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bench.marks import between

BEGIN = "<!-- begin: python -m bench --page -->"
END = "<!-- end -->"

Numbers = Mapping[str, float | str | bool | None]
"""One run, flat: the claims' keys, the processes', and ``measured_on``, ``machine``, ``python`` and the like."""


class Claim(NamedTuple):
    """A number with its target."""

    key: str
    what: str
    at_most: float | None = None
    at_least: float | None = None
    digits: int = 2

    def measured(self, numbers: Numbers) -> str:
        """Its value in this run."""
        value = numbers.get(self.key)
        return "not measured" if value is None else f"{value:,.{self.digits}f}"

    @property
    def target(self) -> str:
        """The target in words; empty for a number that has none."""
        if self.at_most is not None:
            return f"at most {self.at_most:,g}"
        return "" if self.at_least is None else f"at least {self.at_least:,g}"

    def verdict(self, numbers: Numbers) -> str:
        """Whether this run meets the target."""
        value = numbers.get(self.key)
        if not self.target or not isinstance(value, float | int):
            return ""
        met = (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)
        return "met" if met else "NOT met"


CLAIMS = (
    Claim("pipeline_to_bare_ratio", "pipeline over whole samples: records/s to the bare loop's", at_least=0.7),
    Claim("pipeline_durable_to_bare_ratio", "the same, states written every second", at_least=0.5),
    Claim("vitals_to_bare_ratio", "pipeline over vitals: records/s to the bare loop's over samples", at_least=0.85),
    Claim("vitals_durable_to_bare_ratio", "the same, states written every second", at_least=0.7),
    Claim("faulty_to_bare_ratio", "pipeline over vitals, 5 % of links behind, incidents in 1 %", at_least=0.6),
    Claim("native_to_bare_ratio", "bare loop with librdkafka instead of aiokafka", digits=1),
    Claim("vitals_record_bytes", "bytes of a record, whole samples each 30 s among the vitals", at_most=350, digits=0),
    Claim("stock_faust_to_bare_ratio", "stock Faust that only decodes, to the bare loop"),
    Claim("pipeline_to_stock_faust_ratio", "pipeline to stock Faust", digits=1),
    Claim("latency_p50_to_relay_ratio", "sample to alert at 1000/s: median to the relay's", at_most=1.3),
    Claim("latency_p99_to_relay_ratio", "the same, 99th percentile", at_most=1.8),
    Claim("latency_growth_ms_per_s_5000", "sample to alert at 5000/s: ms by which it grows in a second", at_most=10),
    Claim("ns_per_observation_1k", "judgement: ns per observation, 1k links", digits=0),
    Claim("ns_per_observation_10k", "judgement: ns per observation, 10k links", digits=0),
    Claim("ns_per_observation_100k", "judgement: ns per observation, 100k links", digits=0),
    Claim("growth_1k_to_100k", "judgement: 100k links to 1k", at_most=1.5),
    Claim("bytes_per_link", "judgement: bytes per link after 300 samples of each node", at_most=8000, digits=0),
    Claim("rss_per_link_restarted", "the same as resident memory after a restart", at_most=8000, digits=0),
    Claim("state_bytes_per_link", "state in Kafka: bytes per link", digits=0),
    Claim("recovery_10k_s", "recovery of 10k links, from the start of the process: seconds", at_most=10, digits=1),
    Claim("recovery_100k_s", "recovery of 100k links: seconds", digits=1),
    Claim("kafka_gb_per_month", "1,000 links for a month, vitals: GB written to the samples topic", digits=0),
    Claim("cpu_hours_per_month", "1,000 links for a month, vitals: CPU hours of the stream processor", digits=1),
    Claim("audit_pair_s", "audit of a pair of servers, from the start of the command: seconds", at_most=2),
    Claim("audit_500_s", "audit of 500 recorded nodes: seconds", at_most=5),
    Claim("verify_digest_to_count_ratio", "verify: CPU of a digest to count(*) of the same 10 million rows", at_most=7),
    Claim("verify_to_dump_ratio", "verify: CPU in all to that of pg_dump with sha256sum, both sides", at_most=0.5),
    Claim("verify_rows_per_s", "verify: rows/s, both sides", digits=0),
    Claim("verify_resident_mib", "verify: resident MiB", at_most=100, digits=0),
    Claim("verify_soak_transactions", "verify under traffic: transactions meanwhile", digits=0),
    Claim("verify_soak_rows", "the same: rows compared", digits=0),
    Claim("verify_soak_transient_chunks", "the same: chunks that differed at first", digits=0),
    Claim("verify_soak_false_differences", "the same: rows that were wrongly called different", at_most=0, digits=0),
    Claim("verify_soak_undecided_chunks", "the same: chunks that stayed undecided", digits=0),
    Claim("verify_planted", "rows that were made to differ under the same traffic", digits=0),
    Claim("verify_planted_found", "of these found by key", digits=0),
    Claim("console_page_p95_ms", "console, 10,000 links: ms of the first page, 95th percentile", at_most=300, digits=0),
    Claim("console_update_p95_ms", "the same: ms from a record to the screen, 95th percentile", at_most=1000, digits=0),
    Claim("console_page_bytes", "the same: bytes of the first page", at_most=100_000, digits=0),
    Claim("console_ready_s", "the same: seconds from the start until it is current", digits=1),
    Claim("agent_cpu_to_exporter_ratio", "agent: CPU to the exporter's", at_most=0.25),
    Claim("agent_db_cpu_to_exporter_ratio", "agent: CPU of the database to the exporter's"),
    Claim("agent_vitals_db_cpu_to_exporter_ratio", "the same, vitals", at_most=0.1, digits=3),
    Claim("agent_rss_mb", "agent of one server: resident MiB", digits=1),
    Claim("agent_small_rss_mb", "the same, vitals, system libpq", at_most=45, digits=1),
    Claim("agent_many_rss_mb", "agent of twenty servers: resident MiB a server", at_most=3, digits=1),
    Claim("agent_rss_to_exporter_ratio", "agent of one server: resident memory to the exporter's"),
    Claim("agent_db_ms_per_sample", "agent: ms from question to answer"),
)

WAYS = {
    "relay": "bare relay",
    "latency": "pipeline, alert in a cluster of one node",
    "latency_ordered": "pipeline, alert in a cluster of three nodes",
}
RATES = {1000: "", 5000: "_5000"}
PERCENTILES = {50: "median", 99: "99th percentile"}
"""The latencies, as in ``relay_p50_ms`` and ``relay_p50_ms_5000``."""

PROCESSES = {
    "agent": "leadline agent",
    "agent_vitals": "the same, vitals",
    "agent_small": "the same, system libpq",
    "agent_many": "of twenty servers, vitals: each",
    "exporter": "exporter, default collectors",
    "exporter_reduced": "exporter, reduced collectors",
}
FOOTPRINT = {
    "rss_mb": "resident MiB",
    "private_mb": "private MiB",
    "cpu_s_per_100": "CPU s per 100 looks",
    "db_cpu_s_per_100": "database's CPU s per 100 looks",
}
"""The numbers of each process, as in ``agent_rss_mb``."""


SITUATIONS = {
    "paused": "somebody pauses replay",
    "cut": "the stream is cut",
    "idle": "nothing, and nothing is written for 4 min",
}
"""The faults that are compared, as in ``paused_leadline_page_s``; None where no page was sent."""
WATCHERS = {"leadline": "Leadline", "prometheus": "Prometheus and Alertmanager"}


JUDGES = {
    "leadline": "Leadline's stream processor, a look at each server every second",
    "prometheus": "Prometheus, a scrape of each server every 15 s",
}
COST = {"cpu_s_per_min": "CPU s in a minute", "rss_mb": "resident MiB"}
"""The cost of judging 1,000 links, as in ``fleet_leadline_rss_mb``."""


def terminal(numbers: Numbers) -> Iterator[str]:
    """The table's lines."""
    width = max(len(claim.what) for claim in CLAIMS)
    for claim in CLAIMS:
        line = f"{claim.what:<{width}}  {claim.measured(numbers):>12}  {claim.target:<13}  {claim.verdict(numbers)}"
        yield line.rstrip()


def written(page: str, numbers: Numbers) -> str:
    """The page with this run between its marks. Raises ValueError when it has none."""
    return between(page, BEGIN, END, _table(numbers))


def _table(numbers: Numbers) -> Iterator[str]:
    where = [str(numbers[key]) for key in ("machine", "python", "postgres", "exporter") if key in numbers]
    rough = " A quick run: the numbers are rough." if numbers.get("quick") else ""
    yield f"Measured on {numbers['measured_on']}; {', '.join(where)}.{rough}"
    yield ""
    yield "| number | measured | target | |"
    yield "|---|---:|---|---|"
    for claim in CLAIMS:
        verdict = claim.verdict(numbers).replace("NOT met", "**not met**")
        yield f"| {claim.what} | {claim.measured(numbers)} | {claim.target} | {verdict} |"
    yield ""
    yield f"| ms on the way | {' | '.join(f'{rate}/s: {name}' for rate in RATES for name in PERCENTILES.values())} |"
    yield f"|---|{'---:|' * len(RATES) * len(PERCENTILES)}"
    for way, title in WAYS.items():
        keys = (f"{way}_p{percent}_ms{suffix}" for suffix in RATES.values() for percent in PERCENTILES)
        yield f"| {title} | {' | '.join(Claim(key, '', digits=1).measured(numbers) for key in keys)} |"
    yield ""
    yield f"| process | {' | '.join(FOOTPRINT.values())} |"
    yield f"|---|{'---:|' * len(FOOTPRINT)}"
    for name, title in PROCESSES.items():
        cells = (Claim(f"{name}_{key}", "").measured(numbers) for key in FOOTPRINT)
        yield f"| {title} | {' | '.join(cells)} |"
    yield ""
    yield f"| 1,000 links, 1,500 servers | {' | '.join(COST.values())} |"
    yield f"|---|{'---:|' * len(COST)}"
    for name, title in JUDGES.items():
        cells = (Claim(f"fleet_{name}_{key}", "", digits=1).measured(numbers) for key in COST)
        yield f"| {title} | {' | '.join(cells)} |"
    yield ""
    yield f"| what happens | {' | '.join(f'{title}: first message after' for title in WATCHERS.values())} |"
    yield f"|---|{'---:|' * len(WATCHERS)}"
    for situation, words in SITUATIONS.items():
        cells = (_paged(numbers, f"{situation}_{name}_page_s") for name in WATCHERS)
        yield f"| {words} | {' | '.join(cells)} |"


def _paged(numbers: Numbers, key: str) -> str:
    if key not in numbers:
        return "not measured"
    seconds = numbers[key]
    return "no message" if seconds is None else f"{seconds:.0f} s"
