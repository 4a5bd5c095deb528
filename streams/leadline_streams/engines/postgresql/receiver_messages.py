"""Messages of a WAL receiver that could not connect, and their meaning where they do not say it themselves."""

from leadline.model.incident import Step
from leadline.model.server_log import LogLine
from leadline_streams.judge.diagnosis.context import AffectedLink

ANSWERED = "FATAL"
"""In a message of a receiver: what answered at the address refused it."""
CERTIFICATE = "certificate"
MEANINGS = (
    ("unsupported startup parameter", "a connection pooler answers there, and passes no replication on"),
    ("invalid response to SSL negotiation", "something else than PostgreSQL answers there"),
    ("certificate verify failed", "the certificate of the server has expired, or its authority is not trusted"),
    ("certificate expired", "the server refuses the certificate of the standby, which has expired"),
)
"""By a part of the message, which libpq writes in English."""


def meaning(line: LogLine) -> str:
    """The meaning of a message that does not say it itself."""
    return next((f" ({means})" for text, means in MEANINGS if text in line.message), "")


def see_certificate(affected: AffectedLink, own: LogLine | None) -> list[Step]:
    """See the certificate of the upstream, where the receiver does not accept one."""
    if own is None or CERTIFICATE not in own.message:
        return []
    assert affected.sample is not None
    assert affected.sample.upstream is not None
    to = f"{affected.sample.upstream.host}:{affected.sample.upstream.port}"
    text = (
        "See until when the certificate is valid, and for which names: openssl s_client -starttls postgres -connect "
        f"{to} </dev/null | openssl x509 -noout -subject -issuer -dates. An open connection does not end with its "
        "certificate; one that is renewed holds for new ones after a reload"
    )
    return [Step(risk="look", node=affected.link.downstream, text=text)]
