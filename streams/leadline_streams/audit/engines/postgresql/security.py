"""Rules about who may replicate, and who can read what is replicated."""

from collections.abc import Iterator

from leadline.model.audit_look import HbaLine
from leadline_streams.audit.engines.postgresql.common import DOCS, say, set_to
from leadline_streams.audit.node import AuditedNode
from leadline_streams.audit.rule import Violation, audit_rule
from leadline_streams.engines.postgresql.identity import is_local

DAY_S = 86400.0
SOON_S = 30 * DAY_S
_HBA = f"{DOCS}auth-pg-hba-conf.html"


def from_the_network(line: HbaLine) -> bool:
    """Whether a line of pg_hba.conf is about other machines."""
    return line.kind.startswith("host") and line.address != "samehost" and not is_local(line.address or "")


@audit_rule(
    "PG-SEC-001",
    "A superuser replicates",
    "node",
    "info",
    reads=("pg_stat_replication.usename", "pg_roles.rolsuper"),
    condition="a standby or subscriber is connected as a superuser",
    why="Its password lies on the other server. Who reads it there may do everything here.",
    reference=f"{DOCS}warm-standby.html#STREAMING-REPLICATION-AUTHENTICATION",
)
def as_superuser(node: AuditedNode) -> Iterator[Violation]:
    """One finding for each role. The plain way of setting up a standby, so it is only mentioned."""
    senders = node.group("senders", node.look.senders)
    for role in sorted({each.user for each in senders if each.superuser}):
        names = ", ".join(sorted(each.name for each in senders if each.user == role)[:3])
        yield Violation(
            f"{names} replicates from {node.name} as the superuser {role}",
            steps=(
                say(
                    node.name,
                    "Create a role with LOGIN and REPLICATION and no other right, and allow it in pg_hba.conf",
                    "safe",
                ),
                say(node.name, "Then name it in primary_conninfo, or in the subscription's connection string"),
            ),
            name=role,
        )


@audit_rule(
    "PG-SEC-002",
    "Passwords are stored as MD5",
    "node",
    "info",
    reads=("password_encryption",),
    condition="`password_encryption` is md5",
    why="MD5 can be searched for the password, and its hash alone suffices to log in. PostgreSQL will not support it "
    "for ever.",
    effect="reload",
    reference=f"{DOCS}auth-password.html",
)
def md5(node: AuditedNode) -> Iterator[Violation]:
    """The default before 14."""
    if node.text("password_encryption") in ("md5", "on"):
        yield Violation(
            f"new passwords on {node.name} are stored as MD5",
            node.evidence("password_encryption"),
            (
                *set_to(node, "password_encryption", "scram-sha-256"),
                say(node.name, "Then set each password again; clients must support SCRAM"),
            ),
        )


@audit_rule(
    "PG-SEC-003",
    "Anybody on the network may copy the data",
    "node",
    "critical",
    reads=("pg_hba_file_rules",),
    condition="pg_hba.conf allows replication over the network with the method trust",
    why="Whoever reaches the port gets a complete copy, without a password.",
    effect="reload",
    reference=_HBA,
)
def trusted(node: AuditedNode) -> Iterator[Violation]:
    """``all`` in the column of databases does not match replication. A client certificate that is verified will do."""
    for line in node.group("hba", node.look.hba):
        certified = any(option.startswith("clientcert=verify") for option in line.options)
        if from_the_network(line) and line.method == "trust" and "replication" in line.databases and not certified:
            yield Violation(
                f"line {line.line} of pg_hba.conf on {node.name} lets {line.address} replicate without a password",
                steps=(
                    say(
                        node.name,
                        f"In line {line.line} of pg_hba.conf write scram-sha-256 for trust, see that standbys "
                        "have a password, and reload",
                    ),
                ),
                name=f"line {line.line}",
            )


