"""Values to bytes and back: topics, keys, headers, typed decoding with precise errors and a size limit.

CloudEvents 1.0 in Kafka binary mode: the value is JSON, the attributes are ``ce_*`` headers. Vitals are no events of
that kind: they have no headers.
"""

import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

import msgspec
import orjson

from leadline import interned_decode
from leadline.errors import BadRecord
from leadline.model.action import Action
from leadline.model.alert import Transition
from leadline.model.audit_look import AuditLook
from leadline.model.audit_result import AuditResult
from leadline.model.change_record import ChangeRecord
from leadline.model.delivery import Delivery
from leadline.model.finding import Described, EngineVitals, FindingReport, Observation
from leadline.model.ids import node_id
from leadline.model.incident import Incident
from leadline.model.lag import LagRollup
from leadline.model.observation import NodeSettings, Sample, Tick
from leadline.model.retirement import Retirement
from leadline.model.silence import Silence
from leadline.model.status import LinkStatus, NodeStatus, Status
from leadline.model.verification import Verification
from leadline.model.vitals import Vitals

MAX_RECORD_BYTES = 512 * 1024
"""Larger values are refused unread. Kafka's own default limit is 1 MB, of a batch as it is compressed."""
MAX_OBSERVATION_BYTES = 4 * 1024 * 1024
"""The same of an observation: a sample of 5000 slots has about 2 MB, and 200 kB as it is compressed."""

SPOOLED = "leadline-spooled"
"""Name of the last header of a record that waited in an agent's spool."""

T = TypeVar("T")

TOO_LARGE = "too_large"
EMPTY = "empty"
NOT_JSON = "not_json"
INVALID = "invalid"
FUTURE = "future"
UNPROCESSABLE = "unprocessable"
UNSIGNED = "unsigned"
BAD_RECORD_REASONS = {
    TOO_LARGE: "the value is larger than the size limit",
    EMPTY: "the value is empty",
    NOT_JSON: "the value is not JSON",
    INVALID: "a field is missing or has the wrong type; the detail names its path",
    FUTURE: "dated further in the future than clocks may differ",
    UNPROCESSABLE: "it decoded, but it cannot be judged or recorded",
    UNSIGNED: "it is not signed with the key of its cluster, where the stream has the secret",
}
"""The reasons for which a record goes to the dead letters."""


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as everywhere on the wire. Raises ValueError where there is none."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError(f"has no zone: {moment}")
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            raise ValueError(f"is not in the years 1 to 9999 of UTC: {moment}") from None
    return _timestamp(moment)


@lru_cache(maxsize=256)
def _timestamp(utc: datetime) -> str:
    # Kept because the roll-ups of all links begin and end at the same times.
    return utc.isoformat("T", "milliseconds")[:-6] + "Z"


