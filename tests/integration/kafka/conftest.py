"""One broker with logins and rights, and settings of the four roles on it."""

import os
import shlex
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AclBinding

from tests.fixtures.secure_kafka import PASSWORD, SecureKafka, binding

ROLES = ("agent", "stream", "sink", "people")
SHIPPED = Path(__file__).parents[3] / "deploy/kafka/acls.sh"
Settings = dict[str, str]
SettingsOf = Callable[[str], Settings]


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """The broker. Each role is a user of it."""
    with SecureKafka(tmp_path_factory.mktemp("secure"), [f"leadline-{role}" for role in ROLES]) as broker:
        yield broker


@pytest.fixture
def of(secure: SecureKafka, prefix: str) -> SettingsOf:
    """The group ``kafka`` of the settings of a role."""

    def settings(role: str) -> Settings:
        return {
            "bootstrap": secure.at("BOTH"),
            "topic_prefix": prefix,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(secure.authority.ca),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": f"leadline-{role}",
            "sasl.password": PASSWORD,
        }

    return settings


def shipped(prefix: str) -> dict[str, list[AclBinding]]:
    """The rights that ``acls.sh`` prints, by role."""
    environment = {"PATH": os.environ["PATH"], "PREFIX": prefix}
    printed = subprocess.run([SHIPPED, "kafka:9092"], capture_output=True, text=True, check=True, env=environment)
    found: dict[str, list[AclBinding]] = defaultdict(list)
    for line in printed.stdout.splitlines():
        words = shlex.split(line)[4:]  # after the program, its server and --add
        given: dict[str, list[str]] = defaultdict(list)
        for name, value in zip(words[::2], words[1::2], strict=True):
            given[name].append(value)
        (who,), (what,) = given["--allow-principal"], given["--operation"]
        (pattern,) = given.get("--resource-pattern-type", ["literal"])
        for kind in ("topic", "group"):
            names = given.get(f"--{kind}", [])
            found[who.removeprefix("User:leadline-")] += [binding(who, what, kind, name, pattern) for name in names]
    return found
