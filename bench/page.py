"""Claims with their targets, and two tables that show whether they are met: for a terminal and for the page."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from bench.marks import between

BEGIN = "<!-- begin: python -m bench --page -->"
END = "<!-- end -->"

Numbers = Mapping[str, float | str | bool | None]
"""One run, flat: the claims' keys, the processes', and ``measured_on``, ``machine``, ``python`` and the like."""
MEASURED_ON, QUICK = "measured_on", "quick"
SURROUNDINGS = ("machine", "python", "postgres", "exporter")


class Figure(NamedTuple):
    """The last measurement of a number, and its day."""

    value: float | str | bool | None
    on: str
    quick: bool = False
    """Of a quick run, which is rough."""


Figures = Mapping[str, Figure]
"""The last figure of every key; runs measure parts of them."""


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
    Claim("native_cpu_to_bare_ratio", "bare loop with librdkafka instead of aiokafka: CPU to the bare loop's"),
    Claim("compiled_cpu_to_bare_ratio", "compiled reader that decodes nothing: CPU to the bare loop's"),
    Claim("vitals_record_bytes", "bytes of a record, whole samples each 30 s among the vitals", at_most=350, digits=0),
    Claim("stock_faust_to_bare_ratio", "stock Faust that only decodes, to the bare loop"),
    Claim("pipeline_to_stock_faust_ratio", "pipeline to stock Faust", digits=1),
    Claim("latency_p50_to_relay_ratio", "sample to alert at 1000/s: median to the relay's", at_most=1.3),
    Claim("latency_p99_to_relay_ratio", "the same, 99th percentile", at_most=1.8),
    Claim("latency_p99_to_relay_ratio_5000", "at 5000/s: 99th percentile to the relay's", at_most=4.0),
    Claim("latency_growth_ms_per_s_5000", "sample to alert at 5000/s: ms by which it grows in a second", at_most=10),
    Claim("ns_per_observation_1k", "judgement: ns of CPU per observation, 1k links", digits=0),
    Claim("ns_per_observation_10k", "the same, 10k links", digits=0),
    Claim("ns_per_observation_100k", "the same, 100k links", digits=0),
    Claim("growth_1k_to_100k", "judgement: 100k links to 1k", at_most=1.5),
    Claim("bytes_per_link", "judgement: bytes per link after 300 samples of each node", at_most=8000, digits=0),
    Claim("rss_per_link_restarted", "the same as resident memory after a restart", at_most=8000, digits=0),
    Claim("state_bytes_per_link", "state in Kafka: bytes per link", digits=0),
    Claim("recovery_10k_s", "recovery of 10k links, from the start of the process: seconds", at_most=10, digits=1),
    Claim("recovery_10k_cpu_s", "the same: seconds of CPU", digits=1),
    Claim("recovery_100k_s", "recovery of 100k links: seconds", digits=1),
    Claim("recovery_100k_cpu_s", "the same: seconds of CPU", digits=1),
    Claim("month_cpu_hours", "1,000 links for a month: CPU hours of the stream processor", digits=0),
    Claim("month_all_gb", "the same: GB written to all topics", digits=0),
    Claim("month_samples_gb", "of these, samples and ticks", digits=0),
    Claim("month_state_gb", "states", digits=0),
    Claim("month_lag_gb", "roll-ups of lag", digits=0),
    Claim("month_status_gb", "status, of a fleet in which nothing changes", digits=2),
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


def merged(figures: Figures, run: Numbers) -> dict[str, Figure]:
    """The figures after a run: what it did not measure stays as it was."""
    day, quick = str(run[MEASURED_ON]), bool(run.get(QUICK))
    found = {key: Figure(value, day, quick) for key, value in run.items() if key not in {MEASURED_ON, QUICK}}
    return {**figures, **found}


def written(page: str, figures: Figures) -> str:
    """The page with these figures between its marks. Raises ValueError when it has none."""
    return between(page, BEGIN, END, _table(figures))


def _table(figures: Figures) -> Iterator[str]:
    numbers = {key: figure.value for key, figure in figures.items()}
    yield f"Measured with {', '.join(str(numbers[key]) for key in SURROUNDINGS if key in numbers)}."
    yield ""
    yield "| number | measured | on | target | |"
    yield "|---|---:|---|---|---|"
    for claim in CLAIMS:
        verdict = claim.verdict(numbers).replace("NOT met", "**not met**")
        day = _day(figures, [claim.key])
        yield f"| {claim.what} | {claim.measured(numbers)} | {day} | {claim.target} | {verdict} |"
    yield ""
    columns = [f"{rate}/s: {name}" for rate in RATES for name in PERCENTILES.values()]
    endings = [f"_p{percent}_ms{suffix}" for suffix in RATES.values() for percent in PERCENTILES]
    yield from _rows(figures, "ms on the way", columns, WAYS, endings, digits=1)
    yield ""
    endings = [f"_{key}" for key in FOOTPRINT]
    yield from _rows(figures, "process", FOOTPRINT.values(), PROCESSES, endings)
    yield ""
    endings = [f"_{key}" for key in COST]
    judges = {f"fleet_{name}": title for name, title in JUDGES.items()}
    yield from _rows(figures, "1,000 links, 1,500 servers", COST.values(), judges, endings, digits=1)
    yield ""
    yield f"| what happens | {' | '.join(f'{title}: first message after' for title in WATCHERS.values())} | on |"
    yield f"|---|{'---:|' * len(WATCHERS)}---|"
    for situation, words in SITUATIONS.items():
        keys = [f"{situation}_{name}_page_s" for name in WATCHERS]
        yield f"| {words} | {' | '.join(_paged(numbers, key) for key in keys)} | {_day(figures, keys)} |"


def _rows(
    figures: Figures, head: str, columns: Iterable[str], titles: Mapping[str, str], endings: list[str], digits: int = 2
) -> Iterator[str]:
    """A table with a row for each title, whose cells are the figures of its name with each ending."""
    numbers = {key: figure.value for key, figure in figures.items()}
    yield f"| {head} | {' | '.join(columns)} | on |"
    yield f"|---|{'---:|' * len(endings)}---|"
    for name, title in titles.items():
        keys = [name + ending for ending in endings]
        cells = (Claim(key, "", digits=digits).measured(numbers) for key in keys)
        yield f"| {title} | {' | '.join(cells)} | {_day(figures, keys)} |"


def _day(figures: Figures, keys: list[str]) -> str:
    """The day of the oldest of these figures; empty without any."""
    found = [figures[key] for key in keys if key in figures]
    rough = " (rough)" if any(figure.quick for figure in found) else ""
    return min((figure.on for figure in found), default="") + rough


def _paged(numbers: Numbers, key: str) -> str:
    if key not in numbers:
        return "not measured"
    seconds = numbers[key]
    return "no message" if seconds is None else f"{seconds:.0f} s"