def encode(value: msgspec.Struct | Mapping[str, Any]) -> bytes:
    """The JSON of a value; times in UTC with milliseconds, NaN and infinity as null, a lone surrogate as ``?``."""
    plain = msgspec.to_builtins(value, builtin_types=(datetime,))
    try:
        return orjson.dumps(plain, default=timestamp, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError:
        # Text that is not Unicode, such as a command line in another encoding.
        text = json.dumps(plain, default=timestamp, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """Names, decodes and describes the values of one topic."""

    name: str
    """The topic without its prefix, and the middle of the CloudEvents type."""
    decoder: msgspec.json.Decoder[Any]
    quick: Callable[[bytes], T] | None = None
    """Returns and raises the same as the decoder, in less time."""
    arrays: msgspec.json.Decoder[Any] | None = None
    """Decodes values that are arrays, on a topic that has them beside objects."""
    only_required: bool = False
    """Whether records have only those attributes that CloudEvents requires: there are very many of them."""
    max_bytes: int = MAX_RECORD_BYTES

    @property
    def ce_type(self) -> str:
        """CloudEvents type."""
        return f"io.leadline.{self.name}.v1"

    @property
    def schema_id(self) -> str:
        """Names the JSON Schema of the value."""
        return f"urn:leadline:schema:{self.name}:v1"

    def decode(self, data: bytes | None) -> T:
        """The typed value. Raises BadRecord whose detail names the path of the first wrong field.

        Each of its times can be written again: ``9999-12-31T23:59:59-23:59`` is refused.
        """
        if not data:
            raise BadRecord(EMPTY, "the record has no value")
        if len(data) > self.max_bytes:
            raise BadRecord(TOO_LARGE, f"{len(data)} bytes, the limit is {self.max_bytes}")
        try:
            value: T
            if data[0] == _ARRAY and self.arrays is not None:
                value = self.arrays.decode(data)
            else:
                value = self.quick(data) if self.quick is not None else self.decoder.decode(data)
        except msgspec.ValidationError as error:
            raise BadRecord(INVALID, str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRecord(NOT_JSON, str(error)) from None
        if any(edge in data for edge in _EDGES):
            try:
                encode(cast(msgspec.Struct, value))
            except ValueError as error:
                raise BadRecord(UNPROCESSABLE, f"a time {error}") from None
        return value

    def headers(self, *, event_id: str, source: str, time: datetime, subject: str) -> list[tuple[str, bytes]]:
        """CloudEvents headers of one record."""
        optional = (
            ("ce_time", timestamp(time).encode()),
            ("ce_subject", _header(subject)),
            ("ce_dataschema", self.schema_id.encode()),
        )
        return [
            ("ce_specversion", b"1.0"),
            ("ce_id", _header(event_id)),
            ("ce_source", _header(source)),
            ("ce_type", self.ce_type.encode()),
            *(() if self.only_required else optional),
            ("content-type", b"application/json"),
        ]


_ARRAY = ord("[")
_EDGES = (b'"0001-', b'"9999-', b"\\u00")
"""A value that has a time of which UTC has no year has one of these, the last where a digit is escaped."""
_VISIBLE = string.ascii_letters + string.digits + string.punctuation


def _header(text: str) -> bytes:
    """Visible ASCII; everything else, line ends and control characters among it, percent-encoded."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text.encode()
    return quote(text, safe=_VISIBLE, errors="backslashreplace").encode()


VITALS: Codec[EngineVitals] = Codec("vitals", msgspec.json.Decoder(EngineVitals), max_bytes=MAX_OBSERVATION_BYTES)
"""They are on the topic of the samples."""
OBSERVATIONS: Codec[Observation] = Codec(
    *("samples", interned_decode.whole, interned_decode.decode, VITALS.decoder),
    only_required=True,
    max_bytes=MAX_OBSERVATION_BYTES,
)
ALERTS: Codec[Transition] = Codec("alerts", msgspec.json.Decoder(Transition))
INCIDENTS: Codec[Incident] = Codec("incidents", msgspec.json.Decoder(Incident))
LAG: Codec[LagRollup] = Codec("lag", msgspec.json.Decoder(LagRollup))
ACTIONS: Codec[Action] = Codec("actions", msgspec.json.Decoder(Action))
SILENCES: Codec[Silence] = Codec("silences", msgspec.json.Decoder(Silence))
DELIVERIES: Codec[Delivery] = Codec("deliveries", msgspec.json.Decoder(Delivery))
STATUS: Codec[Status] = Codec("status", msgspec.json.Decoder(Status))
VERIFICATIONS: Codec[Verification] = Codec("verifications", msgspec.json.Decoder(Verification))
AUDITS: Codec[AuditResult] = Codec("audits", msgspec.json.Decoder(AuditResult))
CHANGES: Codec[ChangeRecord] = Codec("changes", msgspec.json.Decoder(ChangeRecord))
CODECS: dict[str, Codec[Any]] = {
    codec.name: codec
    for codec in (
        *(OBSERVATIONS, ALERTS, INCIDENTS, LAG, STATUS, VERIFICATIONS, AUDITS, CHANGES, ACTIONS),
        *(SILENCES, DELIVERIES),
    )
}

Addressed = (
    Described
    | Transition
    | Incident
    | LagRollup
    | Status
    | Verification
    | AuditResult
    | ChangeRecord
    | Action
    | Silence
    | Delivery
)
"""Every value that has a topic of its own."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record ready to be produced. ``partition`` is set only where the key does not decide it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    partition: int | None = None


def tombstone(codec: Codec[Any], key: str, prefix: str, partition: int | None = None) -> Outgoing:
    """A record that removes what a compacted topic has under a key."""
    return Outgoing(prefix + codec.name, key.encode("utf-8", "backslashreplace"), None, [], partition)


def outgoing_vitals(value: Vitals, cluster: str, prefix: str) -> Outgoing:
    """Address vitals: without headers, which would be longer than their value."""
    return Outgoing(prefix + OBSERVATIONS.name, cluster.encode("utf-8", "backslashreplace"), encode(value), [])


def outgoing(value: Addressed, prefix: str, partition: int | None = None) -> Outgoing:
    """Address a value: its topic, key, bytes and CloudEvents headers."""
    codec, key, event_id, source, time, subject = _address(value)
    headers = codec.headers(event_id=event_id, source=source, time=time, subject=subject)
    return Outgoing(
        prefix + codec.name, key.encode("utf-8", "backslashreplace") if key else None, encode(value), headers, partition
    )


def _address(value: Addressed) -> tuple[Codec[Any], str, str, str, datetime, str]:
    match value:
        case Sample(node=node, seq=seq, sent_at=at) | NodeSettings(node=node, seq=seq, sent_at=at):
            name = node_id(node.cluster, node.name)
            return OBSERVATIONS, node.cluster, f"{name}/{node.boot}/{seq}", f"/agents/{name}", at, node.name
        case FindingReport(cluster=cluster, source=name, boot=boot, seq=seq, sent_at=at):
            return OBSERVATIONS, cluster, f"{cluster}/{name}/{boot}/{seq}", f"/reports/{cluster}/{name}", at, name
        case AuditLook(node=node_name, cluster=cluster, sent_at=at):
            name = node_id(cluster, node_name)
            return OBSERVATIONS, cluster, f"{name}/audit/{timestamp(at)}", f"/agents/{name}", at, node_name
        case Retirement(retirement_id=ident, cluster=cluster, node=name, sent_at=at):
            return OBSERVATIONS, cluster, ident, "/people", at, name
        case Tick(at=at, worker=worker):
            return OBSERVATIONS, "", f"tick/{worker}/{timestamp(at)}", f"/streams/{worker}", at, "tick"
        case Transition(alert_id=ident, seq=seq, cluster=cluster, event_time=at, subject=about):
            return ALERTS, cluster, f"{ident}:{seq}", f"/streams/{cluster}", at, about.id
        case Incident(incident_id=ident, seq=seq, cluster=cluster):
            at = value.timeline[-1].at if value.timeline else value.detected_at
            return INCIDENTS, ident, f"{ident}:{seq}", f"/streams/{cluster}", at, cluster
        case LagRollup(cluster=cluster, link=link, end=end, window_s=window):
            return LAG, cluster, f"{link}:{window:g}:{timestamp(end)}", f"/streams/{cluster}", end, link
        case LinkStatus(cluster=cluster, link=link, at=at):
            return STATUS, link, f"{link}:{timestamp(at)}", f"/streams/{cluster}", at, link
        case NodeStatus(cluster=cluster, node=name, at=at):
            ident = node_id(cluster, name)
            return STATUS, ident, f"{ident}:{timestamp(at)}", f"/streams/{cluster}", at, ident
        case AuditResult(audit_id=ident, cluster=cluster, audited_at=at):
            return AUDITS, cluster, ident, f"/streams/{cluster}", at, cluster
        case Verification(link=link, run_id=run, ended_at=at):
            return VERIFICATIONS, link, f"{link}:{run}:{timestamp(at)}", f"/verify/{link}", at, link
        case ChangeRecord(change_id=ident, cluster=cluster, change=change):
            return CHANGES, cluster, ident, f"/streams/{cluster}", change.at, node_id(cluster, change.node)
        case Action(action_id=ident, incident_id=incident, at=at):
            return ACTIONS, incident, ident, "/people", at, incident
        case Silence(silence_id=ident, starts_at=at):
            return SILENCES, ident, f"{ident}:{timestamp(value.ends_at)}", "/people", at, ident
        case Delivery(incident_id=incident, target=target, at=at):
            event_id = f"{incident}/{target}:{value.seq}:{value.outcome}:{timestamp(at)}"
            return DELIVERIES, f"{incident}/{target}", event_id, f"/sinks/{target}", at, incident
