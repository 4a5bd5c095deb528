"""``standby_data_damaged``: a physical standby has replayed the WAL and holds other rows all the same."""

from collections.abc import Iterator

from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.divergence import Divergence, divergences
from leadline_streams.engines.postgresql.statements import show_settings
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

UNSAFE = {
    "full_page_writes": "off",
    "fsync": "off",
    "ignore_checksum_failure": "on",
    "zero_damaged_pages": "on",
    "data_checksums": "off",
}
"""Settings under which files get damaged, or damage is not noticed."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """WAL carries whole pages, so rows of a standby differ only where its files do; why is a guess."""
    for found in divergences(context):
        if found.is_logical:
            continue
        unsafe = list(_unsafe(context, found))
        name = found.downstream
        yield Claim(
            subject=found.about,
            confidence=0.9,
            title=f"the files of {name} are not those of {found.upstream}",
            summary=f"{found.words}: {name} has replayed the WAL of {found.upstream} and holds other rows, so its data "
            "files differ: damaged, or copied wrongly when it was built",
            steps=[
                found.compare,
                show_settings(found.about.downstream or found.about.id, *UNSAFE),  # type: ignore[arg-type]
                Step(
                    risk="look",
                    node=found.about.downstream,
                    text="Read its server log for checksum failures, and the host's for errors of the disk; ask how "
                    "the standby was built",
                ),
                Step(
                    risk="careful",
                    node=found.about.downstream,
                    text=f"Send queries elsewhere, and take {name} out of the candidates for a failover until it is "
                    "known what is wrong. Its rows cannot be repaired one by one: plan another standby beside it",
                ),
            ],
            evidence_for=[*found.evidence, *unsafe],
            not_seen=[
                fact("origin of the damage", "not seen", name, "pg_checksums --check on a stopped copy shows it")
            ],
        )


def _unsafe(context: DiagnosisContext, found: Divergence) -> Iterator[Evidence]:
    for node in (found.down, found.up):
        for setting, value in UNSAFE.items():
            if node is not None and context.setting(node, setting) == value:
                yield fact(setting, value, node.name, "damage comes about, or is not noticed")


CAUSE = CauseRule(
    code="standby_data_damaged",
    find=find,
)
