"""Settings of the files that analytics read."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from leadline.settings.declare import SettingPath, Settings
from leadline.topic_specs import TOPICS

READABLE = tuple(name for name, spec in TOPICS.items() if spec.codec is not None)
"""Topics whose values have public types."""
BY_DEFAULT = tuple(name for name in READABLE if name != "samples")


class ParquetSettings(Settings, frozen=True, kw_only=True):
    """The records of topics as Parquet files, for analytics. It needs the extra `parquet` of the package."""

    directory: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description="Folder of the files, which one process writes. Where to go on is in the files: remove old "
                "ones as you like, but never the newest of a partition.",
                examples=["/var/lib/leadline/parquet"],
            ),
        ]
        | None
    ) = None
    topics: Annotated[
        list[str],
        Meta(
            description="Topics without their prefix. Empty: all with public types but `samples`, which are many.",
            examples=[["lag", "alerts", "incidents"]],
        ),
    ] = []
    every_s: Annotated[
        float, Meta(ge=1, le=86400, description="Seconds of records, by the time of Kafka, in one file at most.")
    ] = 3600.0

    @property
    def wanted(self) -> bool:
        """Whether a folder is set."""
        return self.directory is not None

    @property
    def chosen(self) -> tuple[str, ...]:
        """The topics that are read."""
        return tuple(dict.fromkeys(self.topics)) or BY_DEFAULT

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The topics exist."""
        for index, name in enumerate(self.topics):
            if name not in READABLE:
                yield ("topics", index), f"no topic with public types is named {name!r}; use {', '.join(READABLE)}"