@audit_rule(
    "PG-SEC-004",
    "The password of replication expires",
    "node",
    "warning",
    reads=("pg_roles.rolvaliduntil", "pg_stat_replication.usename"),
    condition="the password of a role that replicates expires in less than 30 days, or has expired",
    why="The connection that is open goes on. The next one, after a restart or a failover, is refused.",
    reference=f"{DOCS}sql-alterrole.html",
)
def expires(node: AuditedNode) -> Iterator[Violation]:
    """Of roles that are connected: others may be meant to end."""
    users = {each.user for each in node.group("senders", node.look.senders)}
    for role in node.group("roles", node.look.roles):
        if role.name in users and role.expires_s is not None and role.expires_s < SOON_S:
            when = "has expired" if role.expires_s <= 0 else f"expires in {role.expires_s / DAY_S:.0f} days"
            yield Violation(
                f"the password of {role.name}, which replicates from {node.name}, {when}",
                steps=(
                    say(
                        node.name, f"ALTER ROLE {role.name} VALID UNTIL ..., and set the new password where it is used"
                    ),
                ),
                name=role.name,
            )


@audit_rule(
    "PG-SEC-005",
    "Data is replicated in clear over the network",
    "node",
    "info",
    reads=("pg_stat_ssl", "pg_stat_replication.client_addr"),
    condition="a sender's connection to another address is not encrypted",
    why="Everybody on the way reads every row. In a network of one's own that may be accepted.",
    reference=f"{DOCS}ssl-tcp.html",
)
def in_clear(node: AuditedNode) -> Iterator[Violation]:
    """One finding for each server. A VPN below is not seen, so it is only mentioned."""
    senders = node.group("senders", node.look.senders)
    names = sorted(
        each.name for each in senders if each.encrypted is False and each.address and not is_local(each.address)
    )
    if names:
        yield Violation(
            f"{node.name} sends to {', '.join(names[:3])} without encryption",
            node.evidence("ssl"),
            (
                say(
                    node.name,
                    "Set ssl to on with a certificate, then sslmode=verify-full with sslrootcert at the other end",
                ),
            ),
        )


@audit_rule(
    "PG-SEC-006",
    "Leadline reads a server as a superuser",
    "node",
    "info",
    reads=("is_superuser",),
    condition="the role of the connection string is a superuser",
    why="pg_monitor is enough. A superuser's password in one more place is a risk without a use.",
    reference=f"{DOCS}predefined-roles.html",
)
def reads_as_superuser(node: AuditedNode) -> Iterator[Violation]:
    """Of this look."""
    if node.look.superuser:
        yield Violation(
            f"{node.name} is read as the superuser {node.look.login}",
            steps=(
                say(
                    node.name,
                    "CREATE ROLE leadline LOGIN PASSWORD '...' IN ROLE pg_monitor, and name it instead",
                    "safe",
                ),
            ),
        )


@audit_rule(
    "PG-SEC-007",
    "pg_hba.conf has errors",
    "node",
    "warning",
    reads=("pg_hba_file_rules.error",),
    condition="a line of pg_hba.conf is not accepted",
    why="The server goes on with the rules that it had. The change that somebody made has no effect, and the next "
    "start fails.",
    effect="reload",
    reference=_HBA,
)
def hba_errors(node: AuditedNode) -> Iterator[Violation]:
    """One finding for each line."""
    for line in node.group("hba", node.look.hba):
        if line.error:
            yield Violation(
                f"line {line.line} of pg_hba.conf on {node.name}: {line.error}",
                steps=(say(node.name, f"Correct line {line.line} of pg_hba.conf, and reload", "safe"),),
                name=f"line {line.line}",
            )


@audit_rule(
    "PG-SEC-008",
    "Old versions of TLS are accepted",
    "node",
    "info",
    reads=("ssl_min_protocol_version", "ssl"),
    condition="`ssl` is on and `ssl_min_protocol_version` is under TLSv1.2",
    why="They are broken; by default the server refuses them.",
    effect="reload",
    reference=f"{DOCS}runtime-config-connection.html#GUC-SSL-MIN-PROTOCOL-VERSION",
)
def old_tls(node: AuditedNode) -> Iterator[Violation]:
    """The default is TLSv1.2 since 13."""
    if node.on("ssl") and node.text("ssl_min_protocol_version") in ("", "TLSv1", "TLSv1.1"):
        yield Violation(
            f"{node.name} accepts TLS from {node.shown('ssl_min_protocol_version')} on",
            node.evidence("ssl_min_protocol_version"),
            set_to(node, "ssl_min_protocol_version", "TLSv1.2"),
        )
