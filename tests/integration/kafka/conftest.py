"""One broker with logins and rights, and settings of the roles on it."""

import json
import os
import shlex
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AclBinding

from leadline.settings.common import KafkaSettings
from leadline.settings.load import load
from leadline.settings.sink import SinkSettings
from tests.fixtures.secure_kafka import PASSWORD, SecureKafka, binding
from tests.fixtures.token_endpoint import SECRET, TokenEndpoint

ROLES = ("agent", "stream", "sink", "verify", "people")
USERS = (*ROLES, "console")
SHIPPED = Path(__file__).parents[3] / "deploy/kafka/acls.sh"
Settings = dict[str, str]


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """The broker. Each role is a user of it."""
    with SecureKafka(tmp_path_factory.mktemp("secure"), [f"leadline-{role}" for role in USERS]) as broker:
        yield broker


@pytest.fixture
def endpoint(secure: SecureKafka) -> Iterator[TokenEndpoint]:
    """Gives tokens that the broker accepts."""
    with TokenEndpoint(secure.authority.certificate("login", "127.0.0.1"), secure.token) as endpoint:
        yield endpoint


class Ways:
    """The group ``kafka`` of the settings, for each way in."""

    def __init__(self, secure: SecureKafka, endpoint: TokenEndpoint, folder: Path) -> None:
        self.secure, self.endpoint, self.folder = secure, endpoint, folder

    def tls(self) -> Settings:
        """Encrypted, without a login."""
        return self._at("TLS", "SSL")

    def mutual(self, role: str, password: str = "") -> Settings:
        """With a certificate of the client."""
        certificate, key = self.secure.authority.certificate(f"leadline-{role}", password=password)
        files = {"ssl.certificate.location": str(certificate), "ssl.key.location": str(key)}
        return self._at("MUTUAL", "SSL") | files | ({"ssl.key.password": password} if password else {})

    def password(self, role: str, mechanism: str) -> Settings:
        """With a user name and a password."""
        login = {"sasl.username": f"leadline-{role}", "sasl.password": PASSWORD}
        return self._at("BOTH", "SASL_SSL") | login | {"sasl.mechanism": mechanism}

    def token(self, role: str, **claims: Any) -> Settings:
        """With a token in a file."""
        file = self.folder / f"{role}.token"
        file.write_text(self.secure.token(f"leadline-{role}", **claims) + "\n")
        return self._at("BOTH", "SASL_SSL") | {
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.oauthbearer.token_file": str(file),
        }

    def client(self, role: str) -> Settings:
        """With the credentials of a client at a token endpoint."""
        return self._at("BOTH", "SASL_SSL") | {
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.oauthbearer.token.endpoint.url": self.endpoint.url,
            "sasl.oauthbearer.client.id": f"leadline-{role}",
            "sasl.oauthbearer.client.secret": SECRET,
            "sasl.oauthbearer.scope": "kafka",
            "https.ca.location": str(self.secure.authority.ca),
        }

    def changed(self, way: "Callable[[Ways], Settings]") -> KafkaSettings:
        """The settings as a process reads them."""
        return loaded(way(self), self.folder)

    def _at(self, door: str, protocol: str) -> Settings:
        return {
            "bootstrap": self.secure.at(door),
            "security.protocol": protocol,
            "ssl.ca.location": str(self.secure.authority.ca),
        }


@pytest.fixture
def ways(secure: SecureKafka, endpoint: TokenEndpoint, tmp_path: Path) -> Ways:
    return Ways(secure, endpoint, tmp_path)


def loaded(settings: Settings, folder: Path) -> KafkaSettings:
    """The settings as a process reads them."""
    file = folder / "loaded.yaml"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"kafka": settings}))  # JSON is YAML
    return load(SinkSettings, file, {}).settings.kafka


def shipped(prefix: str, **options: str) -> dict[str, list[AclBinding]]:
    """The rights that ``acls.sh`` prints with these variables set, by role."""
    environment = {"PATH": os.environ["PATH"], "PREFIX": prefix} | options
    printed = subprocess.run([SHIPPED, "kafka:9092"], capture_output=True, text=True, check=True, env=environment)
    found: dict[str, list[AclBinding]] = defaultdict(list)
    for line in printed.stdout.splitlines():
        words = shlex.split(line)[4:]  # after the program, its server and --add
        given: dict[str, list[str]] = defaultdict(list)
        for name, value in zip(words[::2], words[1::2], strict=True):
            given[name].append(value)
        (who,), (what,) = given["--allow-principal"], given["--operation"]
        (pattern,) = given.get("--resource-pattern-type", ["literal"])
        for kind in ("topic", "group", "transactional-id"):
            names = given.get(f"--{kind}", [])
            found[who.removeprefix("User:leadline-")] += [binding(who, what, kind, name, pattern) for name in names]
    return found
