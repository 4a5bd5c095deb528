"""``leadline topics``."""

import asyncio
from pathlib import Path

import click

from leadline.errors import ProblemFound
from leadline.settings.stream import StreamSettings
from leadline.topics import PARTITIONS, REPLICAS, create, describe
from leadline_cli.options import config_option, format_option, settings
from leadline_cli.output import emit, table


@click.group()
def command() -> None:
    """Create the topics in Kafka, and check their configuration.

    \b
    Example:
      leadline topics describe -c stream.yaml
    """


@command.command("create")
@config_option
@click.option(
    "--partitions",
    type=click.IntRange(1, 10_000),
    metavar="N",
    default=PARTITIONS,
    show_default=True,
    help="Partitions of each topic: the most stream workers that can share the work. Cannot be changed later.",
)
@click.option(
    "--replicas",
    type=click.IntRange(1, 100),
    metavar="N",
    help=f"Replicas of each partition; by default {REPLICAS}, or one per broker if there are fewer brokers.",
)
@format_option
def create_(config: Path | None, partitions: int, replicas: int | None, form: str) -> None:
    """Create missing topics. Existing topics are not changed.

    \b
    Example:
      leadline topics create -c stream.yaml
    """
    kafka = settings(StreamSettings, config).kafka
    made = asyncio.run(create(kafka, partitions, replicas))
    for name in made:
        emit({"topic": name, "created": True}) if form == "json" else click.echo(f"created {name}")
    if not made and form == "text":
        click.echo("all topics exist")


@command.command("describe")
@config_option
@format_option
def describe_(config: Path | None, form: str) -> None:
    """Compare the topics in Kafka with what is expected. Exit code 1 when they differ.

    \b
    Example:
      leadline topics describe -c stream.yaml
    """
    found = asyncio.run(describe(settings(StreamSettings, config).kafka))
    if form == "json":
        for topic in found:
            fields = {"partitions": topic.partitions, "replicas": topic.replicas, "config": topic.config}
            emit({"topic": topic.name} | fields | {"wrong": topic.wrong})
    else:
        rows = [
            (
                topic.name,
                str(topic.partitions),
                str(topic.replicas),
                " ".join(f"{name}={value}" for name, value in topic.config.items()),
                "; ".join(topic.wrong) or "ok",
            )
            for topic in found
        ]
        table(("topic", "partitions", "replicas", "configuration", "state"), rows)
    if any(topic.wrong for topic in found):
        raise ProblemFound("some topics differ from what is expected; see above")
